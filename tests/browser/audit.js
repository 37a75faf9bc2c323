// WCAG 2.2 criteria that can be computed: names, labels, landmarks, headings, unique ids, contrast of 4.5 : 1.
() => {
  const faults = [];
  const every = (selector, check) => document.querySelectorAll(selector).forEach(check);
  const start = (text) => text.trim().slice(0, 60);
  const named = (e) => (e.getAttribute("aria-label") || e.textContent || "").trim();

  for (const one of ["h1", "main"]) if (document.querySelectorAll(one).length !== 1) faults.push(`not one ${one}`);
  every("nav:not(.pager)", (e) => e.getAttribute("aria-label") || faults.push("nav without a label"));
  every("a, button, summary", (e) => named(e) || faults.push(`no name: ${start(e.outerHTML)}`));
  every("input:not([type=hidden]):not([aria-hidden]), select", (e) => e.labels.length || faults.push(`no label: ${e.name}`));
  every("img:not([alt])", (e) => faults.push(`no alt: ${e.src}`));
  every("main svg", (e) => e.closest("[aria-hidden=true]") || faults.push("a drawing without a text beside it"));
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  if (new Set(ids).size !== ids.length) faults.push("an id twice");

  const numbers = (colour) => (colour.match(/[\d.]+/g) || []).map(Number);
  const channel = (v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const colour = numbers(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text; (text = texts.nextNode()); ) {
    const e = text.parentElement;
    if (!text.textContent.trim() || !e.checkVisibility() || e.closest("svg, script, .sr-only, .skip")) continue;
    const [dark, bright] = [light(numbers(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => x - y);
    const contrast = (bright + 0.05) / (dark + 0.05);
    if (contrast < 4.5) faults.push(`contrast ${contrast.toFixed(2)}: ${start(text.textContent)}`);
  }
  return [...new Set(faults)];
}
