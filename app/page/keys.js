// The keyboard: one key for everything, arrows inside lists and groups.
import { openReceived, showArchive } from "./archive.js";
import { activate } from "./asking.js";
import { setColours, setView } from "./controls.js";
import { $ } from "./dom.js";
import { explore } from "./explore.js";
import { copyFigure, saveFigure } from "./figure.js";
import { drawFromKey, takeRegion } from "./film/actions.js";
import * as film from "./film/keys.js";
import { showHistory } from "./history.js";
import { invert, nextWindow } from "./picture.js";
import { showResults } from "./results.js";
import { showKeys } from "./key_list.js";
import { ARROWS, bindTable, neighbour } from "./key_press.js";
import { othersAbsent } from "./others_absent.js";
import { nextMethod, nextPlace, nudgeCut, setPanes } from "./panes.js";
import { readUnasked, save, setConfidence, stepConfidence, toggle, withdraw } from "./reading.js";
import { render, renderMaps } from "./render.js";
import { toggleScores } from "./scores.js";
import { exchange, flicker } from "./sides.js";
import { state, viewer } from "./state.js";
import { choose } from "./studies.js";

const STUDIES = [
  ["o", "open files", () => $("file").click()],
  ["f", "open a folder", () => $("folder").click()],
  ["q", "find in the archive", showArchive],
  ["d", "open the next received film", () => openReceived()],
  ["j", "next study", () => stepStudy(1)],
  ["k", "previous study", () => stepStudy(-1)],
];

const ANSWERS = [
  ["/", "type a query", typeQuery],
  ["n", "next answer", () => stepAnswer(1)],
  ["p", "previous answer", () => stepAnswer(-1)],
  ["e", "show it anyway, untested", explore],
];

const MODEL_WINDOW = [
  ["W", "next window of the file for the model", nextWindow],
  ["I", "exchange black and white for the model", invert],
];

const MAP = [
  ["m", "map", () => setView("map")],
  ["y", "image alone", () => setView("image")],
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
];

const COMPARE = [
  ["c", "compare", () => setView("compare")],
  [",", "curtain to the left", () => moveCurtain(-0.05)],
  [".", "curtain to the right", () => moveCurtain(0.05)],
  [";", "flicker: one map, then the other", flicker],
  [":", "exchange the sides of the curtain", exchange],
  ["J", "one film", () => setPanes(1)],
  ["K", "two films side by side", () => setPanes(2)],
  ["L", "four films side by side", () => setPanes(4)],
  ["N", "next map of those compared", nextPlace],
  ["V", "next method of that map", () => nextMethod(1)],
  ["B", "previous method of that map", () => nextMethod(-1)],
  ["{", "lower threshold of that map", () => nudgeCut(-1)],
  ["}", "raise threshold of that map", () => nudgeCut(1)],
  ["Q", "same lit area", () => $("matched").click()],
  ["E", "scores of all maps", toggleScores],
];

const READING = [
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
  ["t", "type a comment", () => $("comment").focus()],
  ["s", "save reading", save],
  ["_", "withdraw the saved reading", withdraw],
];

const SHAPES = [
  ["b", "draw boxes", () => drawFromKey("draw")],
  ["P", "set points", () => drawFromKey("point")],
  ["G", "draw polygons", () => drawFromKey("polygon")],
  ["D", "make a box of a lit region", takeRegion],
];

const RESULTS = [
  ["g", "export results", showResults],
  ["Z", "copy the figure", copyFigure],
  ["S", "save the figure", saveFigure],
  ["H", "past feedback", showHistory],
  ["?", "this list", () => showKeys(SECTIONS)],
];

const SECTIONS = [
  ["Studies", STUDIES],
  ["Ask and answers", ANSWERS],
  ["Your reading", READING],
  ["Film", film.FILM],
  ["Window and contrast", [...film.WINDOW, ...MODEL_WINDOW]],
  ["Map", [...MAP, ...film.MAP]],
  ["Compare maps", COMPARE],
  ["Boxes, points and rulers", [...SHAPES, ...film.SHAPES]],
  ["Results and help", RESULTS],
];

function typeQuery() {
  $("query").focus();
  $("query").select();
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
  renderMaps();
}

function nextColours() {
  const list = $("colours");
  list.selectedIndex = (list.selectedIndex + 1) % list.options.length;
  setColours(list.value);
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

export function bindKeys() {
  bindTable(SECTIONS, render);
  $("answers").addEventListener("keydown", chooseAnswer);
}
