// Which key does what: the list under "?", in which each can be given another key, which this browser keeps.
import { $, all, node, say } from "./dom.js";

const STORED = $("help-dialog").dataset.stored; // each page keeps its own
const NAMES = { " ": "space", ArrowLeft: "←", ArrowRight: "→" };
// What works without being in the list: fields, dialogs and the film itself need these.
const FIXED = [
  "Escape",
  "Tab",
  "Enter",
  "ArrowUp",
  "ArrowDown",
  "ArrowLeft",
  "ArrowRight",
  "Backspace",
  "F5",
  "F11",
];
const MODIFIERS = ["Shift", "Control", "Alt", "AltGraph", "Meta", "CapsLock", "Dead"];
let chosen = remembered();
let own = []; // the table that the page was given

export function keyOf([key, meaning]) {
  return chosen[meaning] ?? key;
}

export function keyFor(meaning) {
  return nameOf(keyOf(own.find((entry) => entry[1] === meaning)));
}

export function listKeys(sections) {
  // What works without a key that can be chosen, and stands in the page, comes after them.
  own = sections.flatMap(([, table]) => table);
  tellKeys();
  $("keys").replaceChildren(...sections.map((section) => sectionOf(sections, section)), $("keys-fixed"));
  $("keys-reset").hidden = !Object.keys(chosen).length;
  $("keys-reset").onclick = () => {
    chosen = {};
    remember();
    listKeys(sections);
    say("keys-error");
  };
}

export function tellKeys() {
  // What a tool says of itself names the keys that do the same, as they are now.
  const keys = new Map(own.map((entry) => [entry[1], nameOf(keyOf(entry))]));
  for (const element of all("[data-action]")) {
    element.dataset.keys = element.dataset.action
      .split("|")
      .map((meaning) => keys.get(meaning))
      .filter(Boolean)
      .join(", ");
    setTitle(element, element.dataset.words ?? element.title);
  }
}

export function setTitle(element, words) {
  // The words, and after them the keys of the table that the page was given.
  const { keys } = element.dataset;
  const title = [words, keys && `(${keys})`].filter(Boolean).join(" ");
  if (element.title === title) return;
  element.dataset.words = words;
  element.title = title;
}

export function showKeys(sections) {
  say("keys-error");
  listKeys(sections);
  $("help-dialog").showModal();
}

function sectionOf(sections, [heading, table]) {
  const section = node("section");
  const list = node("dl");
  list.append(...table.flatMap((entry) => lineOf(sections, entry)));
  section.append(node("h3", heading), list);
  return section;
}

function lineOf(sections, entry) {
  const [, meaning] = entry;
  const button = node("button", nameOf(keyOf(entry)), { title: `Give “${meaning}” another key` });
  button.setAttribute("aria-label", `${nameOf(keyOf(entry))}: ${meaning}; press to give it another key`);
  button.onclick = () => wait(sections, entry, button);
  const term = node("dt");
  term.append(button);
  return [term, node("dd", meaning)];
}

function wait(sections, entry, button) {
  // The next key that is pressed is taken, unless it is another's.
  button.textContent = "press a key";
  const stop = () => {
    button.removeEventListener("keydown", listen);
    listKeys(sections);
  };
  const listen = (event) => {
    if (MODIFIERS.includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key !== "Escape") assign(entry, event);
    stop();
    [...$("keys").querySelectorAll("button")][own.indexOf(entry)].focus();
  };
  button.addEventListener("keydown", listen);
  button.addEventListener("blur", stop, { once: true });
  say("keys-error");
}

function assign(entry, { key, ctrlKey, altKey, metaKey }) {
  const [standard, meaning] = entry;
  const other = own.find((one) => one !== entry && keyOf(one) === key);
  if (ctrlKey || altKey || metaKey || FIXED.includes(key))
    return say("keys-error", `${nameOf(key)} cannot be given away; choose a letter, a digit or a sign.`);
  if (other)
    return say(
      "keys-error",
      `${nameOf(key)} is the key for “${other[1]}”; choose another, or give that one another first.`,
    );
  if (key === standard) delete chosen[meaning];
  else chosen[meaning] = key;
  return remember();
}

function nameOf(key) {
  return NAMES[key] || key;
}

function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORED) || "{}");
    return Object.fromEntries(Object.entries(kept).filter(([, key]) => typeof key === "string"));
  } catch {
    return {}; // storage is switched off, or holds something else
  }
}

function remember() {
  try {
    localStorage.setItem(STORED, JSON.stringify(chosen));
  } catch {
    say("keys-error", "The browser keeps nothing: the keys are as they were when the page is opened again.");
  }
}
