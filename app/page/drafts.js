// The reader's judgement of an answer while it is made: one draft for each answer, kept whatever happens.
export const MIDDLE = 50; // of a confidence: where one that is left open begins
const UNASKED = "\n"; // before the finding of a reading without a question; no query begins so

export function newDraft() {
  // `revision` counts changes; `stored` is the revision that was stored last, by `reader`, as `row`. `attempt` is the last try to store it.
  // `note` and `error` belong to this reading alone. Shapes: { kind: "box", points: [x, y, w, h] }, "point" [x, y], "polygon" [[x, y], ...],
  // in original image pixels.
  return {
    presence: "",
    confidence: null, // 0 to 100
    location: "",
    comment: "",
    shapes: [],
    revision: 0,
    stored: 0,
    row: null,
    reader: "",
    attempt: null,
    saving: false,
    withdrawn: false, // what is stored was taken back
    doubted: false, // withdrawing was asked for once; the second time does it
    note: "",
    error: "",
  };
}

export function keyOfReading(study) {
  // Under which the reading on screen is kept: its question, or the finding that the reader named without one.
  if (study.active) return study.active.query;
  return study.named ? UNASKED + study.named : "";
}

export function unaskedKey(finding) {
  return UNASKED + finding;
}

export function unaskedFindings(study) {
  return [...study.drafts.keys()].filter((key) => key.startsWith(UNASKED)).map((key) => key.slice(1));
}

export function draftOf(study, loose) {
  if (!study) return loose;
  const key = keyOfReading(study);
  if (!study.drafts.has(key)) study.drafts.set(key, newDraft());
  return study.drafts.get(key);
}

export function touch(draft) {
  draft.revision++;
  draft.doubted = false;
  if (!draft.saving) draft.note = "";
}

export function saysSomething(draft) {
  const { presence, location, comment, shapes, confidence } = draft;
  return !!(presence || location || comment || shapes.length || confidence !== null);
}

export function isUnsaved(draft) {
  return draft.revision !== draft.stored && (!!draft.stored || saysSomething(draft));
}

export function hasUnsaved({ loose, studies }) {
  return [loose, ...studies.flatMap(({ drafts }) => [...drafts.values()])].some(isUnsaved);
}

export function newKey() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function attemptOf(draft, reader) {
  // The same for every try to store the same words, so that the server stores them once, whatever became of its answer.
  const { attempt, revision } = draft;
  const supersedes = draft.row && draft.reader === reader ? draft.row : null; // its own reading is revised
  const same = attempt && attempt.revision === revision && attempt.reader === reader;
  if (!same || attempt.supersedes !== supersedes)
    draft.attempt = { revision, reader, key: newKey(), supersedes };
  return draft.attempt;
}
