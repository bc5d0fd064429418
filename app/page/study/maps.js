// The blinded maps: which is on the film, what is said of it, and the reader's verdict on each.
import { $, all, floored, node, short } from "../dom.js";
import { tellKeys } from "../key_list.js";
import { chooseInGroup } from "../key_press.js";
import { legend } from "../legend.js";
import { viewer } from "../stage.js";
import { judge, showMap } from "./marks.js";
import { seesMaps } from "./reading.js";
import { markOf, state } from "./state.js";

const VERDICTS = ["correct", "partly", "wrong"];
const VERDICT_WORDS = { partly: "partly correct" };

function answerOf(reading) {
  return (
    (reading && reading.answers && reading.answers.find(({ label }) => label === reading.chosen)) || null
  );
}

export function layMap() {
  // What the viewer paints.
  const { reading, letter } = state;
  const answer = answerOf(reading);
  const there = !!answer && answer.maps.includes(letter);
  Object.assign(viewer.view, {
    map: there ? answer.map[letter] : null,
    threshold: there ? answer.cut[letter] : 0.5,
    mode: "map",
  });
}

export function renderMaps() {
  const { reading, letter } = state;
  const answer = answerOf(reading);
  $("map-tools").hidden = !answer;
  const letters = answer ? [...reading.maps, ""] : [];
  renderChoice(letters, letter);
  renderVerdicts(reading, answer);
  $("opacity-out").textContent = short(viewer.view.opacity);
  legend(viewer.view);
  const words = answer && letter ? captionOf(answer, letter) : "";
  $("caption").replaceChildren(...(words ? [node("span", words)] : []));
  if ($("spoken").textContent !== words) $("spoken").textContent = words;
}

function renderChoice(letters, letter) {
  const place = $("maps");
  if (place.dataset.letters !== letters.join()) {
    place.dataset.letters = letters.join();
    place.replaceChildren(
      ...letters.map((one) => {
        const button = node("button", one ? `map ${one}` : "no map", {
          title: one ? `Map ${one}` : "No map",
        });
        button.dataset.action = one ? `map ${one}` : "next map";
        button.setAttribute("role", "radio");
        button.onclick = () => showMap(one);
        return button;
      }),
    );
    tellKeys();
  }
  [...place.children].forEach((button, number) => {
    const chosen = letters[number] === letter;
    button.setAttribute("aria-checked", String(chosen));
    button.tabIndex = chosen ? 0 : -1;
  });
}

function renderVerdicts(reading, answer) {
  // "The map A is correct, partly correct or wrong", for each map of the chosen finding.
  const place = $("verdicts");
  const letters = answer && seesMaps(reading) ? answer.maps : [];
  if (place.dataset.letters !== letters.join()) {
    place.dataset.letters = letters.join();
    place.replaceChildren(...letters.map(verdictRow));
  }
  const mark = markOf();
  for (const group of all("#pc-verdicts [role=radiogroup]")) {
    const verdict = (mark && mark.maps[group.dataset.letter]) || "";
    group.parentElement.classList.toggle("shown", group.dataset.letter === state.letter);
    const buttons = [...group.children];
    const chosen = buttons.find((button) => button.dataset.verdict === verdict);
    for (const button of buttons) {
      button.setAttribute("aria-checked", String(button === chosen));
      button.tabIndex = button === (chosen || buttons[0]) ? 0 : -1;
      button.disabled = reading.draft.unreadable;
    }
  }
}

function verdictRow(letter) {
  const row = node("div", undefined, { className: "row" });
  const group = node("div", undefined, { className: "segmented" });
  group.setAttribute("role", "radiogroup");
  group.setAttribute("aria-label", `The map ${letter} is`);
  group.addEventListener("keydown", chooseInGroup);
  group.dataset.letter = letter;
  group.append(
    ...VERDICTS.map((verdict) => {
      const button = node("button", verdict, { title: "The map on the film" });
      button.dataset.action = `the map on the film is ${VERDICT_WORDS[verdict] ?? verdict}`;
      button.setAttribute("role", "radio");
      button.dataset.verdict = verdict;
      button.onclick = () => judge(verdict, letter);
      return button;
    }),
  );
  row.append(node("span", `map ${letter} is`, { className: "quiet" }), group);
  return row;
}

function captionOf(answer, letter) {
  const [map, cut] = [answer.map[letter], answer.cut[letter]];
  const count = answer.regions[letter].length;
  const whose = `map ${letter} of ${answer.name}`;
  if (!count) return `${whose}: nothing above ${short(cut)}; highest ${floored(map.max)}`;
  return `${whose}: ${count} region${count === 1 ? "" : "s"} above ${short(cut)}`;
}
