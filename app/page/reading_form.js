// The form for a reading, from the state: changes nothing but the page.
import { canJudgeMap } from "./contradictions.js";
import { $, choices, node, refill, say } from "./dom.js";
import { MIDDLE, draftOf, isUnsaved, keyOfReading, unaskedFindings, unaskedKey } from "./drafts.js";
import { state, viewer } from "./state.js";

const MARKS = { present: "present", absent: "absent", unsure: "unsure", "": "begun" };

export function renderReading(study, answer) {
  const draft = draftOf(study, state.loose);
  choices("presence", draft.presence);
  choices("location", draft.location);
  $("map-row").hidden = !canJudgeMap(answer);
  $("boxes").textContent = draft.shapes.length ? shapeWords(draft.shapes) : "no boxes";
  $("boxes").classList.toggle("none", !draft.shapes.length);
  $("undo").setAttribute("aria-disabled", String(!viewer.shapes.canUndo(draft))); // the focus stays on it
  $("redo").setAttribute("aria-disabled", String(!viewer.shapes.canRedo(draft)));
  if ($("comment").value !== draft.comment) $("comment").value = draft.comment;
  renderConfidence(draft.confidence);
  renderUnasked(study, answer);
  $("withdraw").hidden = !draft.stored || draft.withdrawn;
  $("withdraw").textContent = draft.doubted ? "really withdraw?" : "withdraw";
  $("save").setAttribute("aria-disabled", String(draft.saving));
  say("save-error", draft.error);
  if ($("saved").textContent !== draft.note) $("saved").textContent = draft.note;
  $("reading-of").textContent = answer ? "· " + answer.finding : "";
}

function shapeWords(shapes) {
  // "2 boxes, 1 point"
  const plural = { box: "boxes", point: "points", polygon: "polygons" };
  return Object.keys(plural)
    .map((kind) => [shapes.filter((shape) => shape.kind === kind).length, kind])
    .filter(([number]) => number)
    .map(([number, kind]) => `${number} ${number > 1 ? plural[kind] : kind}`)
    .join(", ");
}

function renderConfidence(confidence) {
  const [slider, number] = [$("confidence"), $("confidence-number")];
  const text = confidence === null ? "" : String(confidence);
  if (number.value !== text) number.value = text;
  slider.classList.toggle("unset", confidence === null);
  slider.setAttribute("aria-valuetext", confidence === null ? "not said" : text);
  slider.value = confidence ?? MIDDLE;
}

function renderUnasked(study, answer) {
  $("finding-row").hidden = !!answer;
  const named = study ? study.named : state.looseFinding;
  if ($("finding").value.trim() !== named && document.activeElement !== $("finding"))
    $("finding").value = named;
  $("unasked").setAttribute("aria-pressed", String(!!study && !answer));
  const findings = study
    ? unaskedFindings(study).filter((finding) => markOf(study, unaskedKey(finding)))
    : [];
  $("unasked-list").hidden = !findings.length;
  refill(
    $("unasked-list"),
    findings.map((finding) => chip(study, finding)),
  );
}

function chip(study, finding) {
  const { text } = markOf(study, unaskedKey(finding));
  const button = node("button", `${finding}: ${text}`, { title: "read without asking" });
  button.dataset.key = finding;
  button.setAttribute("aria-pressed", String(keyOfReading(study) === unaskedKey(finding)));
  return button;
}

export function markOf(study, key) {
  // What has become of a reading, in a word; null where nothing was said.
  const draft = study.drafts.get(key);
  if (!draft) return null;
  if (isUnsaved(draft)) return { text: `● ${MARKS[draft.presence]}, not saved`, unsaved: true };
  if (draft.withdrawn) return { text: `✗ ${MARKS[draft.presence]}, withdrawn`, unsaved: false };
  return draft.stored ? { text: `✓ ${MARKS[draft.presence]}`, unsaved: false } : null;
}
