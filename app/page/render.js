// Draws everything from the state: lists, controls, the reading. Changes nothing but the page.
import { answerNode } from "./answer_card.js";
import { colourOf, numberOf } from "./answers.js";
import { noteShown } from "./compared.js";
import { $, choices, intoSight, node, put, refill, say, short } from "./dom.js";
import { draftOf } from "./drafts.js";
import { renderEcho } from "./echo.js";
import { openPanel } from "./folds.js";
import { renderPicture } from "./picture_tools.js";
import { caption } from "./caption.js";
import { legend } from "./legend.js";
import { fetched } from "./maps.js";
import { renderPanes } from "./panes.js";
import { renderScores } from "./scores.js";
import { layersOf, renderSides } from "./sides.js";
import { markOf, renderReading } from "./reading_form.js";
import { state, viewer } from "./state.js";
import { studyNode } from "./study_list.js";
import { address } from "./window_state.js";

const MOST_CHIPS = 8;
const NO_SIDES = [{}, {}];
const followed = new Map(); // list -> the key of what was chosen in it

export function renderModel() {
  // The model that answers on the film on screen; where there is none, that of films to come.
  const { name, sha256 } = (state.current && state.current.model) || state.model;
  $("model").textContent = `model ${name} (${sha256.slice(0, 4)})`;
  $("model").title = sha256;
}

export function render() {
  const study = state.current;
  const answer = study && study.active;
  showInViewer(study, answer);
  $("empty").hidden = !!study;
  refill($("studies"), state.studies.map(studyNode));
  renderWarnings(study);
  renderAnswers(study, answer);
  renderChips();
  renderReading(study, answer);
  renderPicture(study);
  renderTimes(study, answer);
  drawMaps(answer);
  follow($("studies"), "[aria-current=true]");
  follow($("answers"), "[aria-selected=true]");
  if (state.model) renderModel();
  address(study);
}

export function renderMaps() {
  // What follows a threshold while it moves: maps, and all that is said of them. Lists and reading stay as they are.
  const study = state.current;
  const answer = study && study.active;
  const before = seenOf(answer);
  showInViewer(study, answer);
  if (seenOf(answer) === before) drawMaps(answer);
  else render(); // of a map that was seen the form asks more
}

function seenOf(answer) {
  return answer ? [answer.mapShown, answer.saliencyShown].join() : "";
}

function drawMaps(answer) {
  renderTools();
  caption(answer, renderSides(answer));
  renderPanes();
  viewer.draw();
  renderScores();
  legend(viewer.view);
}

function follow(list, chosen) {
  // What has just been chosen comes into sight; a focus that is inside the list goes with it.
  const item = list.querySelector(chosen);
  const key = item ? item.dataset.key : "";
  if (key === (followed.get(list) || "")) return;
  followed.set(list, key);
  if (list === $("studies")) openPanel(false); // what was wanted of it has come
  if (!item) return;
  intoSight(item);
  if (list.contains(document.activeElement)) item.focus({ preventScroll: true });
}

function showInViewer(study, answer) {
  const { view } = viewer;
  view.map = answer ? answer.map : null;
  view.reading = draftOf(state.current, state.loose);
  view.shapes = view.reading.shapes;
  // Until the reader moves its slider, each answer is shown at the threshold that it came with.
  if (answer) $("threshold").value = answer.moved ?? answer.threshold;
  view.threshold = Number($("threshold").value); // as the slider rounds it: what is painted is what is written
  view.exploration = (answer && answer.explored && answer.exploration) || null;
  view.place = placeOf(answer);
  view.all = study && state.all ? outlinesOf(study) : [];
  view.sides = view.mode === "compare" ? layersOf(answer) : NO_SIDES;
  noteShown(answer, view);
}

function placeOf(answer) {
  const patches = answer && !answer.explored && answer.place_patches;
  return patches ? { patches, extent: answer.map.extent } : null;
}

function outlinesOf(study) {
  const inScope = study.answers.filter((answer) => answer.in_vocabulary);
  return inScope.map((answer) => {
    const number = numberOf(study, answer);
    const threshold = answer.moved ?? answer.threshold;
    return { map: answer.map, threshold, number, colour: colourOf(number) };
  });
}

function renderWarnings(study) {
  const drawn = study && study.origin ? [study.origin] : [];
  const sentences = study ? [...drawn, ...study.warnings] : [];
  $("image-warnings").replaceChildren(...sentences.map((text) => node("li", text)));
}

function renderAnswers(study, answer) {
  const answers = study ? study.answers : [];
  $("no-answers").hidden = answers.length > 0;
  $("answers").hidden = !answers.length;
  refill(
    $("answers"),
    answers.map((item) => marked(answerNode(study, item, item === answer), markOf(study, item.query))),
  );
  renderEcho(study, answer);
  renderAnyway(answer);
}

function marked(line, mark) {
  // What has become of the reading of an answer.
  if (mark) line.append(node("small", mark.text, { className: mark.unsaved ? "mark unsaved" : "mark" }));
  return line;
}

function renderAnyway(answer) {
  const outside = !!answer && !answer.in_vocabulary;
  $("anyway").hidden = !outside;
  $("explore").textContent = outside && answer.explored ? "hide it" : "show it anyway";
  $("explore").setAttribute("aria-pressed", String(outside && !!answer.explored));
  say("explore-error", (outside && answer.exploreError) || "");
}

function renderTools() {
  const { view } = viewer;
  choices("view", view.mode);
  for (const [id, kind] of [
    ["draw", "box"],
    ["point", "point"],
    ["polygon", "polygon"],
    ["ruler", "ruler"],
    ["ratio", "ratio"],
  ])
    $(id).setAttribute("aria-pressed", String(view.drawing === kind));
  $("film").classList.toggle("drawing", !!view.drawing);
  $("opacity-out").textContent = short(view.opacity);
  $("threshold-out").textContent = short(view.threshold);
  const answer = state.current && state.current.active;
  const marked = $("threshold").parentElement;
  if (answer) marked.style.setProperty("--own", answer.threshold);
  else marked.removeAttribute("style"); // no answer, no threshold of its own
  put($("smoothed"), "hidden", !view.smooth);
}

function renderTimes(study, answer) {
  const steps = study
    ? [
        ["decode", study.decode_ms],
        ["encode", study.encode_ms],
        ["query", study.queryMs],
        ["Grad-CAM", answer && fetched(answer, "grad_cam") ? fetched(answer, "grad_cam").ms : undefined],
      ]
    : [];
  const times = steps.filter(([, time]) => time !== undefined);
  const words = times.map(([name, time]) => `${name} ${Math.round(time)}`).join(" · ");
  $("times").textContent = words && words + " ms";
  $("times").title = "milliseconds that each step took";
}

function renderChips() {
  const place = $("chips");
  const fresh = state.suggestions.filter((name) => !state.recent.includes(name));
  const texts = [...state.recent, ...fresh].slice(0, MOST_CHIPS);
  refill(
    place,
    texts.map((text) => {
      const chip = node("button", text, { title: text });
      chip.dataset.key = text;
      return chip;
    }),
  );
  const { bottom } = place.getBoundingClientRect();
  const cut = [...place.children].filter((item) => item.getBoundingClientRect().bottom > bottom + 1);
  for (const chip of cut) chip.hidden = true; // what is cut off must not take the focus
}
