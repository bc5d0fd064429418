// The reader's judgement: changing it, saving it, and asking before an unsaved one is left.
import { renew } from "./asking.js";
import { $ } from "./dom.js";
import { draftOf, isUnsaved, keyOf, touch } from "./drafts.js";
import { render } from "./render.js";
import { call } from "./server.js";
import { state, viewer } from "./state.js";

const NO_ANSWER = "Ask a question and choose its answer before saving a reading.";

export function change(edit) {
  const draft = draftOf(state.current, state.loose);
  edit(draft);
  touch(draft);
  render();
}

export function toggle(kind, value) {
  change((draft) => {
    draft[kind] = draft[kind] === value ? "" : value;
  });
}

export function undo() {
  if (viewer.view.shapes.length) change((draft) => draft.shapes.pop());
}

export async function save() {
  const study = state.current;
  const answer = study && study.active;
  const draft = draftOf(study, state.loose);
  const reader = $("reader").value.trim();
  const stored = draft.stored && draft.stored === draft.revision && draft.reader === reader;
  if (draft.saving || stored) return; // on its way, or stored already: a second row would say the same
  const { revision } = draft;
  const reading = { ...readingOf(draft, reader), map_shown: !!(answer && answer.mapShown) };
  Object.assign(draft, { saving: true, note: "saving …", error: "" });
  render();
  try {
    if (!answer) throw new Error(NO_ANSWER);
    await renew(study);
    const reply = await call("save", { ...reading, study: study.study, query: answer.query });
    const changed = draft.revision === revision ? "" : "; changed since, not saved yet";
    Object.assign(draft, { stored: revision, reader, note: `saved, ${clock(reply.saved)}${changed}` });
    study.judged++;
  } catch (error) {
    Object.assign(draft, { note: "", error: error.message });
  }
  draft.saving = false;
  render();
}

function readingOf(draft, reader) {
  const { mode, opacity, threshold, tableName, smooth } = viewer.view;
  return {
    key: keyOf(draft, reader),
    presence: draft.presence,
    location: draft.location,
    comment: draft.comment,
    shapes: structuredClone(draft.shapes),
    reader,
    display: { view: mode, opacity, threshold, colours: tableName, smooth },
  };
}

function clock(time) {
  return new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
}

export function askBeforeLeaving(event) {
  const drafts = [state.loose, ...state.studies.flatMap((study) => [...study.drafts.values()])];
  if (!drafts.some(isUnsaved)) return;
  event.preventDefault();
  event.returnValue = "";
}
