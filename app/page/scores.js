// Every map's agreement with the box that was drawn, or with the truth, in one table that follows each edit.
import { activeAnswer, cutOf } from "./compared.js";
import { $, node, short } from "./dom.js";
import { scoreOf } from "./heads.js";
import { choices, fetched, isBoxes, isSlow, reference, want } from "./maps.js";
import { render } from "./render.js";
import { state } from "./state.js";

let open = false;

export function toggleScores() {
  open = !open;
  render();
}

export function bindScores() {
  $("scores-button").onclick = toggleScores;
  $("scores-close").onclick = toggleScores;
}

export function renderScores() {
  $("scores-button").setAttribute("aria-pressed", String(open));
  $("scores").hidden = !open;
  if (!open) return;
  const answer = activeAnswer();
  const against = answer ? reference(state.current, answer) : null;
  const usable = !!answer && answer.in_vocabulary;
  $("scores-of").textContent = headline(answer, against);
  $("scores-table").hidden = !usable || !against;
  if (!usable || !against) return;
  $("scores-rows").replaceChildren(
    ...choices()
      .filter(([key]) => !isBoxes(key))
      .map(([key, title]) => rowOf(answer, key, title)),
  );
}

function headline(answer, against) {
  if (!answer) return "Nothing was asked yet; ask a question first.";
  if (!answer.in_vocabulary)
    return "This query is far from what the model has learnt: it has no map to measure.";
  if (!against) return `Draw a box around ${answer.finding}: each map is measured against it at once.`;
  return `${answer.finding}, against ${against.words}`;
}

function rowOf(answer, key, title) {
  const found = fetched(answer, key);
  const line = node("tr");
  const name = node("th", title);
  name.scope = "row";
  line.append(name);
  if (!found && isSlow(key)) line.append(waiting(answer, key));
  else {
    if (!found) want(state.current, answer, key);
    const cells = found && found.map ? cellsOf(answer, key, found.map) : [found?.error || "…"];
    line.append(...cells.map((text) => node("td", text, cells.length > 1 ? {} : { colSpan: 5 })));
  }
  return line;
}

function cellsOf(answer, key, map) {
  const { pointing, iou, covered, falsePositives } = scoreOf(answer, key);
  const cut = short(Math.min(cutOf(answer, key, map), 1));
  return [
    cut,
    pointing ? "hit" : "miss",
    short(iou),
    `${Math.round(100 * covered)} %`,
    String(falsePositives),
  ];
}

function waiting(answer, key) {
  // What takes many passes through the model is computed when somebody wants it.
  const button = node("button", "compute");
  button.onclick = () => want(state.current, answer, key);
  const cell = node("td", undefined, { colSpan: 5 });
  cell.append(button);
  return cell;
}
