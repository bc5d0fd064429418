// The person's studies, and the cases of the one that is open: as the server has them, with what is kept here.
import { $, say } from "../dom.js";
import { busy } from "../busy.js";
import { toFilm } from "../film/actions.js";
import { openPanel } from "../folds.js";
import { neighbour } from "../key_press.js";
import { call } from "../server.js";
import { viewer } from "../stage.js";
import { note } from "./events.js";
import { layLines } from "./lines.js";
import { openCase, putAway } from "./reading.js";
import { render } from "./render.js";
import { state } from "./state.js";

export const FILTERS = {
  all: { words: "all", takes: () => true },
  open: { words: "to be read", takes: ({ status }) => ["new", "first"].includes(status) },
  done: { words: "read", takes: ({ status }) => status === "done" },
  unreadable: { words: "unreadable", takes: ({ status }) => status === "unreadable" },
  waiting: { words: "waiting", takes: ({ status }) => status === "waiting" },
};

export async function listStudies() {
  const { studies, person } = await call("study_list");
  Object.assign(state, { studies, person });
  render();
}

export async function openStudy(study, assignment = null) {
  // At a case, or where the person stopped.
  say("open-error");
  try {
    const desk = await busy("opening …", () => call("study_worklist", { study }));
    state.desk = { study, ...desk };
    layLines(desk.protocol.findings);
    const there = desk.items.some((item) => item.assignment === assignment && item.status !== "waiting");
    await goTo(there ? assignment : desk.next);
    if (document.activeElement === document.body) toFilm(); // what was pressed to begin is hidden now
  } catch (error) {
    leaveStudy();
    say("open-error", error.message);
  }
}

export async function goTo(assignment) {
  if (assignment !== null) return openCase(assignment);
  putAway();
  render();
  toFilm();
}

export async function refresh() {
  // What the server has now, which other windows and machines have changed as well.
  const { desk } = state;
  if (!desk) return;
  const now = await call("study_worklist", { study: desk.study });
  if (state.desk === desk) Object.assign(desk, now);
  render();
}

export function leaveStudy() {
  if (state.reading) note("left");
  putAway();
  state.desk = null;
  history.replaceState(null, "", location.pathname);
  render();
  listStudies()
    .then(() => $("cards").querySelector("button")?.focus())
    .catch((error) => say("open-error", error.message));
}

export function listed() {
  return state.desk ? state.desk.items.filter(FILTERS[state.filter].takes) : [];
}

export function stepCase(by) {
  const readable = listed().filter(({ status }) => status !== "waiting");
  if (!readable.length) return;
  const here = readable.find(({ assignment }) => state.reading && assignment === state.reading.assignment);
  const next = here ? neighbour(readable, here, by) : readable[by > 0 ? 0 : readable.length - 1];
  if (next !== here) goTo(next.assignment);
}

export function nextUnread() {
  if (state.desk) goTo(state.desk.next);
}

export function filter(kind) {
  state.filter = kind;
  render();
}

export function nextFilter() {
  filter(neighbour(Object.keys(FILTERS), state.filter, 1));
}

let followed = false; // whether the address is ours to write: not before it has been read

export function address() {
  if (!followed) return;
  const { desk, reading } = state;
  const parts = { ...(desk && { study: desk.study }), ...(reading && { case: reading.assignment }) };
  const hash = desk ? `#${new URLSearchParams(parts)}` : "";
  if (hash !== location.hash) history.replaceState(null, "", location.pathname + hash);
}

export async function openAddressed() {
  // Where this window was before it was loaded again.
  const address = new URLSearchParams(location.hash.slice(1));
  followed = true;
  const study = Number(address.get("study"));
  if (!study) return;
  await openStudy(study, Number(address.get("case")) || null);
}

export function clearFilm() {
  viewer.clear();
  openPanel(false);
}
