// Draws everything from the state: lists, controls, the reading. Changes nothing but the page.
import { answerNode } from "./answer_card.js";
import { colourOf, numberOf } from "./answers.js";
import { $, all, node, refill, say, short } from "./dom.js";
import { draftOf } from "./drafts.js";
import { renderEcho } from "./echo.js";
import { renderPicture } from "./picture_tools.js";
import { caption, legend } from "./caption.js";
import { state, viewer } from "./state.js";

const MOST_CHIPS = 8;

export function render() {
  const study = state.current;
  const answer = study && study.active;
  showInViewer(study, answer);
  $("empty").hidden = !!study;
  refill($("studies"), state.studies.map(studyNode));
  renderWarnings(study);
  renderAnswers(study, answer);
  renderChips();
  renderReading(answer);
  renderTools();
  renderPicture(study);
  renderTimes(study, answer);
  viewer.draw();
  caption(answer);
  legend();
}

function showInViewer(study, answer) {
  const { view } = viewer;
  view.map = answer ? answer.map : null;
  view.saliency = (answer && answer.saliency) || null;
  view.shapes = draftOf(state.current, state.loose).shapes;
  if (answer && answer.in_vocabulary && view.mode !== "image" && view.opacity > 0) answer.mapShown = true;
  // Until the reader moves the slider, each answer is shown at the threshold that it came with.
  if (!$("threshold").dataset.moved && answer) $("threshold").value = answer.threshold;
  view.threshold = Number($("threshold").value); // as the slider rounds it: what is painted is what is written
  view.exploration = (answer && answer.explored && answer.exploration) || null;
  view.all = study && state.all ? outlinesOf(study) : [];
}

function outlinesOf(study) {
  const moved = $("threshold").dataset.moved;
  const inScope = study.answers.filter((answer) => answer.in_vocabulary);
  return inScope.map((answer) => {
    const number = numberOf(study, answer);
    const threshold = moved ? viewer.view.threshold : answer.threshold;
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
    answers.map((item) => answerNode(study, item, item === answer)),
  );
  renderEcho(study, answer);
  renderAnyway(answer);
}

function renderAnyway(answer) {
  const outside = !!answer && !answer.in_vocabulary;
  $("anyway").hidden = !outside;
  $("explore").textContent = outside && answer.explored ? "hide it" : "show it anyway";
  $("explore").setAttribute("aria-pressed", String(outside && !!answer.explored));
  say("explore-error", (outside && answer.exploreError) || "");
}

function renderReading(answer) {
  const draft = draftOf(state.current, state.loose);
  const count = draft.shapes.length;
  choices("presence", draft.presence);
  choices("location", draft.location);
  $("boxes").textContent = count ? `${count} box${count > 1 ? "es" : ""}` : "no boxes";
  $("undo").disabled = !count;
  if ($("comment").value !== draft.comment) $("comment").value = draft.comment;
  $("save").setAttribute("aria-disabled", String(draft.saving));
  say("save-error", draft.error);
  if ($("saved").textContent !== draft.note) $("saved").textContent = draft.note;
  $("reading-of").textContent = answer ? "· " + answer.finding : "";
}

function renderTools() {
  const { view } = viewer;
  choices("view", view.mode);
  $("draw").setAttribute("aria-pressed", String(view.drawing));
  $("canvas").classList.toggle("drawing", view.drawing);
  $("curtain-label").hidden = view.mode !== "compare";
  $("opacity-out").textContent = short(view.opacity);
  $("threshold-out").textContent = short(view.threshold);
}

function renderTimes(study, answer) {
  const steps = study
    ? [
        ["decode", study.decode_ms],
        ["encode", study.encode_ms],
        ["query", study.queryMs],
        ["Grad-CAM", answer ? answer.saliencyMs : undefined],
      ]
    : [];
  const times = steps.filter(([, time]) => time !== undefined);
  const words = times.map(([name, time]) => `${name} ${Math.round(time)}`).join(" · ");
  $("times").textContent = words && words + " ms";
  $("times").title = "milliseconds that each step took";
}

function studyNode(study) {
  const mark = study.judged ? "✓" : study.asked ? "●" : "○";
  const name = `${mark} ${study.sha256.slice(0, 4)} ${study.synthetic ? "synthetic" : study.view}`;
  const done = study.judged ? "judged" : study.asked ? `asked ${study.asked}` : "not asked";
  const button = node("button", name);
  button.append(node("small", study.unseen ? "new" : done));
  button.setAttribute("aria-current", String(study === state.current));
  button.dataset.key = study.sha256;
  const line = node("li");
  line.append(button);
  return line;
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

function choices(kind, value) {
  // A group of radio buttons is one stop of the Tab key: the chosen one, or the first.
  const buttons = all(`[data-${kind}]`);
  const chosen = buttons.find((button) => button.dataset[kind] === value);
  for (const button of buttons) {
    button.setAttribute("aria-checked", String(button === chosen));
    button.tabIndex = button === (chosen || buttons[0]) ? 0 : -1;
  }
}
