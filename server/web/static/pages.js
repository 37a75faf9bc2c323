// Small behaviour that HTML alone does not have. The pages work without it.
"use strict";

// Live pieces ask for themselves again while somebody looks at them and works in nothing inside them.
const lastRefresh = new WeakMap();
setInterval(() => {
  const live = document.querySelector("[data-refresh-s]");
  if (!live || document.hidden || live.contains(document.activeElement)) return;
  const now = performance.now();
  const since = lastRefresh.get(live) ?? (lastRefresh.set(live, now), now);
  if (now - since < Number(live.dataset.refreshS) * 1000) return;
  lastRefresh.set(live, now);
  live.dispatchEvent(new CustomEvent("refresh"));
}, 1000);

// The account menu closes on a click elsewhere and on Escape.
const closeMenus = (keep) => {
  for (const menu of document.querySelectorAll("details.account[open]")) if (menu !== keep) menu.open = false;
};
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.account")));
document.addEventListener("keydown", (event) => event.key === "Escape" && closeMenus(null));
