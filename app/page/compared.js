// What is compared on screen: the two maps under the curtain, and those of the films beside the first; and from which value each is lit.
import { boxesOf, choices, fetched, isBoxes, PATCH_MAP, want } from "./maps.js";
import { rgb } from "./colours.js";
import { litArea, matchedThreshold } from "./measure.js";
import { state, viewer } from "./state.js";

const RELATIVE = 0.5; // where a relative map is cut that is not matched to another
export const compared = {
  count: 1, // films on screen
  keys: ["grad_cam", "twin_grad_cam", "boxes"], // what the others show until told
  sides: [PATCH_MAP, "grad_cam"], // left and right of the curtain
  matched: true, // whether as much of the film is lit as by the patch map
  chosen: 0, // the place that keys change, counted over `places`
};

export const activeAnswer = () => state.current && state.current.active;

export function places() {
  // Where a map can be chosen just now: { list, k }, of the curtain's sides and of the films beside the first.
  const sides = viewer.view.mode === "compare" ? [0, 1] : [];
  const films = [...compared.keys.keys()].slice(0, compared.count - 1);
  return [
    ...sides.map((k) => ({ list: compared.sides, k })),
    ...films.map((k) => ({ list: compared.keys, k })),
  ];
}

export function chosenPlace() {
  const all = places();
  return all[compared.chosen % all.length] || null;
}

export function isChosen(list, k) {
  const place = chosenPlace();
  return places().length > 1 && !!place && place.list === list && place.k === k;
}

export function keepOffered() {
  // Once it is known what the server computes.
  const offered = new Set(choices().map(([key]) => key));
  for (const list of [compared.keys, compared.sides])
    list.forEach((key, k) => (list[k] = offered.has(key) ? key : PATCH_MAP));
}

export function cutOf(answer, key, map) {
  // From which value a map counts as lit.
  const { size, threshold } = viewer.view;
  if (key === PATCH_MAP) return threshold;
  if (compared.matched && answer.in_vocabulary)
    return matchedThreshold(map, size, litArea(answer.map, size, threshold));
  return (answer.cuts && answer.cuts[key]) ?? RELATIVE;
}

export function setCut(answer, key, value) {
  if (key === PATCH_MAP)
    answer.moved = value; // the slider below the film is of the same map
  else answer.cuts = { ...answer.cuts, [key]: value };
}

export function layerOf(answer, key) {
  // What a film shows under this name: a map and its threshold, or boxes; nothing while it is not here.
  if (isBoxes(key)) {
    const colour = `rgb(${rgb(key === "truth" ? "--amber" : "--accent").join()})`;
    return { boxes: state.current ? boxesOf(state.current, answer, key) : [], colour };
  }
  const { map } = fetched(answer, key) || {};
  return map ? { map, threshold: cutOf(answer, key, map) } : {};
}

export function keysOnScreen() {
  // Of all maps that are in sight.
  const { mode, curtain } = viewer.view;
  const keys = places()
    .filter(({ list, k }) => list !== compared.sides || curtain !== k)
    .map(({ list, k }) => list[k]);
  if (mode === "map") keys.unshift(PATCH_MAP);
  return [...new Set(keys)].filter((key) => !isBoxes(key));
}

export function noteShown(answer, view) {
  // What of an answer its reader has seen; a map that is dark is seen as well.
  if (!answer || !answer.in_vocabulary || !view.opacity) return;
  for (const key of keysOnScreen()) {
    if (!(fetched(answer, key) || {}).map) continue;
    if (key === PATCH_MAP) answer.mapShown = true;
    else answer.saliencyShown = [...new Set([...(answer.saliencyShown || []), key])];
  }
}

export function wantAgain(study) {
  // What failed is tried once more where it is in sight.
  const answer = study && study.active;
  for (const key of keysOnScreen()) if ((fetched(answer, key) || {}).error) want(study, answer, key);
}
