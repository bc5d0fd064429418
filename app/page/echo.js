// What became of every word of the text that the chosen answer is to: used, corrected, passed over, struck out.
import { $, node } from "./dom.js";

const WEAK = { uncertain: "uncertain", historical: "in the past", comparison: "a change" }; // what one film cannot tell
const MEANING = {
  used: "used",
  corrected: "used in another spelling",
  "passed over": "carries no finding",
  "struck out": "not used",
};

export function renderEcho(study, answer) {
  const { words = [], warnings = [] } = (study && answer && study.echoes.get(answer.asked)) || {};
  $("echo").hidden = !words.length;
  $("said").replaceChildren(...warnings.map((text) => node("li", "⚠ " + text)));
  $("echo").replaceChildren(...words.flatMap((word, k) => nodesOf(word, words.slice(k + 1))));
}

function nodesOf(word, following) {
  const shown = node(word.role === "struck out" ? "s" : "span", word.text);
  shown.className = word.role.replace(" ", "-");
  shown.title = MEANING[word.role];
  const nodes = [word.before, shown];
  if (word.role === "struck out") shown.prepend(node("span", "not used: ", { className: "spoken" }));
  if (word.role === "corrected") nodes.push(" → ", node("span", word.became, { className: "used" }));
  const next = following.find(({ role }) => role !== "passed over");
  const ends = word.assertion in WEAK && !(next && next.assertion === word.assertion);
  if (ends) nodes.push(node("em", ` (${WEAK[word.assertion]})`));
  return nodes;
}
