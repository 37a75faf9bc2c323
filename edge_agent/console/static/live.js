// Follows the agent: swaps the parts of the page that changed, and says at once when nothing is heard of it any more.
const SILENT_FOR_MS = 1700; // shown within 2 s together with the 200 ms of the watch below
const WATCH_MS = 200;
const FLOOR_DB = 60; // the meter begins at −60 dB below full scale

const element = (id) => document.getElementById(id);
const regions = new Map([...document.querySelectorAll("[data-region]")].map((part) => [part.dataset.region, part]));
const captions = element("captions");
// What each part shows, as the parser writes it: the first news repeats the page that was just loaded.
const shown = new Map([...regions].map(([name, part]) => [name, part.innerHTML]));
let heardAt = performance.now();
let clockOffsetMs = 0;

// The alarm: no word from the program means that nobody knows whether it hears.
const setOffline = (offline) => {
  if (element("offline").hidden !== offline) return;
  element("offline").hidden = !offline;
  for (const id of ["status", "level-row"]) element(id).hidden = offline;
  document.body.classList.toggle("is-offline", offline);
};

// A part is swapped whole; who worked in it with the keyboard finds the focus where it was, or on the part itself.
const swap = (name, html) => {
  const part = regions.get(name);
  const holder = document.createElement("template");
  holder.innerHTML = html;
  if (holder.innerHTML === shown.get(name)) return;
  shown.set(name, holder.innerHTML);
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  part.replaceChildren(holder.content);
  if (focused) {
    const same = focused.id && element(focused.id);
    (same || part.querySelector("button.big") || part).focus({ preventScroll: true });
  }
  part.dispatchEvent(new CustomEvent("swapped", { bubbles: true }));
};

const showCaptions = ({ order, changed }) => {
  const atEnd = captions.scrollHeight - captions.scrollTop - captions.clientHeight < 60;
  for (const [key, html] of Object.entries(changed)) {
    const holder = document.createElement("template");
    holder.innerHTML = html.trim();
    const now = element(`u-${key}`);
    const focused = now?.contains(document.activeElement);
    if (now) now.replaceWith(holder.content);
    else captions.append(holder.content);
    if (focused) element(`ub-${key}`)?.focus({ preventScroll: true });
  }
  const wanted = new Set(order.map((key) => `u-${key}`));
  for (const item of [...captions.children]) if (!wanted.has(item.id)) item.remove();
  order.forEach((key, place) => {
    const item = element(`u-${key}`);
    if (item && captions.children[place] !== item) captions.insertBefore(item, captions.children[place] ?? null);
  });
  if (atEnd) captions.scrollTop = captions.scrollHeight;
};

const tell = (news) => {
  heardAt = performance.now();
  clockOffsetMs = news.now_ms - Date.now();
  setOffline(false);
  for (const [name, html] of Object.entries(news.regions ?? {})) swap(name, html);
  if (news.captions && captions) showCaptions(news.captions);
  if (document.body.dataset.mood !== news.mood) {
    document.body.dataset.mood = news.mood;
    element("said").textContent = element("status").querySelector(".mood").textContent;
  }
  const level = element("level");
  level.value = news.level_dbfs === null ? 0 : Math.max(0, news.level_dbfs + FLOOR_DB);
};

const follow = () => {
  const wanted = [...regions.keys(), ...(captions ? ["captions"] : [])];
  const source = new EventSource(`/stream?regions=${wanted.join(",")}`);
  source.onmessage = (event) => tell(JSON.parse(event.data));
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED) return;
    // The program answers and refuses: the session is over.
    location.assign("/sign-in");
  };
  // What the page showed before it was put away is no longer true when it is looked at again.
  addEventListener("pagehide", () => source.close());
};

const spell = (ms) => {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, String(seconds % 60).padStart(2, "0")];
  return h ? `${h}:${String(m).padStart(2, "0")}:${s}` : `${m}:${s}`;
};

const watch = () => {
  if (performance.now() - heardAt > SILENT_FOR_MS) setOffline(true);
  const now = Date.now() + clockOffsetMs;
  for (const time of document.querySelectorAll("time[data-since]")) time.textContent = spell(now - Date.parse(time.dataset.since));
  for (const time of document.querySelectorAll("time[data-until]")) time.textContent = spell(Date.parse(time.dataset.until) - now);
};

if (captions) captions.scrollTop = captions.scrollHeight;
addEventListener("pageshow", (event) => event.persisted && location.reload());
document.addEventListener("visibilitychange", watch);
setInterval(watch, WATCH_MS);
follow();
