// What a window has open outlasts a reload: kept in this browser alone, until the window is closed. The address carries the study.
import { activate, askTexts } from "./asking.js";
import { $, say } from "./dom.js";
import { keepAlways, kept } from "./memory.js";
import { askOtherWindows, heedOtherWindows } from "./other_windows.js";
import { exampleSource, lostSource } from "./revival.js";
import { call, isForgotten, windowToken } from "./server.js";
import { busy, state } from "./state.js";
import { addStudy, choose, newStudy } from "./studies.js";

const PARAMETER = "study";
const NOT_HERE =
  "The address names a study that is not open here: it was closed, is another browser's, or the server was restarted; choose its file.";
const VERSION = 1; // of what is kept: another version's is not read
const OF_STUDY = [
  "study",
  "sha256",
  "name",
  "view",
  "size",
  "synthetic",
  "thumbnail",
  "reading",
  "origin",
  "warnings",
  "windows",
  "window",
  "inverted",
  "dicom",
  "judged",
  "named",
  "asked",
  "unseen",
  "shownAt",
];

let person = ""; // who is signed in; "" where nobody needs to

function describe() {
  return {
    version: VERSION,
    token: windowToken(),
    person,
    reader: $("reader").value,
    current: state.current && state.current.sha256,
    recent: state.recent,
    loose: state.loose,
    looseFinding: state.looseFinding,
    studies: state.studies.map(describeStudy),
  };
}

function describeStudy(study) {
  const { source, answers, active, drafts, numbers } = study;
  return {
    ...Object.fromEntries(OF_STUDY.map((name) => [name, study[name]])),
    example: source.kind === "example" ? source.name : "",
    answers: answers.map(({ query, asked, mapShown, saliencyShown }) => ({
      query,
      asked,
      mapShown,
      saliencyShown,
    })),
    active: active && active.query,
    drafts: [...drafts].map(([key, draft]) => [key, { ...draft, saving: false, note: "", error: "" }]),
    numbers: [...numbers],
  };
}

function restoredStudy({ example, answers, active, drafts, numbers, ...facts }) {
  const source = example ? exampleSource(example) : lostSource(facts.name);
  return Object.assign(newStudy(), facts, {
    source,
    film: null, // fetched when it is looked at
    pending: { answers, active },
    drafts: new Map(drafts),
    numbers: new Map(numbers),
  });
}

export async function restore(signedIn, showPerson) {
  person = signedIn ? signedIn.name : "";
  // What somebody else was doing in this window is theirs.
  const before = kept && kept.version === VERSION && (kept.person || "") === person ? kept : null;
  heedOtherWindows(person);
  if (before) restoreWindow(before);
  showPerson(signedIn);
  keepAlways(describe);
  window.addEventListener("hashchange", openAddressed);
  if (await openAddressed()) return;
  const current = before && state.studies.find(({ sha256 }) => sha256 === before.current);
  if (current) choose(current);
}

function restoreWindow({ reader, recent, loose, looseFinding, studies }) {
  $("reader").value = reader;
  Object.assign(state, { recent, loose, looseFinding, studies: studies.map(restoredStudy) });
  for (const study of state.studies) askOtherWindows(study);
}

async function openAddressed() {
  // The study in the address: one of this window's, or one that another window of this browser has open.
  const id = new URLSearchParams(location.hash.slice(1)).get(PARAMETER);
  if (!id) return false;
  const here = state.studies.find((study) => study.study === id);
  if (here) {
    if (here !== state.current) choose(here);
    return true;
  }
  try {
    const reply = await busy("opening …", () => call("look", { study: id }));
    const study = addStudy(reply, lostSource(""), { show: true });
    askOtherWindows(study);
    study.asked = reply.questions.length;
    await askTexts(study, reply.questions);
    if (study.answers.length && !study.active) activate(study.answers[0], study);
  } catch (error) {
    say("open-error", isForgotten(error) ? NOT_HERE : error.message);
    return false;
  }
  return true;
}

export function address(study) {
  const hash = study ? `#${new URLSearchParams({ [PARAMETER]: study.study })}` : "";
  if (hash && location.hash !== hash) history.replaceState(null, "", hash);
}
