// What is said of the map: the line below it, in sight and for screen readers.
import { $, floored, node, short } from "./dom.js";
import { state, viewer } from "./state.js";

const REST_MS = 700; // a slider that rests so long has come to its end
let speaking = 0;

export function caption(answer, sides) {
  // `sides` are the words on what is left and right of the curtain.
  const { view } = viewer;
  const shown = !!answer && view.mode !== "image";
  const words = shown
    ? [sentence(answer, regionCount(answer)), placeWords(answer)].filter(Boolean).join("; ")
    : "";
  $("caption").classList.toggle("untested", !!(shown && answer.explored));
  $("caption").replaceChildren(...(words ? [node("span", words)] : []));
  const said = [words, ...sides].filter(Boolean);
  describe(said);
  speak(said.join("; "));
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

function regionCount(answer) {
  // At the answer's own threshold the regions are the server's; at others the page counts, by the same rule.
  return viewer.view.threshold === answer.threshold ? answer.regions.length : viewer.regions();
}

function regions(count) {
  return `${count} region${count === 1 ? "" : "s"}`;
}

function sentence(answer, count) {
  const { threshold, mode } = viewer.view;
  const highest = floored(answer.map.max);
  if (answer.explored) return untested(answer.exploration);
  if (!answer.in_vocabulary) return "far from what this model has learnt: no map shown";
  if (mode === "compare") return ""; // the words of both sides say it
  if (answer.map.max < threshold)
    return `${answer.finding}: nothing above ${short(threshold)}; highest ${highest}`;
  if (!count)
    return `${answer.finding}: no region above ${short(threshold)}; a spot too small to count reaches ${highest}`;
  return `${answer.finding}: ${regions(count)} above ${short(threshold)}`;
}

function placeWords({ place_patches, place, laterality, explored }) {
  return place_patches && !explored ? `dashed: ${place || laterality}` : "";
}

function untested({ phrase, low, high }) {
  const range = `${low.toFixed(2)} to ${high.toFixed(2)}`;
  return `untested: likeness to “${phrase}”, cosine ${range}; no probability`;
}

function speak(text) {
  // For screen readers, once the slider has come to rest: at each step they would be read a sentence.
  clearTimeout(speaking);
  speaking = setTimeout(() => {
    if ($("spoken").textContent !== text) $("spoken").textContent = text;
  }, REST_MS);
}
