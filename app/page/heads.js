// The head of a map on a film: which map it is, and from which value it is lit. Over each film beside the first, and over both sides of
// the curtain.
import { activeAnswer, compared, cutOf, isChosen, setCut } from "./compared.js";
import { node, short } from "./dom.js";
import { boxesOf, choices, fetched, isBoxes, PATCH_MAP, reference, titleOf, want, whose } from "./maps.js";
import { measure } from "./measure.js";
import { pictureOf } from "./overlay.js";
import { render, renderMaps } from "./render.js";
import { state, viewer } from "./state.js";

export function makeHead(name, list, k) {
  // `list` and `k` say where in `compared` the key of the map stands; `name` is what a screen reader calls the place.
  const head = node("div", undefined, { className: "map-head" });
  const choice = node("select");
  choice.setAttribute("aria-label", `Map ${name}`);
  choice.onchange = () => {
    list[k] = choice.value;
    render();
  };
  const slider = node("input", undefined, { type: "range", min: 0.01, max: 1, step: 0.01 });
  slider.setAttribute("aria-label", `Threshold ${name}`);
  slider.oninput = () => {
    const answer = activeAnswer();
    if (answer) setCut(answer, list[k], Number(slider.value));
    renderMaps();
  };
  const output = node("output");
  output.setAttribute("aria-live", "off");
  head.append(choice, slider, output);
  return { head, choice, slider, output, list, k };
}

export function offer({ choice }) {
  choice.replaceChildren(...choices().map(([key, title]) => node("option", title, { value: key })));
}

export function renderHead({ head, choice, slider, output, list, k }) {
  const [answer, key] = [activeAnswer(), list[k]];
  choice.value = key;
  head.classList.toggle("chosen", isChosen(list, k));
  const found = fetched(answer, key);
  if (!found) want(state.current, answer, key);
  const cut = found && found.map ? cutOf(answer, key, found.map) : null;
  slider.disabled = cut === null || (compared.matched && key !== PATCH_MAP);
  slider.hidden = isBoxes(key);
  if (cut !== null) slider.value = cut;
  output.textContent = cut === null ? "" : short(Math.min(cut, 1));
}

export function sentenceOf(answer, key) {
  // What a map shows and what kind of number it is of; in its own words where there is none.
  if (!answer) return "nothing asked";
  if (isBoxes(key)) return boxSentence(answer, key);
  if (!answer.in_vocabulary) return `${titleOf(key)}: not computed`;
  const found = fetched(answer, key);
  if (!found || found.waiting) return `${titleOf(key)} …`;
  if (found.error) return `${titleOf(key)} failed: ${found.error} (c tries again)`;
  const { view } = viewer;
  const cut = cutOf(answer, key, found.map);
  const count = pictureOf(found.map, view.size, view, cut).regions;
  const regions = `${count} region${count === 1 ? "" : "s"} from ${short(Math.min(cut, 1))}`;
  const kind = key === PATCH_MAP ? "probability per patch" : `${whose(key)}relative, no probability`;
  const matched = compared.matched && key !== PATCH_MAP ? ", the same lit area as the patch map" : "";
  return `${titleOf(key)}, ${kind}: ${regions}${matched}`;
}

function boxSentence(answer, key) {
  const count = boxesOf(state.current, answer, key).length;
  if (key === "boxes") return count ? `drawn by the reader: ${count}` : "no box is drawn";
  return count ? `truth of ${answer.finding}: ${count}` : `no truth box of ${answer.finding}`;
}

export function scoreOf(answer, key) {
  // Against a box that the reader drew, else against the truth: { words, ...measured }; null where there is nothing to measure.
  const { map } = (!isBoxes(key) && fetched(answer, key)) || {};
  const against = map ? reference(state.current, answer) : null;
  if (!against) return null;
  const { view } = viewer;
  const cut = cutOf(answer, key, map);
  return { cut, against, ...measure(map, view.size, cut, view.minPatches, against.boxes) };
}

export function scoreWords(answer, key) {
  const score = scoreOf(answer, key);
  if (!score) return "";
  const missed = score.falsePositives;
  return (
    `Against ${score.against.words}: pointing ${score.pointing ? "hit" : "miss"}, IoU ${short(score.iou)}, ` +
    `${Math.round(100 * score.covered)} % of the box lit, ` +
    `${missed} false-positive region${missed === 1 ? "" : "s"}`
  );
}
