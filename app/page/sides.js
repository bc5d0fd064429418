// Two maps on one film: left and right of a curtain, or in turn on the whole of it.
import { activeAnswer, compared, layerOf } from "./compared.js";
import { setView } from "./controls.js";
import { $, node, put } from "./dom.js";
import { makeHead, offer, renderHead, scoreWords, sentenceOf } from "./heads.js";
import { fetched, titleOf } from "./maps.js";
import { render } from "./render.js";
import { viewer } from "./state.js";

const heads = [];
const words = [];

export function offerSides() {
  heads.forEach(offer);
}

export function bindSides() {
  for (const [k, name] of ["left", "right"].entries()) {
    heads.push(makeHead(`on the ${name} of the curtain`, compared.sides, k));
    words.push(node("span", "", { id: `pc-tag-${name}` }));
    heads[k].head.append(words[k]);
    $("tags").append(heads[k].head);
  }
  $("flicker").onclick = flicker;
  $("exchange").onclick = exchange;
}

export function layersOf(answer) {
  // For the viewer: what is left and right of the curtain.
  return compared.sides.map((key) => layerOf(answer, key));
}

export function flicker() {
  // The one map on the whole film, then the other: the same place under both.
  const { view } = viewer;
  if (view.mode !== "compare") setView("compare");
  view.curtain = view.curtain === 1 ? 0 : 1;
  render();
}

export function exchange() {
  compared.sides.reverse();
  render();
}

export function renderSides(answer) {
  // Heads and words of both sides; gives the words of what is in sight.
  const { view } = viewer;
  const comparing = !!answer && view.mode === "compare" && !answer.explored;
  put($("tags"), "hidden", !comparing);
  for (const id of ["curtain-label", "flicker", "exchange"]) put($(id), "hidden", view.mode !== "compare");
  $("curtain").value = view.curtain;
  if (!comparing) return [];
  const hidden = [view.curtain === 0, view.curtain === 1];
  return compared.sides
    .map((key, k) => {
      renderHead(heads[k]);
      heads[k].head.classList.toggle("covered", hidden[k]);
      words[k].textContent = [sentenceOf(answer, key), scoreWords(answer, key)].filter(Boolean).join(". ");
      words[k].classList.toggle("failed", !!(fetched(answer, key) || {}).error);
      return hidden[k] ? "" : words[k].textContent;
    })
    .filter(Boolean);
}

export function sidesTitle() {
  // For a figure.
  const shown = compared.sides.filter((_, k) => viewer.view.curtain !== k);
  return shown.map(titleOf).join(" | ");
}

export function sideWords() {
  return activeAnswer() ? words.map(({ textContent }) => textContent) : [];
}
