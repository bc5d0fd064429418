// What the reader says of the findings of a case: each change goes through here.
import { neighbour } from "../key_press.js";
import { viewer } from "../stage.js";
import { stopDrawing } from "../film/actions.js";
import { touch } from "./drafts.js";
import { note } from "./events.js";
import { keepDraft, seesMaps } from "./reading.js";
import { render } from "./render.js";
import { markOf, state } from "./state.js";

const STEP = 10; // of the confidence, by keys
const MIDDLE = 50;

export function change(edit) {
  const { reading } = state;
  if (!reading || reading.saving) return;
  edit(reading.draft, markOf(reading));
  touch(reading.draft);
  Object.assign(reading, { error: "", note: "" });
  keepDraft();
  render();
}

export function choose(label) {
  const { reading } = state;
  if (!reading || reading.chosen === label) return;
  if (viewer.view.drawing === "box") stopDrawing(); // what is drawn next belongs to another finding
  reading.chosen = label;
  render();
}

export function stepFinding(by) {
  const { reading, desk } = state;
  if (!reading) return;
  const labels = desk.protocol.findings.map(({ label }) => label);
  choose(neighbour(labels, reading.chosen, by));
}

export function setPresence(presence, label = state.reading && state.reading.chosen) {
  choose(label);
  change((_, mark) => {
    mark.presence = mark.presence === presence ? "" : presence;
    if (mark.presence !== "present" && mark.presence !== "absent") mark.confidence = null; // of nothing that is told
  });
}

export function setConfidence(value, label = state.reading && state.reading.chosen) {
  choose(label);
  if (!takesConfidence(markOf())) return;
  change((_, mark) => {
    mark.confidence = value === null ? null : Math.min(Math.max(Math.round(value), 0), 100);
  });
}

export function stepConfidence(direction) {
  const mark = markOf();
  if (takesConfidence(mark))
    setConfidence(mark.confidence === null ? MIDDLE : mark.confidence + direction * STEP);
}

export function takesConfidence(mark) {
  // "Unsure" says all there is to say.
  return !!mark && state.desk.protocol.confidence && ["present", "absent"].includes(mark.presence);
}

export function othersAbsent() {
  change(({ marks }) => {
    for (const mark of Object.values(marks)) if (!mark.presence) mark.presence = "absent";
  });
}

export function judge(verdict, letter = state.letter) {
  // Of the map on the film, unless another is named.
  const { reading } = state;
  if (!reading || !seesMaps(reading) || !reading.maps.includes(letter)) return;
  change((_, mark) => {
    mark.maps[letter] = mark.maps[letter] === verdict ? "" : verdict;
  });
}

export function setUnreadable(unreadable) {
  change((draft) => (draft.unreadable = unreadable));
}

export function setComment(comment) {
  change((draft) => (draft.comment = comment));
}

export function drawn(mark, shapes) {
  // Boxes of a finding, which is there if it has one.
  change(() => {
    if (shapes.length > mark.shapes.length && !mark.presence) mark.presence = "present";
    mark.shapes = shapes;
  });
}

export function showMap(letter) {
  const { reading } = state;
  if (!reading || (letter && !reading.maps.includes(letter)) || !reading.answers) return;
  if (letter !== state.letter)
    note(letter ? "map_shown" : "map_hidden", { map: letter || state.letter, finding: reading.chosen });
  state.letter = letter;
  render();
}

export function nextMap() {
  const { reading } = state;
  if (reading && reading.answers) showMap(neighbour([...reading.maps, ""], state.letter, 1));
}
