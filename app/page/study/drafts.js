// What a reader has said of a case and not saved yet. It is kept in this browser, under the person's name, until it is saved.
const STORED = "patch-clip-study";

export function newDraft(labels, before, { judging }) {
  // Starts from `before`, a saved opinion, or from nothing; verdicts on maps go along where the same maps are judged again.
  const marks = Object.fromEntries(
    labels.map((label) => [label, { presence: "", confidence: null, shapes: [], maps: {} }]),
  );
  for (const { label, presence, confidence, boxes, maps } of before ? before.findings : []) {
    if (!marks[label]) continue;
    const shapes = boxes.map((points) => ({ kind: "box", points: [...points] }));
    marks[label] = { presence, confidence, shapes, maps: judging ? { ...maps } : {} };
  }
  return {
    marks,
    comment: before ? before.comment : "",
    unreadable: !!before && before.unreadable,
    activeMs: 0,
    openedAt: new Date().toISOString(),
    base: 0, // the revision that it changes
    changes: 0,
    attempt: null,
  };
}

export function touch(draft) {
  draft.changes++;
}

export function attemptOf(draft) {
  // The same for every try to store the same words, so that the server stores them once, whatever became of its answer.
  if (!draft.attempt || draft.attempt.changes !== draft.changes) {
    const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
    const key = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
    draft.attempt = { changes: draft.changes, key };
  }
  return draft.attempt.key;
}

export function keep(place, draft) {
  // False where the browser keeps nothing; what is on screen is there all the same.
  try {
    localStorage.setItem(nameOf(place), JSON.stringify({ of: signature(place), draft }));
    return true;
  } catch {
    return false;
  }
}

export function kept(place) {
  // The draft of a case, if this browser has one; one of another server's case of the same number is none.
  try {
    const stored = JSON.parse(localStorage.getItem(nameOf(place)));
    return stored && stored.of === signature(place) ? stored.draft : null;
  } catch {
    return null; // storage is switched off, or holds what another program wrote
  }
}

export function forget(place) {
  try {
    localStorage.removeItem(nameOf(place));
  } catch {
    /* storage is switched off: nothing is kept */
  }
}

export function keptOf(person, study, assignment) {
  // Whether a case has a draft with changes, of either opinion.
  return ["first", "second"].some((opinion) => {
    try {
      const stored = JSON.parse(localStorage.getItem(nameOf({ person, study, assignment, opinion })));
      return !!stored && stored.draft.changes > 0;
    } catch {
      return false;
    }
  });
}

function nameOf({ person, study, assignment, opinion }) {
  return [STORED, encodeURIComponent(person), study, assignment, opinion].join(":");
}

function signature({ title, number, arm, labels }) {
  return JSON.stringify([title, number, arm, labels]);
}
