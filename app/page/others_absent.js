// "All others absent" in one step: what was said is saved, and every other finding that was asked is saved as absent.
import { $ } from "./dom.js";
import { draftOf, isUnsaved, saysSomething, touch } from "./drafts.js";
import { NO_READER, readerName, store } from "./reading.js";
import { render } from "./render.js";
import { state } from "./state.js";

const NO_QUESTION = "No finding was asked of this film, so there are no others; ask first.";
const OF_THEN = ["historical", "comparison"]; // of what one film cannot tell

export async function othersAbsent() {
  const study = state.current;
  const shown = draftOf(study, state.loose);
  const answers = study ? study.answers.filter(isOfNow) : [];
  const problem = answers.length ? (readerName() ? "" : NO_READER) : NO_QUESTION;
  if (problem) {
    shown.error = problem;
    render();
    if (problem === NO_READER) $("reader").focus();
    return;
  }
  const others = othersOf(study, answers);
  for (const { draft } of others) {
    draft.presence = "absent";
    touch(draft);
  }
  const saved = [];
  const begun = answers.map((answer) => ({ answer, draft: study.drafts.get(answer.query) }));
  for (const { answer, draft } of begun) {
    if (!draft || !draft.presence || !isUnsaved(draft)) continue;
    if (await store(study, answer, "", draft)) saved.push({ answer, draft });
  }
  const left = begun.filter(({ draft }) => draft && isUnsaved(draft));
  shown.note = summary(saved, left);
  return render();
}

function isOfNow({ in_vocabulary: inScope, assertion }) {
  return inScope && !OF_THEN.includes(assertion);
}

function othersOf(study, answers) {
  // Not what the reader has begun, nor another question on a finding that was read: it may be absent on one side alone.
  const read = new Set();
  for (const answer of answers) {
    const draft = study.drafts.get(answer.query);
    if (draft && (draft.stored || saysSomething(draft))) read.add(answer.finding);
  }
  return answers
    .filter((answer) => answer !== study.active && !read.has(answer.finding))
    .map((answer) => ({ answer, draft: draftOf({ ...study, active: answer }) }));
}

function summary(saved, left) {
  const names = (list) => list.map(({ answer }) => answer.finding).join(", ");
  const absent = saved.filter(({ draft }) => draft.presence === "absent");
  const parts = [`saved ${saved.length} reading${saved.length === 1 ? "" : "s"}`];
  if (absent.length) parts.push(`absent: ${names(absent)}`);
  if (left.length) parts.push(`not saved: ${names(left)}`);
  return parts.join("; ");
}
