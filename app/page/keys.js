// The keyboard: one key for everything, arrows inside lists and groups.
import { openReceived, showArchive } from "./archive.js";
import { activate } from "./asking.js";
import { setColours, setView } from "./controls.js";
import { $, all } from "./dom.js";
import { explore } from "./explore.js";
import { arrow, leave, hideMap, hold, magnify, remove, startDrawing, takeRegion } from "./film/actions.js";
import { resetFilm } from "./film/panel.js";
import { showHistory } from "./history.js";
import { invert, nextWindow } from "./picture.js";
import { showResults } from "./results.js";
import { keyOf, listKeys, showKeys } from "./key_list.js";
import { othersAbsent } from "./others_absent.js";
import { readUnasked, save, setConfidence, stepConfidence, toggle } from "./reading.js";
import { render } from "./render.js";
import { state, viewer } from "./state.js";
import { choose } from "./studies.js";

const FIELDS = "input[type=text], input[type=number], input[type=date], textarea, select";
const ZOOM_STEP = 1.25;
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const held = new Map(); // what is to be undone when a key is let go
const ARROWS = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 };
const KEYS = [
  ["o", "open files", () => $("file").click()],
  ["f", "open a folder", () => $("folder").click()],
  ["q", "find in the archive", showArchive],
  ["d", "open the next received film", () => openReceived()],
  ["/", "type a query", typeQuery],
  ["j", "next study", () => stepStudy(1)],
  ["k", "previous study", () => stepStudy(-1)],
  ["n", "next answer", () => stepAnswer(1)],
  ["p", "previous answer", () => stepAnswer(-1)],
  ["i", "invert the film", () => viewer.look.invert()],
  ["h", "flip left and right", () => viewer.camera.flip(true)],
  ["v", "flip up and down", () => viewer.camera.flip(false)],
  ["r", "turn to the right", () => viewer.camera.rotate(90)],
  ["l", "turn to the left", () => viewer.camera.rotate(-90)],
  ["+", "larger", () => viewer.camera.zoomBy(ZOOM_STEP)],
  ["-", "smaller", () => viewer.camera.zoomBy(1 / ZOOM_STEP)],
  ["=", "fit", () => viewer.camera.fit()],
  ["U", "1:1", () => viewer.camera.zoomTo(100)],
  ["Home", "film as it was opened", () => resetFilm(viewer)],
  ["w", "hold, and drag: window", { hold: (on) => hold(on && "window") }],
  [" ", "hold, and drag: move the film", { hold: (on) => hold(on && "pan") }],
  ["M", "magnifier", magnify],
  ["R", "ruler", () => startDrawing("ruler")],
  ["T", "cardiothoracic ratio", () => startDrawing("ratio")],
  ["W", "next window of the file for the model", nextWindow],
  ["I", "exchange black and white for the model", invert],
  ["m", "map", () => setView("map")],
  ["c", "compare", () => setView("compare")],
  ["y", "image alone", () => setView("image")],
  ["X", "hold: hide the map", { hold: hideMap }],
  [",", "curtain to the left", () => moveCurtain(-0.05)],
  [".", "curtain to the right", () => moveCurtain(0.05)],
  ["[", "lower threshold", () => nudge("threshold", -0.05)],
  ["]", "raise threshold", () => nudge("threshold", 0.05)],
  ["0", "the model's own threshold", ownThreshold],
  ["<", "less opacity", () => nudge("opacity", -0.1)],
  [">", "more opacity", () => nudge("opacity", 0.1)],
  ["F", "filled, or outlines alone", () => $("filled").click()],
  ["O", "outlines", () => $("outlines").click()],
  ["a", "outlines of all answers", () => $("all").click()],
  ["x", "smooth or patches", () => $("smooth").click()],
  ["C", "next colours", nextColours],
  ["e", "show it anyway, untested", explore],
  ["1", "present", () => toggle("presence", "present")],
  ["2", "absent", () => toggle("presence", "absent")],
  ["3", "unsure", () => toggle("presence", "unsure")],
  ["4", "map is correct", () => toggle("location", "correct")],
  ["5", "map is partly correct", () => toggle("location", "partly")],
  ["6", "map is wrong", () => toggle("location", "wrong")],
  ["7", "less confidence", () => stepConfidence(-1)],
  ["8", "more confidence", () => stepConfidence(1)],
  ["9", "confidence left open", () => setConfidence(null)],
  ["A", "all other findings absent, and save", othersAbsent],
  ["u", "read a finding without asking", () => readUnasked()],
  ["b", "draw boxes", () => $("draw").click()],
  ["P", "set points", () => $("point").click()],
  ["G", "draw polygons", () => $("polygon").click()],
  ["D", "make a box of a lit region", takeRegion],
  ["Delete", "remove what is chosen", remove],
  ["z", "undo", () => viewer.shapes.undo()],
  ["Y", "redo", () => viewer.shapes.redo()],
  ["t", "type a comment", () => $("comment").focus()],
  ["s", "save reading", save],
  ["g", "export results", showResults],
  ["H", "past feedback", showHistory],
  ["?", "this list", () => showKeys(KEYS)],
];

function typeQuery() {
  $("query").focus();
  $("query").select();
}

function neighbour(list, item, by) {
  return list[(list.indexOf(item) + by + list.length) % list.length];
}

function stepAnswer(by) {
  const study = state.current;
  if (study && study.answers.length) activate(neighbour(study.answers, study.active, by));
}

function stepStudy(by) {
  if (state.studies.length) choose(neighbour(state.studies, state.current, by));
}

function nudge(id, by) {
  const slider = $(id);
  slider.value = Number(slider.value) + by;
  slider.dispatchEvent(new Event("input"));
}

function moveCurtain(by) {
  if (viewer.view.mode === "compare") nudge("curtain", by);
}

function ownThreshold() {
  const answer = state.current && state.current.active;
  if (!answer) return;
  delete answer.moved;
  render();
}

function nextColours() {
  const list = $("colours");
  list.selectedIndex = (list.selectedIndex + 1) % list.options.length;
  setColours(list.value);
}

function chooseInGroup(event) {
  const by = ARROWS[event.key];
  if (!by) return;
  event.preventDefault();
  const buttons = [...event.currentTarget.querySelectorAll("[role=radio]")];
  const next = neighbour(buttons, event.target, by);
  next.focus();
  if (next.getAttribute("aria-checked") !== "true") next.click();
}

function chooseAnswer(event) {
  const by = ARROWS[event.key];
  const { answers = [] } = state.current || {};
  const item = answers.find((answer) => answer.query === event.target.dataset.key);
  if (!item || !(by || event.key === "Enter" || event.key === " ")) return;
  event.preventDefault();
  activate(by ? neighbour(answers, item, by) : item);
  $("answers").querySelector("[aria-selected=true]").focus();
}

function press(event) {
  const field = event.target.closest && event.target.closest(FIELDS);
  if (field) {
    if (event.key === "Escape") field.blur();
    return;
  }
  if (all("dialog[open]").length) return;
  if (takesBack(event)) return event.preventDefault();
  // Brackets need AltGr (Ctrl + Alt on Windows) or Option on many keyboards.
  const composed = event.altKey && "[]".includes(event.key);
  if ((event.ctrlKey || event.metaKey || event.altKey) && !composed) return;
  if (event.key === "Escape") {
    if (leave()) render();
    return;
  }
  if (onFilm(event)) return;
  const entry = KEYS.find((one) => keyOf(one) === event.key);
  if (!entry || (event.key === " " && event.target.closest("button, [role=option], input, summary"))) return;
  event.preventDefault();
  if (!entry[2].hold) return entry[2]();
  event.stopPropagation(); // to Cornerstone a key that is held would be another binding of the button
  if (event.repeat) return;
  held.set(event.code, entry[2].hold);
  entry[2].hold(true);
}

function takesBack(event) {
  // Ctrl + Z and Ctrl + Y are the film's; in a text they are the text's.
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || event.altKey || !["z", "y"].includes(key)) return false;
  if (key === "y" || event.shiftKey) viewer.shapes.redo();
  else viewer.shapes.undo();
  return true;
}

function onFilm(event) {
  // With the film in focus the arrows move what is chosen on it, or the film.
  const step = STEPS[event.key];
  if (!viewer.element.contains(event.target)) return false;
  if (event.key === "Backspace") return remove();
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

export function bindKeys() {
  listKeys(KEYS);
  for (const group of all("[role=radiogroup]")) group.addEventListener("keydown", chooseInGroup);
  $("answers").addEventListener("keydown", chooseAnswer);
  document.addEventListener("keydown", press, { capture: true });
  document.addEventListener("keyup", letGo);
  window.addEventListener("blur", letAllGo); // a key that is let go elsewhere is not heard of
}
