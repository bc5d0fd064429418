// One line for each finding: present, absent or unsure, and a confidence.
import { $, node, short } from "../dom.js";
import { tellKeys } from "../key_list.js";
import { chooseInGroup } from "../key_press.js";
import { choose, setConfidence, setPresence, takesConfidence } from "./marks.js";
import { state } from "./state.js";

const PRESENCES = { present: "+", absent: "−", unsure: "?" };
const VERDICTS = { correct: "correct", partly: "partly correct", wrong: "wrong" };
const lines = new Map(); // of each finding, by its label

export function layLines(findings) {
  // Made once for a study: its findings stay the same.
  lines.clear();
  for (const { label, name } of findings) lines.set(label, lineOf(label, name));
  $("lines").replaceChildren(...[...lines.values()].map(({ item }) => item));
  tellKeys();
}

function lineOf(label, name) {
  const item = node("li", undefined, { className: "line" });
  const title = node("span", name, { className: "name", title: name });
  const group = node("div", undefined, { className: "segmented" });
  group.setAttribute("role", "radiogroup");
  group.setAttribute("aria-label", `${name} is`);
  group.addEventListener("keydown", chooseInGroup);
  const buttons = Object.entries(PRESENCES).map(([presence, sign]) => {
    const button = node("button", sign, { title: presence });
    button.dataset.action = presence;
    button.setAttribute("role", "radio");
    button.setAttribute("aria-label", presence);
    button.dataset.presence = presence;
    button.onclick = () => setPresence(presence, label);
    return button;
  });
  group.append(...buttons);
  const slider = node("input", undefined, { type: "range", min: 0, max: 100, step: 1, value: 50 });
  slider.setAttribute("aria-label", `Confidence in ${name}`);
  slider.title = "Less, more, left open";
  slider.dataset.action = "less confidence|more confidence|confidence left open";
  slider.oninput = () => setConfidence(Number(slider.value), label);
  const number = node("input", undefined, { type: "number", min: 0, max: 100, step: 1, placeholder: "–" });
  number.setAttribute("aria-label", `Confidence in ${name}, 0 to 100, may be left open`);
  number.oninput = () => setConfidence(number.value === "" ? null : number.valueAsNumber, label);
  const told = node("small");
  item.append(title, group, slider, number, told);
  item.addEventListener("pointerdown", () => choose(label));
  item.addEventListener("focusin", () => choose(label));
  return { item, buttons, slider, number, told };
}

export function renderLines() {
  const { reading, desk } = state;
  const confidence = !!desk && desk.protocol.confidence;
  $("lines").parentElement.classList.toggle("without-confidence", !confidence);
  for (const [label, line] of lines) {
    const mark = reading ? reading.draft.marks[label] : null;
    const still = !reading || reading.draft.unreadable;
    renderLine(line, mark, still, confidence);
    const chosen = !!reading && reading.chosen === label;
    if (chosen && line.item.getAttribute("aria-current") !== "true")
      requestAnimationFrame(() => line.item.scrollIntoView({ block: "nearest" }));
    line.item.setAttribute("aria-current", String(chosen));
    line.told.textContent = mark ? toldOf(label, mark) : "";
    line.told.hidden = !line.told.textContent;
  }
}

function renderLine({ buttons, slider, number }, mark, still, confidence) {
  const chosen = buttons.find((button) => mark && button.dataset.presence === mark.presence);
  for (const button of buttons) {
    button.setAttribute("aria-checked", String(button === chosen));
    button.tabIndex = button === (chosen || buttons[0]) ? 0 : -1; // a group is one stop of the Tab key
    button.disabled = still;
  }
  const value = mark && mark.confidence !== null ? mark.confidence : null;
  const text = value === null ? "" : String(value);
  for (const field of [slider, number]) {
    field.hidden = !confidence;
    field.disabled = still || !takesConfidence(mark);
  }
  if (number.value !== text) number.value = text;
  slider.classList.toggle("unset", value === null);
  slider.setAttribute("aria-valuetext", value === null ? "not said" : text);
  slider.value = value === null ? 50 : value;
}

function toldOf(label, mark) {
  // What else there is to a finding: its boxes, the first opinion, the model's probability, verdicts on maps.
  const { locked, answers, opinion } = state.reading;
  const parts = [];
  if (mark.shapes.length) parts.push(`${mark.shapes.length} ${mark.shapes.length > 1 ? "boxes" : "box"}`);
  const first = opinion === "second" && locked && locked.findings.find((one) => one.label === label);
  if (first) parts.push(`first: ${first.presence}${first.confidence === null ? "" : ` ${first.confidence}`}`);
  const answer = answers && answers.find((one) => one.label === label);
  if (answer && answer.probability !== undefined && answer.probability !== null)
    parts.push(`model ${short(answer.probability)} (from ${short(answer.threshold)})`);
  for (const [letter, verdict] of Object.entries(mark.maps))
    if (verdict) parts.push(`map ${letter} ${VERDICTS[verdict]}`);
  return parts.join(" · ");
}
