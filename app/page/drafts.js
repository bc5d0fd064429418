// The reader's judgement of an answer while it is made: one draft for each answer, kept whatever happens.
export function newDraft() {
  // `revision` counts changes; `stored` is the revision that was stored last, by `reader`. `attempt` is the last try to store it.
  // `note` and `error` belong to this reading alone.
  return {
    presence: "",
    location: "",
    comment: "",
    shapes: [], // { kind: "box", points: [x, y, w, h] }, "point" [x, y], "polygon" [[x, y], ...] in image pixels
    revision: 0,
    stored: 0,
    reader: "",
    attempt: null,
    saving: false,
    note: "",
    error: "",
  };
}

export function draftOf(study, loose) {
  if (!study) return loose;
  const key = study.active ? study.active.query : "";
  if (!study.drafts.has(key)) study.drafts.set(key, newDraft());
  return study.drafts.get(key);
}

export function touch(draft) {
  draft.revision++;
  if (!draft.saving) draft.note = "";
}

export function isUnsaved(draft) {
  const said = draft.stored || draft.presence || draft.location || draft.comment || draft.shapes.length;
  return draft.revision !== draft.stored && !!said;
}

export function keyOf(draft, reader) {
  // The same for every try to store the same words, so that the server stores them once, whatever became of its answer.
  const { attempt, revision } = draft;
  if (!attempt || attempt.revision !== revision || attempt.reader !== reader) {
    const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
    const key = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
    draft.attempt = { revision, reader, key };
  }
  return draft.attempt.key;
}
