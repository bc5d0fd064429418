// The maps that can be compared: what the server offers, what of it was fetched, and boxes, which stand beside maps as they are.
import { render } from "./render.js";
import { renew } from "./asking.js";
import { callOn } from "./revival.js";
import { busy, state, viewer } from "./state.js";

export const PATCH_MAP = "patch_map";
const TWIN = "twin_";
const BOXES = { boxes: "drawn boxes", truth: "truth boxes" };

export function choices() {
  // [key, title] of all that a pane can show.
  const offered = state.maps.map(({ key, title, slow }) => [key, slow ? `${title} (slow)` : title]);
  return [[PATCH_MAP, "patch map"], ...offered, ...Object.entries(BOXES)];
}

export function titleOf(key) {
  const [, title = key] = choices().find(([other]) => other === key) || [];
  return title;
}

export function isBoxes(key) {
  return key in BOXES;
}

export function fetched(answer, key) {
  // The map of a query by a method, if it is here: { map, ms, model }, or { error } or { waiting: true } where it is not.
  if (!answer) return null;
  if (key === PATCH_MAP) return answer.in_vocabulary ? { map: answer.map } : null;
  return stock(answer)[key] || null;
}

function stock(answer) {
  // Another picture of the study, such as an inverted one, has other maps.
  if (!answer.maps || answer.mapsOf !== answer.of) Object.assign(answer, { maps: {}, mapsOf: answer.of });
  return answer.maps;
}

export function isSlow(key) {
  return state.maps.some((one) => one.key === key && one.slow);
}

export async function want(study, answer, key) {
  // Fetches a map that is not here, once; one that failed only if it is asked for again.
  if (!study || !answer || !answer.in_vocabulary || isBoxes(key) || key === PATCH_MAP) return;
  const before = fetched(answer, key);
  const under = (answer.fetching ||= new Set());
  if ((before && !before.error) || under.has(key)) return;
  under.add(key);
  stock(answer)[key] = { waiting: true };
  render();
  try {
    await renew(study);
    const work = () => callOn(study, "compare", { query: answer.query, method: key });
    const reply = await busy(`computing ${titleOf(key)} …`, work);
    stock(answer)[key] = { map: reply.map, ms: reply.saliency_ms, model: reply.model };
  } catch (error) {
    stock(answer)[key] = { error: error.message };
  }
  under.delete(key);
  render();
}

export function boxesOf(study, answer, key) {
  // [x, y, w, h] each, in pixels of the radiograph: those of the reading on screen, or the truth of the answer's finding.
  if (key === "boxes")
    return viewer.view.shapes.filter(({ kind }) => kind === "box").map(({ points }) => points);
  const truth = study && answer && answer.label ? study.truth : [];
  return truth.filter(({ label }) => label === answer.label).map(({ x, y, w, h }) => [x, y, w, h]);
}

export function reference(study, answer) {
  // What maps are measured against: boxes that the reader drew, else the truth of the case; null where there is neither.
  for (const key of ["boxes", "truth"]) {
    const boxes = boxesOf(study, answer, key);
    const plural = boxes.length === 1 ? "box" : "boxes";
    if (boxes.length)
      return { boxes, words: `${boxes.length} ${key === "boxes" ? "drawn" : "truth"} ${plural}` };
  }
  return null;
}

export function whose(key) {
  return key.startsWith(TWIN) ? "of the twin, trained without boxes; " : "";
}
