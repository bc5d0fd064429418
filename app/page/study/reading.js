// The case on screen: opening it, what is said of it, saving that, and the second opinion once the first is stored.
import { $, say } from "../dom.js";
import { busy } from "../busy.js";
import { makeFilm } from "../film/grey.js";
import { resetFilm } from "../film/panel.js";
import { stopDrawing } from "../film/actions.js";
import { keyFor } from "../key_list.js";
import { call } from "../server.js";
import { viewer } from "../stage.js";
import { clearFilm, goTo, refresh } from "./desk.js";
import { attemptOf, forget, keep, kept, newDraft } from "./drafts.js";
import { note } from "./events.js";
import { render } from "./render.js";
import { state } from "./state.js";

const PRESENCES = ["present", "absent", "unsure"];
const OTHERS = "all others absent";
let opening = 0;

export function putAway() {
  // The case leaves the screen; what is not saved of it is kept in this browser.
  opening++;
  keepDraft();
  state.reading = null;
  clearFilm();
  stopDrawing();
}

export async function openCase(assignment) {
  if (state.reading) note("left");
  putAway();
  const turn = opening;
  say("case-error");
  render();
  try {
    const { film, packed, ...head } = await busy("opening …", () => call("study_open", { assignment }));
    if (turn !== opening) return;
    begin({ ...head, film: makeFilm(film, packed) });
    await Promise.all([lay(state.reading), askAnswers(state.reading)]);
  } catch (error) {
    if (turn === opening) say("case-error", error.message);
  }
}

function begin(head) {
  // `reading` of the head is what the server has of this opinion, or of none yet.
  const saved = head.reading && head.reading.opinion === head.opinion ? head.reading : null;
  state.reading = { ...head, saved, chosen: labels()[0], error: "", note: "", saving: false, asking: false };
  state.reading.draft = draftOf(state.reading);
  state.letter = head.maps[0] || "";
  render();
  $("canvas").focus({ preventScroll: true });
}

function labels() {
  return state.desk.protocol.findings.map(({ label }) => label);
}

function placeOf({ assignment, opinion, case: number, arm }) {
  const { study, protocol } = state.desk;
  const person = state.person.name;
  return { person, study, assignment, opinion, title: protocol.title, number, arm, labels: labels() };
}

function draftOf(reading) {
  // What was begun here and not saved, or the saved opinion, or the first opinion to start the second from.
  const { saved, locked } = reading;
  const fresh = newDraft(labels(), saved || locked, { judging: !!saved });
  Object.assign(fresh, { base: saved ? saved.revision : 0, activeMs: saved ? saved.active_ms : 0 });
  const before = kept(placeOf(reading));
  if (!before) return fresh;
  if (before.base === fresh.base) return before;
  // Saved meanwhile: by this very draft, whose answer was lost, or on another machine.
  if (!before.changes || said(before) === said(fresh)) return fresh;
  reading.note = "saved elsewhere since you began; Save makes this the newest revision";
  return { ...before, base: fresh.base };
}

function said({ marks, comment, unreadable }) {
  return JSON.stringify([marks, comment, unreadable]);
}

async function lay(reading) {
  viewer.view.size = reading.size;
  try {
    await busy("showing …", () => viewer.show(reading.film));
    if (state.reading === reading) resetFilm(viewer);
  } catch {
    if (state.reading === reading) say("case-error", "The film could not be shown; choose the case again.");
  }
  render();
}

export function seesMaps({ arm, opinion }) {
  return arm === "aided" || opinion === "second";
}

async function askAnswers(reading) {
  // What the model says, where the arm shows it; of a second opinion this is what locks the first.
  if (!seesMaps(reading) || reading.answers || reading.asking) return;
  Object.assign(reading, { asking: true, error: "" });
  try {
    const { answers } = await busy("fetching the maps …", () =>
      call("study_answers", { assignment: reading.assignment }),
    );
    reading.answers = answers;
    reading.maps = [...new Set(answers.flatMap(({ maps }) => maps))];
    if (state.reading === reading) state.letter = reading.maps[0] || "";
  } catch (error) {
    reading.error = `${error.message} Save asks for the maps again.`;
  }
  reading.asking = false;
  render();
}

export function keepDraft() {
  const { reading } = state;
  if (!reading || (reading.saved && !reading.draft.changes)) return;
  if (!keep(placeOf(reading), reading.draft) && reading.draft.changes)
    reading.note = "this browser keeps no drafts: save before you leave";
}

export function passed(ms) {
  // Active time of the case on screen.
  const { reading } = state;
  if (!reading || reading.saving || viewer.camera.film() !== reading.film) return;
  const before = Math.floor(reading.draft.activeMs / 5000);
  reading.draft.activeMs += ms;
  if (Math.floor(reading.draft.activeMs / 5000) > before) keepDraft();
}

export async function save() {
  const { reading } = state;
  if (!reading || reading.saving) return;
  if (seesMaps(reading) && !reading.answers) return askAnswers(reading);
  if (reading.saved && !reading.draft.changes) return goTo(state.desk.next); // it would say the same
  const problem = problemOf(reading);
  Object.assign(reading, { error: problem ? problem.sentence : "", note: "" });
  if (problem && problem.label) reading.chosen = problem.label;
  if (problem) return render();
  reading.saving = true;
  render();
  const place = placeOf(reading);
  const told = toldOf(reading);
  try {
    const { revision, next } = await call("study_save", told);
    forget(place);
    reading.saved = { ...told, revision };
    Object.assign(reading.draft, { base: revision, changes: 0, attempt: null });
    if (state.reading === reading) await goOn(reading, next);
    refresh().catch((error) => say("case-error", error.message));
  } catch (error) {
    reading.error = error.message;
  }
  reading.saving = false;
  render();
}

async function goOn(reading, next) {
  if (next !== reading.assignment || reading.opinion === "second") return goTo(next);
  // The film stays; the first opinion is locked as soon as the maps are asked for.
  stopDrawing();
  keepDraft();
  Object.assign(reading, { opinion: "second", locked: reading.saved, saved: null, saving: false });
  reading.chosen = labels()[0];
  reading.draft = draftOf(reading);
  return askAnswers(reading);
}

function problemOf({ draft }) {
  // What must be said first: { sentence, label }, or null.
  if (draft.unreadable) return null;
  for (const { label, name } of state.desk.protocol.findings) {
    const { presence, shapes } = draft.marks[label];
    if (!presence)
      return {
        label,
        sentence: `Say whether ${name} is present, absent or unsure (${PRESENCES.map(keyFor).join(", ")}); ${keyFor(OTHERS)}: ${OTHERS}.`,
      };
    if (presence === "absent" && shapes.length)
      return {
        label,
        sentence: `${name} is absent, but has a box; remove the box, or say present or unsure.`,
      };
  }
  return null;
}

function toldOf({ assignment, opinion, draft }) {
  const findings = state.desk.protocol.findings.map(({ label }) => {
    const { presence, confidence, shapes, maps } = draft.marks[label];
    const judged = Object.fromEntries(Object.entries(maps).filter(([, verdict]) => verdict));
    return { label, presence, confidence, boxes: shapes.map(({ points }) => points), maps: judged };
  });
  return {
    assignment,
    opinion,
    key: attemptOf(draft),
    findings: draft.unreadable ? [] : findings,
    comment: draft.comment,
    unreadable: draft.unreadable,
    active_ms: Math.round(draft.activeMs),
    opened_at: draft.openedAt,
  };
}
