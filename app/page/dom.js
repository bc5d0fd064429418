// Finding, making and filling parts of the page.
import "./layout.js";

const HEAD = 60; // CSS pixels of an answer by which it is in sight: its number, its probability

export const $ = (id) => document.getElementById("pc-" + id);
export const all = (selector) => [...document.querySelectorAll("#pc " + selector)];

export function node(tag, text, properties = {}) {
  const made = Object.assign(document.createElement(tag), properties);
  if (text !== undefined) made.textContent = text;
  return made;
}

export function say(id, text = "") {
  const place = $(id);
  if (place.textContent !== text) place.textContent = text; // the same words again would be read out again
  place.hidden = !text;
}

export function put(element, property, value) {
  // What is written anew has the browser lay the page out again, and observers hear of it, even if it is the same.
  if (element[property] !== value) element[property] = value;
}

export function intoSight(item) {
  // The first answer comes with what stands above it: what became of each word.
  const section = item.closest(".answers");
  if (section && !item.previousElementSibling) {
    section.scrollTop = 0;
    if (item.getBoundingClientRect().top + HEAD <= section.getBoundingClientRect().bottom) return;
  }
  item.scrollIntoView({ block: "nearest" });
}

export function refill(place, nodes) {
  // Replaces the children; the one that had the focus has it again.
  const key = place.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  place.replaceChildren(...nodes);
  if (key === undefined) return;
  const again = [...place.querySelectorAll("[data-key]")].find((item) => item.dataset.key === key);
  if (again) again.focus({ preventScroll: true });
}

export function short(value) {
  return value.toFixed(2).replace(/^0/, "");
}

export function floored(value) {
  // What lies below a threshold must not be written as if it reached it.
  return short(Math.floor(value * 100 + 1e-6) / 100);
}

export function choices(kind, value) {
  // A group of radio buttons is one stop of the Tab key: the chosen one, or the first.
  const buttons = all(`[data-${kind}]`);
  const chosen = buttons.find((button) => button.dataset[kind] === value);
  for (const button of buttons) {
    button.setAttribute("aria-checked", String(button === chosen));
    button.tabIndex = button === (chosen || buttons[0]) ? 0 : -1;
  }
}
