// Finds a customer: by typing, by a hand-held scanner (it types and ends with Enter), by the camera.
// A classic script that the head waits for, as actions.js: a scanner does not wait for modules.

const TYPING_MS = 200;
const LOOK_MS = 200;
let waiting = 0;
let asked = 0;

const find = async (picker, text) => {
  const turn = ++asked;
  const answer = await fetch(`/customers?q=${encodeURIComponent(text)}`, { headers: { Accept: "text/html" } });
  // An answer that a later question has overtaken is dropped.
  if (turn !== asked) return null;
  const list = picker.querySelector(".found");
  list.innerHTML = answer.ok ? await answer.text() : "";
  return list;
};

const choose = (picker, ref, label) => {
  const form = picker.closest("[data-chooser]");
  form.elements.customer.value = ref;
  picker.querySelector("[data-search]").value = "";
  picker.querySelector(".found").replaceChildren();
  const chosen = form.querySelector("[data-chosen]");
  if (!chosen) return form.requestSubmit();
  chosen.textContent = label;
  form.querySelector("[data-unchoose]").hidden = false;
  form.querySelector("button.big").focus();
};

// One customer is meant: the only one found, or what a card says when nobody is found.
const take = async (picker, text) => {
  clearTimeout(waiting);
  const list = text && (await find(picker, text));
  if (!list) return;
  const known = list.querySelectorAll("[data-ref]:not(.own)");
  const own = list.querySelector(".own");
  const only = known.length === 1 ? known[0] : known.length === 0 ? own : [...known].find((one) => one.dataset.ref === text);
  if (only) choose(picker, only.dataset.ref, only.dataset.label);
  else known[0].focus();
};

document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-search]")) return;
  clearTimeout(waiting);
  const text = event.target.value.trim();
  waiting = setTimeout(() => find(event.target.closest("[data-picker]"), text), TYPING_MS);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.isComposing || !event.target.matches("[data-search]")) return;
  event.preventDefault();
  take(event.target.closest("[data-picker]"), event.target.value.trim());
});

document.addEventListener("click", (event) => {
  const picker = event.target.closest("[data-picker]");
  const choice = event.target.closest("[data-ref]");
  if (choice) choose(picker, choice.dataset.ref, choice.dataset.label);
  if (event.target.closest("[data-scan]")) scan(picker);
  if (event.target.closest("[data-scan-stop]")) stop(picker);
  const unchoose = event.target.closest("[data-unchoose]");
  if (!unchoose) return;
  const form = unchoose.closest("[data-chooser]");
  form.elements.customer.value = "";
  const chosen = form.querySelector("[data-chosen]");
  chosen.textContent = chosen.dataset.later;
  unchoose.hidden = true;
});

const canScan = "BarcodeDetector" in globalThis && Boolean(navigator.mediaDevices?.getUserMedia);
const offerCamera = (root) => {
  for (const button of root.querySelectorAll("[data-scan]")) button.hidden = !canScan;
};

const scan = async (picker) => {
  const camera = picker.querySelector(".camera");
  const video = camera.querySelector("video");
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch (error) {
    if (!(error instanceof DOMException)) throw error;
    picker.querySelector("[data-scan-note]").textContent = picker.querySelector("[data-scan]").dataset.missing;
    return;
  }
  camera.hidden = false;
  await video.play();
  const detector = new BarcodeDetector();
  const look = async () => {
    // A part that was swapped away takes its camera with it.
    if (!video.srcObject || !video.isConnected) return stop(picker);
    const [code] = await detector.detect(video);
    if (!code) return setTimeout(look, LOOK_MS);
    stop(picker);
    take(picker, code.rawValue.trim());
  };
  look();
};

const stop = (picker) => {
  const camera = picker.querySelector(".camera");
  for (const track of camera.querySelector("video").srcObject?.getTracks() ?? []) track.stop();
  camera.querySelector("video").srcObject = null;
  camera.hidden = true;
};

document.addEventListener("close", (event) => event.target.querySelectorAll("[data-picker]").forEach(stop), true);
document.addEventListener("swapped", (event) => offerCamera(event.target));
document.addEventListener("DOMContentLoaded", () => offerCamera(document));
