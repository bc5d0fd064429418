// The reader's judgement: changing it, saving it, and asking before an unsaved one is left.
import { renew } from "./asking.js";
import { problemOf } from "./contradictions.js";
import { displayOf } from "./display.js";
import { $ } from "./dom.js";
import {
  MIDDLE,
  attemptOf,
  draftOf,
  hasUnsaved,
  keyOfReading,
  newKey,
  saysSomething,
  touch,
  unaskedKey,
} from "./drafts.js";
import { judgedMore } from "./marks.js";
import { render } from "./render.js";
import { callOn } from "./revival.js";
import { call } from "./server.js";
import { state, viewer } from "./state.js";

const NOTHING_OPEN = "No radiograph is open; open a file or one of the examples first.";
const NO_FINDING = "Name the finding that you read, or ask a question, before saving.";
export const NO_READER = "Type your name or initials as reader before saving.";
const DOUBT = "Really withdraw? The same once more does it.";
const STEP = 5; // of the confidence, by keys

export function change(edit) {
  const draft = draftOf(state.current, state.loose);
  edit(draft);
  touch(draft);
  render();
}

export function toggle(kind, value) {
  if (kind === "location" && $("map-row").hidden) return; // no map was shown that could be judged
  change((draft) => {
    draft[kind] = draft[kind] === value ? "" : value;
  });
}

export function setConfidence(value) {
  change((draft) => {
    draft.confidence = value === null ? null : Math.min(Math.max(Math.round(value), 0), 100);
  });
}

export function stepConfidence(direction) {
  const { confidence } = draftOf(state.current, state.loose);
  setConfidence(confidence === null ? MIDDLE : confidence + direction * STEP);
}

export function readUnasked(finding = "") {
  // A reading without a question: of the finding named, or of one that the reader is about to name.
  if (state.current) Object.assign(state.current, { active: null, named: finding });
  else state.looseFinding = finding;
  render();
  if (!finding) $("finding").focus();
}

export function nameFinding(text) {
  const finding = text.trim().replace(/\s+/g, " ");
  const study = state.current;
  if (!study) state.looseFinding = finding;
  else {
    const [before, after] = [keyOfReading(study), finding ? unaskedKey(finding) : ""];
    const draft = study.drafts.get(before);
    // What was begun goes with its name; what is stored stays under the name that it was stored by.
    if (draft && !draft.stored && saysSomething(draft) && !study.drafts.has(after)) {
      study.drafts.delete(before);
      study.drafts.set(after, draft);
    }
    study.named = finding;
  }
  render();
}

export function readerName() {
  return $("reader").value.trim();
}

export function readerNamed() {
  // What was asked for is there, so the sentence that asked goes.
  const draft = draftOf(state.current, state.loose);
  if (draft.error !== NO_READER || !readerName()) return;
  draft.error = "";
  render();
}

export async function save() {
  const study = state.current;
  const draft = draftOf(study, state.loose);
  await store(study, study && study.active, study ? study.named : state.looseFinding, draft);
}

export async function store(study, answer, finding, draft) {
  // Saves a reading; true if it is stored.
  const reader = readerName();
  if (draft.saving) return false;
  const same = draft.stored && draft.stored === draft.revision && draft.reader === reader;
  if (same && !draft.withdrawn) return true; // a second row would say the same
  const { revision } = draft;
  const problem = problemBefore(study, answer, finding, draft, reader);
  Object.assign(draft, { saving: !problem, note: problem ? "" : "saving …", error: problem });
  render();
  if (problem === NO_READER) $("reader").focus();
  if (problem) return false;
  try {
    const reading = readingOf(study, answer, finding, draft, reader);
    await renew(study);
    const reply = await callOn(study, "save", reading);
    const changed = draft.revision === revision ? "" : "; changed since, not saved yet";
    const number = reply.revision > 1 ? `, revision ${reply.revision}` : "";
    const note = `saved, ${clock(reply.saved)}${number}${changed}`;
    if (reply.revision === 1 || draft.withdrawn) judgedMore(study, 1);
    Object.assign(draft, {
      stored: revision,
      row: reply.row,
      reader,
      note,
      withdrawn: false,
      doubted: false,
    });
    viewer.view.drawing = false; // what is drawn next belongs to another reading
  } catch (error) {
    Object.assign(draft, { note: "", error: error.message });
  }
  draft.saving = false;
  render();
  return !draft.error;
}

export async function withdraw() {
  // Takes back what is stored of the reading on screen, once that was asked for twice.
  const study = state.current;
  const draft = draftOf(study, state.loose);
  if (!draft.stored || draft.withdrawn || draft.saving) return;
  if (!draft.doubted) {
    Object.assign(draft, { doubted: true, note: DOUBT });
    return render();
  }
  const here = document.activeElement === $("withdraw");
  Object.assign(draft, { doubted: false, saving: true, error: "" });
  try {
    await withdrawRow(draft.row, draft.reader);
  } catch (error) {
    Object.assign(draft, { note: "", error: error.message });
  }
  draft.saving = false;
  render();
  if (here && $("withdraw").hidden) $("save").focus();
}

export async function withdrawRow(row, reader) {
  // A stored reading, by its newest row; its draft, if it is open in this window, hears of it.
  const reply = await call("withdraw", { key: newKey(), row, reader });
  for (const study of state.studies)
    for (const draft of study.drafts.values())
      if (draft.row === row && !draft.withdrawn) {
        judgedMore(study, -1);
        const note = `withdrawn, ${clock(reply.saved)}; saving takes it up again`;
        Object.assign(draft, { row: reply.row, withdrawn: true, stored: draft.revision, note });
      }
}

function problemBefore(study, answer, finding, draft, reader) {
  if (!study) return NOTHING_OPEN;
  if (!answer && !finding) return NO_FINDING;
  if (!draft.presence) return "Say whether the finding is present, absent or unsure before saving.";
  if (!reader) return NO_READER;
  return problemOf(draft, answer, regionsOf(answer));
}

function regionsOf(answer) {
  if (!answer) return 0;
  const own = viewer.view.threshold === answer.threshold || !isOnScreen(answer);
  return own ? answer.regions.length : viewer.regions();
}

function isOnScreen(answer) {
  return !!state.current && state.current.active === answer;
}

function readingOf(study, answer, finding, draft, reader) {
  const { key, supersedes } = attemptOf(draft, reader);
  const { presence, confidence, location, comment } = draft;
  return {
    key,
    ...(answer ? { query: answer.query } : { finding }),
    presence,
    confidence,
    location,
    comment,
    shapes: structuredClone(draft.shapes),
    reader,
    supersedes,
    seconds: study.shownAt === null ? null : Math.max(0, Math.round((Date.now() - study.shownAt) / 100) / 10),
    model: answer ? answer.model : null,
    map_shown: !!(answer && answer.mapShown),
    saliency_shown: (answer && answer.saliencyShown) || [],
    display: study === state.current && (!answer || isOnScreen(answer)) ? displayOf(viewer) : {},
  };
}

function clock(time) {
  return new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
}

export function askBeforeLeaving(event) {
  if (!hasUnsaved(state)) return;
  event.preventDefault();
  event.returnValue = "";
}
