// Films beside the film: one, two or four that show the same place, each under a map of its own; and what each map is worth.
import {
  activeAnswer,
  chosenPlace,
  compared,
  cutOf,
  keepOffered,
  layerOf,
  places,
  setCut,
} from "./compared.js";
import { $, all, choices as radio, node, put } from "./dom.js";
import { drawSides } from "./film/marks.js";
import { offer, renderHead, scoreWords, sentenceOf } from "./heads.js";
import { choices, fetched, isBoxes, PATCH_MAP, titleOf } from "./maps.js";
import { makePane } from "./pane.js";
import { render, renderMaps } from "./render.js";
import { offerSides } from "./sides.js";
import { state, viewer } from "./state.js";

const STEP = 0.05; // of a threshold, by keys
const panes = [];

export function bindPanes() {
  compared.keys.forEach((_, k) => {
    const pane = makePane(k + 2, viewer, compared.keys, k);
    panes.push(pane);
    $("panes").append(pane.section);
  });
  $("matched").onchange = () => {
    compared.matched = $("matched").checked;
    render();
  };
  for (const button of all("[data-panes]")) button.onclick = () => setPanes(Number(button.dataset.panes));
  viewer.onDraw(draw);
  for (const part of [viewer.element, ...panes.map(({ canvas }) => canvas)]) {
    part.addEventListener("pointermove", point);
    part.addEventListener("pointerleave", () => follow(null));
  }
}

export function offerMaps() {
  // Once it is known what the server computes.
  keepOffered();
  for (const { head } of panes) offer(head);
  offerSides();
}

export function setPanes(count) {
  compared.count = count;
  if (count === 1) viewer.view.at = null;
  render();
}

export function nextPlace() {
  // Which map the keys below change: one film after the other, and the sides of the curtain.
  const count = places().length;
  compared.chosen = count ? (compared.chosen + 1) % count : 0;
  render();
}

export function nextMethod(by = 1) {
  const place = chosenPlace();
  if (!place) return;
  const keys = choices().map(([key]) => key);
  const { list, k } = place;
  list[k] = keys[(keys.indexOf(list[k]) + by + keys.length) % keys.length];
  render();
}

export function nudgeCut(direction) {
  // The threshold of the chosen map becomes its own, from where it was matched to.
  const [place, answer] = [chosenPlace(), activeAnswer()];
  const key = place && place.list[place.k];
  const found = key && !isBoxes(key) ? fetched(answer, key) : null;
  if (!found || !found.map) return;
  const cut = cutOf(answer, key, found.map) + direction * STEP;
  if (key !== PATCH_MAP) compared.matched = false;
  setCut(answer, key, Math.min(Math.max(cut, 0.01), 1));
  renderMaps();
}

export function renderPanes() {
  // The lists, sliders and captions; the films themselves are drawn whenever the first one is.
  radio("panes", String(compared.count));
  const stage = $("stage");
  stage.classList.toggle("panes-2", compared.count === 2);
  stage.classList.toggle("panes-4", compared.count === 4);
  put($("panes"), "hidden", compared.count === 1);
  $("matched").checked = compared.matched;
  put($("matched-label"), "hidden", !places().length);
  const answer = activeAnswer();
  panes.forEach((pane, k) => {
    pane.section.hidden = k >= compared.count - 1;
    if (pane.section.hidden) return;
    renderHead(pane.head);
    const key = compared.keys[k];
    pane.caption.textContent = wordsOf(answer, key);
    pane.canvas.setAttribute("aria-label", `Radiograph; ${pane.caption.textContent}`);
  });
  const own = compared.count > 1 && answer ? scoreWords(answer, PATCH_MAP) : "";
  if (own) $("caption").append(node("span", own));
}

function wordsOf(answer, key) {
  return [sentenceOf(answer, key), answer ? scoreWords(answer, key) : ""].filter(Boolean).join(". ");
}

function draw() {
  panes
    .slice(0, compared.count - 1)
    .forEach((pane, k) => pane.draw(layerOf(activeAnswer(), compared.keys[k])));
}

function point(event) {
  // The pointer of one film is that of all.
  if (compared.count === 1 || !state.current) return;
  const box = event.currentTarget.getBoundingClientRect();
  follow(viewer.camera.toImage([event.clientX - box.left, event.clientY - box.top]));
}

function follow(place) {
  if (compared.count === 1) return;
  viewer.view.at = place;
  viewer.drawOverlay();
}

export function panesOnScreen() {
  // For a figure: canvas and words of each further film.
  return panes.slice(0, compared.count - 1).map((pane, k) => ({
    canvas: drawSides(viewer, copyOf(pane.canvas)),
    title: titleOf(compared.keys[k]),
    words: pane.caption.textContent,
  }));
}

function copyOf(canvas) {
  const copy = node("canvas");
  Object.assign(copy, { width: canvas.width, height: canvas.height });
  copy.getContext("2d").drawImage(canvas, 0, 0);
  return copy;
}
