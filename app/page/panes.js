// Films beside the film: one, two or four that show the same place, each under a map of its own; and what each map is worth.
import { rgb } from "./colours.js";
import { $, all, choices as radio, node, short } from "./dom.js";
import { boxesOf, choices, fetched, isBoxes, PATCH_MAP, reference, titleOf, want, whose } from "./maps.js";
import { litArea, matchedThreshold, measure } from "./measure.js";
import { makePane } from "./pane.js";
import { render } from "./render.js";
import { state, viewer } from "./state.js";

const FIRST = ["grad_cam", "twin_grad_cam", "boxes"]; // what the others show until told
const RELATIVE = 0.5; // where a relative map is cut that is not matched to another
const panes = [];
export const shown = { count: 1, matched: true, keys: [...FIRST] };
const matched = node("input", undefined, { type: "checkbox" });
let at = null; // where the pointer is, in pixels of the radiograph

export function bindPanes() {
  FIRST.forEach((_, k) => {
    const pane = makePane(
      k + 2,
      viewer,
      (key) => choose(k, key),
      (value) => move(k, value),
    );
    panes.push(pane);
    $("panes").append(pane.section);
  });
  const label = node("label", "same lit area", { title: "As much of the film is lit as by the patch map" });
  label.prepend(matched);
  matched.onchange = () => {
    shown.matched = matched.checked;
    render();
  };
  panes[0].section.querySelector(".pane-head").append(label);
  for (const button of all("[data-panes]")) button.onclick = () => setPanes(Number(button.dataset.panes));
  viewer.onDraw(draw);
  for (const part of [viewer.element, ...panes.map(({ canvas }) => canvas)]) {
    part.addEventListener("pointermove", point);
    part.addEventListener("pointerleave", () => follow(null));
  }
}

export function offerMaps() {
  // Once it is known what the server computes.
  shown.keys = shown.keys.map((key) => (choices().some(([other]) => other === key) ? key : PATCH_MAP));
  const offered = choices();
  for (const { choice } of panes)
    choice.replaceChildren(...offered.map(([key, title]) => node("option", title, { value: key })));
}

export function setPanes(count) {
  shown.count = count;
  render();
}

function choose(k, key) {
  shown.keys[k] = key;
  render();
}

function move(k, value) {
  const answer = active();
  if (!answer) return;
  answer.cuts = { ...answer.cuts, [shown.keys[k]]: value };
  render();
}

const active = () => state.current && state.current.active;

export function cutOf(answer, key, map) {
  // From which value a map counts as lit.
  if (key === PATCH_MAP) return viewer.view.threshold;
  if (shown.matched && answer.in_vocabulary)
    return matchedThreshold(
      map,
      viewer.view.size,
      litArea(answer.map, viewer.view.size, viewer.view.threshold),
    );
  return (answer.cuts && answer.cuts[key]) ?? RELATIVE;
}

export function renderPanes() {
  // The lists, sliders and captions; the films themselves are drawn whenever the first one is.
  radio("panes", String(shown.count));
  const stage = $("stage");
  stage.classList.toggle("panes-2", shown.count === 2);
  stage.classList.toggle("panes-4", shown.count === 4);
  $("panes").hidden = shown.count === 1;
  matched.checked = shown.matched;
  const answer = active();
  panes.forEach((pane, k) => {
    pane.section.hidden = k >= shown.count - 1;
    if (pane.section.hidden) return;
    const key = shown.keys[k];
    pane.choice.value = key;
    const found = fetched(answer, key);
    const map = found && found.map;
    if (!found) want(state.current, answer, key);
    const cut = map ? cutOf(answer, key, map) : null;
    pane.slider.disabled = !map || key === PATCH_MAP || shown.matched;
    if (map) pane.slider.value = cut;
    pane.output.textContent = map ? short(Math.min(cut, 1)) : "";
    pane.caption.textContent = sentence(pane, key, found, cut);
    pane.canvas.setAttribute("aria-label", `Radiograph; ${pane.caption.textContent}`);
  });
  const own = shown.count > 1 ? ownScore(answer) : "";
  if (own) $("caption").append(node("span", own));
}

function sentence(pane, key, found, cut) {
  const answer = active();
  if (!answer) return "nothing asked";
  if (isBoxes(key)) return boxSentence(answer, key);
  if (!answer.in_vocabulary) return "far from what this model has learnt: no map";
  if (!found || found.waiting) return `${titleOf(key)} …`;
  if (found.error) return `${titleOf(key)} failed: ${found.error}`;
  const { view } = viewer;
  const count = pane.regions(found.map, view, view.size, cut);
  const regions = `${count} region${count === 1 ? "" : "s"} from ${short(Math.min(cut, 1))}`;
  const kind = key === PATCH_MAP ? "probability per patch" : `${whose(key)}relative, no probability`;
  const matched = shown.matched && key !== PATCH_MAP ? " (same lit area as the patch map)" : "";
  return [`${kind}: ${regions}${matched}`, scoreWords(key, found.map, cut)].filter(Boolean).join(". ");
}

function boxSentence(answer, key) {
  const count = boxesOf(state.current, answer, key).length;
  if (key === "boxes") return count ? `drawn by the reader: ${count}` : "no box is drawn";
  return count ? `truth of ${answer.finding}: ${count}` : `no truth box of ${answer.finding}`;
}

function scoreWords(key, map, cut) {
  // Against a box that the reader drew, else against the truth.
  const answer = active();
  const against = reference(state.current, answer);
  if (!against) return "";
  const { view } = viewer;
  const said = measure(map, view.size, cut, view.minPatches, against.boxes);
  const missed = said.falsePositives;
  return (
    `Against ${against.words}: pointing ${said.pointing ? "hit" : "miss"}, IoU ${short(said.iou)}, ` +
    `${Math.round(100 * said.covered)} % of the box lit, ` +
    `${missed} false-positive region${missed === 1 ? "" : "s"}`
  );
}

function ownScore(answer) {
  const found = fetched(answer, PATCH_MAP);
  return found ? scoreWords(PATCH_MAP, found.map, viewer.view.threshold) : "";
}

function draw() {
  if (shown.count === 1) return;
  const answer = active();
  panes.slice(0, shown.count - 1).forEach((pane, k) => {
    const key = shown.keys[k];
    const found = isBoxes(key) ? null : fetched(answer, key);
    const map = found && found.map;
    const boxes = isBoxes(key) && state.current ? boxesOf(state.current, answer, key) : [];
    const colour = `rgb(${rgb(key === "truth" ? "--amber" : "--accent").join()})`;
    pane.draw({ map, threshold: map ? cutOf(answer, key, map) : 1, boxes, colour, at });
  });
}

function point(event) {
  // The pointer of one film is that of all.
  if (shown.count === 1 || !state.current) return;
  const box = event.currentTarget.getBoundingClientRect();
  follow(viewer.camera.toImage([event.clientX - box.left, event.clientY - box.top]));
}

function follow(place) {
  at = place;
  if (shown.count > 1) viewer.drawOverlay();
}

export function panesOnScreen() {
  // For a figure: canvas and words of each further film.
  return panes.slice(0, shown.count - 1).map((pane, k) => ({
    canvas: pane.canvas,
    title: titleOf(shown.keys[k]),
    words: pane.caption.textContent,
  }));
}

export function keysOnScreen() {
  return shown.keys.slice(0, shown.count - 1).filter((key) => !isBoxes(key) && key !== PATCH_MAP);
}
