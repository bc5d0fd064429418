// What is said of the map: the line below it, the tags of the comparison, the legend; in sight and for screen readers.
import { $, floored, node, short } from "./dom.js";
import { state, viewer } from "./state.js";

const REST_MS = 700; // a slider that rests so long has come to its end
let speaking = 0;

export function caption(answer) {
  const { view } = viewer;
  const counts = regionCounts(answer);
  const shown = !!answer && view.mode !== "image";
  const comparing = shown && view.mode === "compare" && !answer.explored;
  const words = shown ? sentence(answer, counts.map) : "";
  $("caption").classList.toggle("untested", !!(shown && answer.explored));
  $("caption").replaceChildren(...(words ? [node("span", words)] : []));
  $("tags").hidden = !comparing;
  if (comparing) {
    $("tag-left").textContent = `patch map: ${regions(counts.map)}`;
    $("tag-right").textContent = saliencyTag(answer, counts.saliency);
    $("tag-right").classList.toggle("failed", !!(answer.saliencyError && !answer.saliency));
  }
  const tags = comparing ? [$("tag-left").textContent, $("tag-right").textContent] : [];
  describe([words, ...tags].filter(Boolean));
  speak([words, ...tags].filter(Boolean).join("; "));
}

function describe(said) {
  // What a screen reader says of the film when it is reached.
  const study = state.current;
  const which = study
    ? `Radiograph ${study.sha256.slice(0, 4)}, ${study.synthetic ? "synthetic" : study.view || "view not told"}`
    : "No radiograph is open";
  const whose = study && study.active ? `asked for ${study.active.query}` : "";
  viewer.canvas.setAttribute("aria-label", [which, whose, ...said].filter(Boolean).join("; "));
}

function regionCounts(answer) {
  // At the answer's own threshold the regions are the server's; at others the page counts, by the same rule.
  const counted = viewer.regions();
  const served = answer && viewer.view.threshold === answer.threshold;
  return served ? { ...counted, map: answer.regions.length } : counted;
}

function regions(count) {
  return `${count} region${count === 1 ? "" : "s"}`;
}

function sentence(answer, count) {
  const { threshold, mode } = viewer.view;
  const highest = floored(answer.map.max);
  if (answer.explored) return untested(answer.exploration);
  if (!answer.in_vocabulary) return "far from what this model has learnt: no map shown";
  if (answer.map.max < threshold)
    return `${answer.finding}: nothing above ${short(threshold)}; highest ${highest}`;
  if (!count)
    return `${answer.finding}: no region above ${short(threshold)}; a spot too small to count reaches ${highest}`;
  return mode === "map" ? `${answer.finding}: ${regions(count)} above ${short(threshold)}` : "";
}

function untested({ phrase, low, high }) {
  const range = `${low.toFixed(2)} to ${high.toFixed(2)}`;
  return `untested: likeness to “${phrase}”, cosine ${range}; no probability`;
}

function saliencyTag(answer, count) {
  if (!answer.in_vocabulary) return "Grad-CAM: not computed";
  if (answer.saliency) return `Grad-CAM, relative, no probability: ${regions(count)}`;
  if (answer.saliencyError) return `Grad-CAM failed: ${answer.saliencyError} (c tries again)`;
  return "Grad-CAM …";
}

function speak(text) {
  // For screen readers, once the slider has come to rest: at each step they would be read a sentence.
  clearTimeout(speaking);
  speaking = setTimeout(() => {
    if ($("spoken").textContent !== text) $("spoken").textContent = text;
  }, REST_MS);
}
