// Buttons, sliders and lists: what each does when it is used.
import { openNext } from "./arriving.js";
import { activate, ask } from "./asking.js";
import { activeAnswer, wantAgain } from "./compared.js";
import { filesOf } from "./contents.js";
import { startDrawing, takeRegion, toFilm } from "./film/actions.js";
import { bindPanel } from "./film/panel.js";
import { $, all, say } from "./dom.js";
import { touch } from "./drafts.js";
import { explore } from "./explore.js";
import { download, listHistory, showHistory } from "./history.js";
import { takeColours } from "./legend.js";
import { bindPicture } from "./picture.js";
import { bindArchive } from "./archive.js";
import { bindFigure } from "./figure.js";
import { bindPanes } from "./panes.js";
import { bindScores } from "./scores.js";
import { bindSides, renderSides } from "./sides.js";
import { bindResults } from "./results.js";
import { attachPointer } from "./pointer.js";
import { countJudged } from "./marks.js";
import { othersAbsent } from "./others_absent.js";
import {
  askBeforeLeaving,
  change,
  nameFinding,
  readUnasked,
  readerNamed,
  save,
  setConfidence,
  toggle,
  withdraw,
} from "./reading.js";
import { render, renderMaps } from "./render.js";
import { onEdit, state, viewer } from "./state.js";
import { choose, openExample, openFiles, openFolder } from "./studies.js";

export function setView(mode) {
  viewer.view.mode = mode;
  render();
  if (mode === "compare") wantAgain(state.current);
}

export function setColours(name) {
  takeColours(viewer.view, state.tables, name);
  render();
}

function bindOpening() {
  $("open").onclick = () => $("file").click();
  $("file").onchange = (event) => {
    openFiles([...event.target.files]);
    event.target.value = "";
  };
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    $("drop").hidden = !event.dataTransfer.types.includes("Files");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) $("drop").hidden = true; // the pointer has left the window
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    $("drop").hidden = true;
    $("comment").blur(); // whoever drops a file has stopped typing
    filesOf(event.dataTransfer)
      .then(({ files, folder }) => (folder ? openFolder(files) : openFiles(files)))
      .catch(() => say("open-error", "The folder could not be read; choose its files instead."));
  });
  $("open-folder").onclick = () => $("folder").click();
  $("folder").onchange = (event) => {
    openFolder([...event.target.files]);
    event.target.value = "";
  };
  onItem("examples", openExample);
  onItem("arriving", openNext);
  onItem("studies", (key) => choose(state.studies.find((study) => study.sha256 === key)));
}

function bindAsking() {
  $("run").onclick = () => ask($("query").value);
  $("query").onkeydown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault(); // shift and Enter begin a new line
    ask($("query").value);
  };
  for (const kind of ["input", "focus", "blur"]) $("query").addEventListener(kind, fitQuery);
  onItem("chips", (text) => {
    $("query").value = text;
    fitQuery();
    ask(text);
  });
  $("explore").onclick = explore;
  onItem("answers", (query) => activate(state.current.answers.find((answer) => answer.query === query)));
}

function fitQuery() {
  // As high as its text, within what the style sheet allows; two lines while it is not being typed in.
  const field = $("query");
  field.style.height = "auto";
  const border = field.offsetHeight - field.clientHeight;
  field.style.height = `${field.scrollHeight + border}px`;
  if (document.activeElement !== field) field.scrollTop = 0;
}

function bindTools() {
  for (const button of all("[data-view]")) button.onclick = () => setView(button.dataset.view);
  onInput("opacity", (slider) => (viewer.view.opacity = Number(slider.value)));
  onInput("curtain", (slider) => (viewer.view.curtain = Number(slider.value)), renderMaps);
  onInput(
    "threshold",
    (slider) => {
      const { active } = state.current || {};
      if (active) active.moved = Number(slider.value); // this answer's alone
    },
    renderMaps,
  );
  onInput("smooth", (box) => (viewer.view.smooth = box.checked));
  onInput("filled", (box) => (viewer.view.filled = box.checked));
  onInput("outlines", (box) => (viewer.view.outlines = box.checked));
  onInput("all", (box) => (state.all = box.checked));
  $("colours").onchange = (event) => setColours(event.target.value);
  bindPanel(viewer);
  onEdit((reading, shapes) => {
    reading.shapes = shapes;
    touch(reading);
    render();
  });
  attachPointer(viewer, () => {
    renderSides(activeAnswer());
    viewer.drawOverlay();
  });
}

function bindReading() {
  for (const kind of ["presence", "location"])
    for (const button of all(`[data-${kind}]`)) button.onclick = () => toggle(kind, button.dataset[kind]);
  for (const kind of ["box", "point", "polygon"])
    $(kind === "box" ? "draw" : kind).onclick = () => {
      startDrawing(kind);
      render();
    };
  $("take").onclick = takeRegion;
  $("undo").onclick = () => viewer.shapes.undo();
  $("redo").onclick = () => viewer.shapes.redo();
  $("comment").oninput = () => change((draft) => (draft.comment = $("comment").value));
  $("save").onclick = save;
  $("withdraw").onclick = withdraw;
  $("reader").oninput = readerNamed;
  $("reader").onchange = () => countJudged();
  $("finding").onchange = () => nameFinding($("finding").value);
  $("finding").onkeydown = (event) => {
    if (event.key === "Enter" && !event.isComposing) toFilm();
  };
  $("reader").onkeydown = $("finding").onkeydown;
  $("unasked").onclick = () => readUnasked();
  onItem("unasked-list", readUnasked);
  $("confidence").oninput = () => setConfidence(Number($("confidence").value));
  $("confidence-number").oninput = () => {
    const { value, valueAsNumber } = $("confidence-number");
    setConfidence(value === "" ? null : valueAsNumber);
  };
  $("others").onclick = othersAbsent;
  window.addEventListener("beforeunload", askBeforeLeaving);
}

function bindDialogs() {
  $("history").onclick = showHistory;
  $("everybody").onchange = listHistory;
  $("csv").onclick = () => download("csv");
  $("json").onclick = () => download("json");
  $("help").onclick = () => $("help-dialog").showModal();
  for (const button of all("[data-close]")) button.onclick = () => button.closest("dialog").close();
}

function onInput(id, take, show = render) {
  $(id).addEventListener("input", (event) => {
    take(event.target);
    show();
  });
}

function onItem(list, act) {
  // The items of a list are made anew all the time, so the list itself listens.
  $(list).addEventListener("click", (event) => {
    const item = event.target.closest("[data-key]");
    if (item) act(item.dataset.key);
  });
}

export function bindControls() {
  bindOpening();
  bindAsking();
  bindTools();
  bindReading();
  bindPicture();
  bindResults();
  bindFigure();
  bindPanes();
  bindSides();
  bindScores();
  bindArchive();
  bindDialogs();
}
