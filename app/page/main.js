// The start of the page: makes it ready, and asks the server what there is.
import { beginArchive } from "./archive.js";
import { bindControls, setColours } from "./controls.js";
import { $, node, say } from "./dom.js";
import { bindFolds } from "./folds.js";
import { openHit } from "./hits.js";
import { bindKeys } from "./keys.js";
import { offerMaps } from "./panes.js";
import { showPerson } from "./person.js";
import { render, renderModel } from "./render.js";
import { call } from "./server.js";
import { state, viewer } from "./state.js";
import { restore } from "./window_state.js";

function exampleNode({ file, title, question, origin }) {
  const button = node("button", title);
  button.title = [question ? `asks “${question}”` : "asks nothing", origin].join("; ");
  button.dataset.key = file;
  const line = node("li");
  line.append(button);
  return line;
}

async function begin() {
  const start = await call("start");
  const tables = Object.keys(start.colours);
  viewer.view.minPatches = start.min_patches;
  state.suggestions = start.suggestions;
  state.tables = start.colours;
  state.limitMb = start.upload_limit_mb;
  state.model = start.model;
  renderModel();
  $("colours").replaceChildren(...tables.map((name) => node("option", name, { value: name })));
  state.examples = start.examples;
  $("findings").replaceChildren(...start.findings.map((name) => node("option", undefined, { value: name })));
  $("examples").replaceChildren(...start.examples.map(exampleNode));
  state.maps = start.maps;
  offerMaps();
  setColours(tables[0]);
  beginArchive(start);
  await restore(start.person, showPerson);
  $("model").closest("#pc").dataset.ready = "true";
  await openHit();
}

bindControls();
bindKeys();
bindFolds();
render();
begin().catch((error) => say("open-error", error.message));
