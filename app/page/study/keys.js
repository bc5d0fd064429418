// The keyboard of a study: everything that a reader does has a key.
import { $ } from "../dom.js";
import { drawFromKey } from "../film/actions.js";
import * as film from "../film/keys.js";
import { showKeys } from "../key_list.js";
import { bindTable } from "../key_press.js";
import { leaveStudy, nextFilter, nextUnread, stepCase } from "./desk.js";
import {
  judge,
  nextMap,
  othersAbsent,
  setConfidence,
  setPresence,
  setUnreadable,
  showMap,
  stepConfidence,
  stepFinding,
} from "./marks.js";
import { save } from "./reading.js";
import { render } from "./render.js";
import { state } from "./state.js";

const CASES = [
  ["Enter", "save and go on", save],
  ["u", "next case to be read", nextUnread],
  ["j", "next case", () => stepCase(1)],
  ["k", "previous case", () => stepCase(-1)],
  ["f", "list other cases", nextFilter],
  ["Q", "back to your studies", () => state.desk && leaveStudy()],
];

const READING = [
  ["1", "present", () => setPresence("present")],
  ["2", "absent", () => setPresence("absent")],
  ["3", "unsure", () => setPresence("unsure")],
  ["7", "less confidence", () => stepConfidence(-1)],
  ["8", "more confidence", () => stepConfidence(1)],
  ["9", "confidence left open", () => setConfidence(null)],
  ["n", "next finding", () => stepFinding(1)],
  ["p", "previous finding", () => stepFinding(-1)],
  ["a", "all others absent", othersAbsent],
  ["E", "case unreadable", () => state.reading && setUnreadable(!state.reading.draft.unreadable)],
  ["t", "type a comment", () => $("comment").focus()],
];

const MAP = [
  ["m", "next map", nextMap],
  ["A", "map A", () => showMap("A")],
  ["B", "map B", () => showMap("B")],
  ["4", "the map on the film is correct", () => judge("correct")],
  ["5", "the map on the film is partly correct", () => judge("partly")],
  ["6", "the map on the film is wrong", () => judge("wrong")],
  ["<", "less opacity", () => nudge(-0.1)],
  [">", "more opacity", () => nudge(0.1)],
  ["F", "filled, or outlines alone", () => $("filled").click()],
  ["O", "outlines", () => $("outlines").click()],
  ["x", "smooth or patches", () => $("smooth").click()],
  ["C", "next colours", nextColours],
];

const SHAPES = [["b", "draw boxes", () => drawFromKey("draw")]];

const HELP = [["?", "this list", () => showKeys(SECTIONS)]];

const SECTIONS = [
  ["Cases", CASES],
  ["Your reading", READING],
  ["Film", film.FILM],
  ["Window and contrast", film.WINDOW],
  ["Maps", [...MAP, ...film.MAP]],
  ["Boxes and rulers", [...SHAPES, ...film.SHAPES]],
  ["Help", HELP],
];

function nudge(by) {
  const slider = $("opacity");
  slider.value = Number(slider.value) + by;
  slider.dispatchEvent(new Event("input"));
}

function nextColours() {
  const list = $("colours");
  list.selectedIndex = (list.selectedIndex + 1) % list.options.length;
  list.dispatchEvent(new Event("change"));
}

export function bindKeys() {
  bindTable(SECTIONS, render);
  $("help").onclick = () => showKeys(SECTIONS);
}
