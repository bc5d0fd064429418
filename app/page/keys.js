// The keyboard: one key for everything, arrows inside lists and groups.
import { openReceived, showArchive } from "./archive.js";
import { activate } from "./asking.js";
import { setColours, setView } from "./controls.js";
import { $, all, node } from "./dom.js";
import { explore } from "./explore.js";
import { showHistory } from "./history.js";
import { invert, nextWindow } from "./picture.js";
import { showResults } from "./results.js";
import { othersAbsent } from "./others_absent.js";
import { readUnasked, save, setConfidence, stepConfidence, toggle, undo } from "./reading.js";
import { state, viewer } from "./state.js";
import { choose } from "./studies.js";

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
  ["m", "map", () => setView("map")],
  ["c", "compare", () => setView("compare")],
  ["i", "image alone", () => setView("image")],
  ["0", "fit, reset window", () => viewer.reset()],
  [",", "curtain to the left", () => moveCurtain(-0.05)],
  [".", "curtain to the right", () => moveCurtain(0.05)],
  ["[", "lower threshold", () => nudge("threshold", -0.05)],
  ["]", "raise threshold", () => nudge("threshold", 0.05)],
  ["-", "less opacity", () => nudge("opacity", -0.1)],
  ["+", "more opacity", () => nudge("opacity", 0.1)],
  ["x", "smooth or patches", () => $("smooth").click()],
  ["l", "outlines", () => $("outlines").click()],
  ["a", "outlines of all answers", () => $("all").click()],
  ["e", "show it anyway, untested", explore],
  ["v", "next colours", nextColours],
  ["r", "exchange black and white", invert],
  ["w", "next window of the file", nextWindow],
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
  ["z", "remove last box", undo],
  ["t", "type a comment", () => $("comment").focus()],
  ["s", "save reading", save],
  ["g", "export results", showResults],
  ["h", "past feedback", showHistory],
  ["?", "this list", () => $("help-dialog").showModal()],
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
  const field =
    event.target.closest && event.target.closest("input[type=text], input[type=number], textarea, select");
  if (field) {
    if (event.key === "Escape") field.blur();
    return;
  }
  // Brackets need AltGr (Ctrl + Alt on Windows) or Option on many keyboards.
  const composed = event.altKey && "[]".includes(event.key);
  const modified = event.ctrlKey || event.metaKey || event.altKey;
  if ((modified && !composed) || all("dialog[open]").length) return;
  const entry = KEYS.find(([key]) => key === event.key);
  if (!entry) return;
  event.preventDefault();
  entry[2]();
}

export function bindKeys() {
  for (const [key, meaning] of KEYS) $("keys").append(node("dt", key), node("dd", meaning));
  for (const group of all("[role=radiogroup]")) group.addEventListener("keydown", chooseInGroup);
  $("answers").addEventListener("keydown", chooseAnswer);
  document.addEventListener("keydown", press);
}
