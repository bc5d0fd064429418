// Draws the page of studies from its state. Changes nothing but the page.
import { $, node, refill, say } from "../dom.js";
import { viewer } from "../stage.js";
import { renderCards } from "./cards.js";
import { clockWords } from "./clock.js";
import { FILTERS, address, listed } from "./desk.js";
import { keptOf } from "./drafts.js";
import { renderLines } from "./lines.js";
import { layMap, renderMaps } from "./maps.js";
import { seesMaps } from "./reading.js";
import { leads, markOf, state } from "./state.js";

const ARMS = {
  unaided: "without the model",
  aided: "with the maps",
  sequential: "first without, then with the maps",
};
const STATUS = {
  new: ["○", "to be read"],
  first: ["◐", "second opinion"],
  done: ["✓", "read"],
  unreadable: ["⊘", "unreadable"],
  waiting: ["◷", "waiting"],
};
let followed = null; // the case that was scrolled to last

export function render() {
  const { desk, reading, person } = state;
  $("stage").closest("#pc").dataset.screen = desk ? "reading" : "studies";
  for (const id of ["leave", "panel"]) $(id).hidden = !desk;
  $("title").textContent = desk ? desk.protocol.title : "";
  $("person").textContent = person ? person.name : "";
  $("insights").hidden = !leads();
  renderCards();
  renderCases();
  renderForm();
  layMap();
  const mark = markOf();
  Object.assign(viewer.view, { reading: mark || {}, shapes: mark ? mark.shapes : [] });
  viewer.draw();
  renderMaps();
  renderEmpty();
  $("image-warnings").replaceChildren(...(reading ? reading.warnings : []).map((text) => node("li", text)));
  viewer.canvas.setAttribute("aria-label", reading ? filmWords(reading) : "No radiograph is open");
  address();
}

function filmWords(reading) {
  return `Radiograph of case ${reading.case}; ${nameOf(reading.chosen)}; ${$("caption").textContent || "no map"}`;
}

function nameOf(label) {
  return state.desk.protocol.findings.find((finding) => finding.label === label).name;
}

function renderCases() {
  const { desk, filter } = state;
  if (!desk) return;
  Object.assign($("progress"), { max: Math.max(desk.total, 1), value: desk.done });
  $("done").textContent = `${desk.done} of ${desk.total} read`;
  refill(
    $("filter"),
    Object.entries(FILTERS).map(([kind, { words, takes }]) =>
      node("option", `${words} (${desk.items.filter(takes).length})`, { value: kind }),
    ),
  );
  $("filter").value = filter;
  const items = listed();
  refill($("cases"), items.flatMap(caseNodes));
  $("no-cases").hidden = items.length > 0;
  const here = $("cases").querySelector("[aria-current=true]");
  if (here && here.dataset.key !== followed) here.scrollIntoView({ block: "nearest" });
  followed = here && here.dataset.key;
}

function caseNodes(item, place, items) {
  // A line of the list, and a heading where another period of a crossover begins.
  const { assignment, case: number, arm, status, period } = item;
  const [sign, words] = STATUS[status];
  const unsaved = isUnsaved(assignment);
  const button = node("button", `case ${number}`, { title: `${words}; ${ARMS[arm]}` });
  button.dataset.key = assignment;
  button.disabled = status === "waiting";
  if (state.reading && state.reading.assignment === assignment) button.setAttribute("aria-current", "true");
  button.append(node("span", sign, { className: `status ${status}` }));
  button.lastChild.setAttribute("aria-hidden", "true");
  button.append(node("small", unsaved ? "not saved" : words, { className: unsaved ? "unsaved" : "" }));
  const line = node("li");
  line.append(button);
  const several = state.desk.items.some((other) => other.period > 1);
  const begins = several && (!place || items[place - 1].period !== period);
  return begins ? [node("li", `period ${period}`, { className: "hint" }), line] : [line];
}

function isUnsaved(assignment) {
  const { desk, reading, person } = state;
  if (reading && reading.assignment === assignment) return reading.draft.changes > 0;
  return keptOf(person.name, desk.study, assignment);
}

function renderForm() {
  const { reading, desk } = state;
  const draft = reading && reading.draft;
  $("stage").closest("#pc").classList.toggle("no-case", !reading);
  $("case").textContent = reading ? `Case ${reading.case}` : "";
  $("opinion").textContent = reading ? opinionWords(reading) : "";
  renderClock();
  renderLines();
  for (const id of ["others", "unreadable", "comment", "save", "draw"]) $(id).disabled = !reading;
  $("others").disabled = !reading || draft.unreadable;
  $("save").setAttribute("aria-disabled", String(!!reading && reading.saving));
  $("unreadable").checked = !!draft && draft.unreadable;
  if ($("comment").value !== (draft ? draft.comment : "")) $("comment").value = draft ? draft.comment : "";
  renderBoxes(!!desk && desk.protocol.boxes !== "none");
  say("save-error", reading ? reading.error : "");
  const note = !reading ? "" : reading.saving ? "saving …" : reading.note || savedWords(reading);
  if ($("saved").textContent !== note) $("saved").textContent = note;
}

function opinionWords(reading) {
  const { arm, opinion } = reading;
  if (seesMaps(reading) && arm !== "sequential") return "With the model's maps.";
  if (opinion === "second") return "Second opinion, with the maps. What you said first is locked.";
  return arm === "sequential"
    ? "First opinion, without the model. It is locked when you save it, and the maps appear."
    : "Without the model.";
}

function savedWords({ saved, draft }) {
  if (!saved) return "";
  const revision = saved.revision > 1 ? `, revision ${saved.revision}` : "";
  return draft.changes ? `saved${revision}; changed since` : `saved${revision}`;
}

export function renderClock(rests = false) {
  const { reading } = state;
  $("clock").textContent = reading ? clockWords(reading.draft.activeMs) + (rests ? ", paused" : "") : "";
}

function renderBoxes(asked) {
  const mark = markOf();
  $("box-row").hidden = !asked;
  $("draw").setAttribute("aria-pressed", String(viewer.view.drawing === "box"));
  $("film").classList.toggle("drawing", !!viewer.view.drawing);
  for (const kind of ["ruler", "ratio"])
    $(kind).setAttribute("aria-pressed", String(viewer.view.drawing === kind));
  $("undo").setAttribute("aria-disabled", String(!mark || !viewer.shapes.canUndo(mark))); // the focus stays on it
  $("redo").setAttribute("aria-disabled", String(!mark || !viewer.shapes.canRedo(mark)));
  const count = mark ? mark.shapes.length : 0;
  const words = count === 1 ? "1 box" : count ? `${count} boxes` : "no box";
  $("boxes").textContent = mark ? `${nameOf(state.reading.chosen)}: ${words}` : "";
}

function renderEmpty() {
  // What stands where the film would be, between cases.
  const { desk, reading } = state;
  const failed = !$("case-error").hidden;
  const idle = !!desk && !reading && desk.next === null && !failed && $("busy").hidden;
  $("empty").hidden = !idle;
  if (!idle) return;
  const finished = desk.done >= desk.total;
  $("empty-words").textContent = finished ? "All cases are read" : "Nothing to be read now";
  $("empty-more").textContent = finished
    ? "Thank you. Each case can be opened again in the list."
    : waitWords(desk);
}

function waitWords({ waits_until: until }) {
  return until ? `The next cases open on ${dayWords(until)}.` : "No case waits for you in this study.";
}

export function timeWords(time) {
  return new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

export function dayWords(time) {
  return new Date(time).toLocaleDateString([], { day: "numeric", month: "long", year: "numeric" });
}
