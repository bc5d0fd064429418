// The start of the page of studies: who reads, what there is to read, and where this window was.
import { $, node, say } from "../dom.js";
import { call } from "../server.js";
import { viewer } from "../stage.js";
import { makeClock } from "./clock.js";
import { bindControls, setColours } from "./controls.js";
import { followCreations } from "./creations.js";
import { listStudies, openAddressed } from "./desk.js";
import { followFilm, note } from "./events.js";
import { bindKeys } from "./keys.js";
import { offerSignOut } from "./leaving.js";
import { keepDraft, passed } from "./reading.js";
import { render, renderClock } from "./render.js";
import { state } from "./state.js";

async function begin() {
  const start = await call("start");
  offerSignOut(start.person);
  $("archive-search").hidden = !start.searches;
  viewer.view.minPatches = start.min_patches;
  Object.assign(state, { tables: start.colours, methods: start.maps });
  const tables = Object.keys(start.colours);
  $("colours").replaceChildren(...tables.map((name) => node("option", name, { value: name })));
  setColours(tables[0]);
  await listStudies();
  followCreations();
  await openAddressed();
  if (!state.desk) $("cards").querySelector("button")?.focus();
  $("stage").closest("#pc").dataset.ready = "true";
}

Object.assign($("shown"), { title: "How the film is shown" }).dataset.first = "as opened"; // nothing of the model here
bindControls();
bindKeys();
followFilm();
const clock = makeClock({
  passed: (ms) => {
    passed(ms);
    renderClock();
  },
  changed: (kind) => {
    note(kind);
    if (kind === "hidden") keepDraft();
    renderClock(clock.rests());
  },
});
window.addEventListener("pagehide", keepDraft);
render();
begin().catch((error) => say("open-error", error.message));
