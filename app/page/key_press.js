// What keys do when they are pressed, held and let go: those of a page's table, the film's arrows, and arrows inside groups.
import { all } from "./dom.js";
import { arrow, leave, placeShape, remove, stretch, toFilm } from "./film/actions.js";
import { keyOf, listKeys } from "./key_list.js";
import { viewer } from "./stage.js";

const FIELDS = "input[type=text], input[type=number], input[type=date], textarea, select";
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
export const ARROWS = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 };
const held = new Map(); // what is to be undone when a key is let go

export function bindTable(sections, changed) {
  // `sections` are [heading, table], and a table holds [key, meaning, act], or [key, meaning, { hold }];
  // `changed` hears that drawing was left.
  const table = sections.flatMap(([, keys]) => keys);
  listKeys(sections);
  for (const group of all("[role=radiogroup]")) group.addEventListener("keydown", chooseInGroup);
  document.addEventListener("keydown", (event) => press(event, table, changed), { capture: true });
  document.addEventListener("keyup", letGo);
  window.addEventListener("blur", letAllGo); // a key that is let go elsewhere is not heard of
}

export function neighbour(list, item, by) {
  return list[(list.indexOf(item) + by + list.length) % list.length];
}

export function chooseInGroup(event) {
  const by = ARROWS[event.key];
  if (!by) return;
  event.preventDefault();
  const buttons = [...event.currentTarget.querySelectorAll("[role=radio]")];
  const next = neighbour(buttons, event.target, by);
  next.focus();
  if (next.getAttribute("aria-checked") !== "true") next.click();
}

function press(event, table, changed) {
  const field = event.target.closest && event.target.closest(FIELDS);
  if (field) {
    if (event.key === "Escape" && !field.closest("dialog")) toFilm();
    return;
  }
  if (event.key !== "Tab") keepFocus();
  if (all("dialog[open]").length) return;
  if (takesBack(event)) return event.preventDefault();
  if (event.ctrlKey && STEPS[event.key] && hasArrows(event)) {
    event.preventDefault();
    return stretch(...STEPS[event.key], event.shiftKey);
  }
  // Brackets need AltGr (Ctrl + Alt on Windows) or Option on many keyboards.
  const composed = event.altKey && "[]{}".includes(event.key);
  if ((event.ctrlKey || event.metaKey || event.altKey) && !composed) return;
  if (event.key === "Escape") {
    if (leave()) changed();
    return;
  }
  if (onFilm(event)) return;
  const entry = table.find((one) => keyOf(one) === event.key);
  if (!entry || worksItself(event)) return;
  event.preventDefault();
  if (!entry[2].hold) return entry[2]();
  event.stopPropagation(); // to Cornerstone a key that is held would be another binding of the button
  if (event.repeat) return;
  held.set(event.code, entry[2].hold);
  entry[2].hold(true);
}

function keepFocus() {
  // What had the focus may be hidden by what its key did, or be gone: the film has it then, unless the focus has left the page.
  const before = document.activeElement;
  if (before === document.body) return;
  const look = () => {
    if (document.activeElement === document.body && !all("dialog[open]").length) toFilm();
  };
  requestAnimationFrame(() => requestAnimationFrame(look));
}

function worksItself({ key, target }) {
  // What has the focus takes these keys as the browser has it.
  const takers = {
    " ": "button, [role=option], input, summary",
    Enter: "button:not([role=radio]), a, summary",
  };
  return key in takers && !!target.closest(takers[key]);
}

function takesBack(event) {
  // Ctrl + Z and Ctrl + Y are the film's; in a text they are the text's.
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || event.altKey || !["z", "y"].includes(key)) return false;
  if (key === "y" || event.shiftKey) viewer.shapes.redo();
  else viewer.shapes.undo();
  return true;
}

function hasArrows({ target }) {
  // The film has the focus, or nothing else has it.
  return target === document.body || viewer.element.contains(target);
}

function onFilm(event) {
  // The arrows move what is chosen on the film, or the film.
  const step = STEPS[event.key];
  if (!hasArrows(event)) return false;
  if (event.key === "Backspace") return remove();
  if (event.key === "Enter") return placeShape();
  if (!step) return false;
  event.preventDefault();
  arrow(...step, event.shiftKey);
  return true;
}

function letGo(event) {
  const release = held.get(event.code);
  if (!release) return;
  held.delete(event.code);
  release(false);
}

function letAllGo() {
  for (const release of held.values()) release(false);
  held.clear();
}
