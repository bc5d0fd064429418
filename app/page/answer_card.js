// One answer in the list: its number and colour, P on a bar with the operating point, and what is to be said of both.
import { colourOf, numberOf } from "./answers.js";
import { node, short } from "./dom.js";

export function answerNode(study, item, selected) {
  const line = node("li");
  line.setAttribute("role", "option");
  line.setAttribute("aria-selected", String(selected));
  line.tabIndex = selected ? 0 : -1;
  line.dataset.key = item.query;
  const number = numberOf(study, item);
  const tag = node("b", number, { className: "tag" });
  tag.style.borderColor = colourOf(number);
  line.append(node("span", "", { className: "swatch" }));
  const head = node("div", undefined, { className: "answer-head" });
  head.append(
    tag,
    node("span", item.query, { className: "name", title: item.query }),
    ...probabilityNodes(item),
  );
  line.append(head);
  const said = [item.asked, item.query, item.finding].map((text) => text.toLowerCase());
  if (!said.includes(item.span.toLowerCase()))
    line.append(node("small", `“${item.span}”`, { className: "span" }));
  if (item.explored) line.append(node("small", "untested likeness is shown", { className: "untested" }));
  if (item.in_vocabulary && item.understood !== item.query.toLowerCase())
    line.append(node("small", "→ " + item.understood));
  if (item.contradiction) line.append(node("small", item.contradiction, { className: "contradiction" }));
  if (item.standing) line.append(node("small", item.standing, { className: "standing" }));
  for (const text of item.warnings) line.append(node("small", "⚠ " + text, { className: "warn" }));
  return line;
}

function probabilityNodes({ probability, assertion, operating_point: point }) {
  // The number, and a bar on which a tick stands at the operating point of the model.
  if (probability === null) return [node("span", "–", { className: "number" }), node("span")];
  const bar = node("span", undefined, { className: "bar" });
  const filled = node("i");
  filled.style.width = 100 * probability + "%";
  bar.append(filled);
  if (point) {
    const tick = node("b", undefined, { className: "tick" });
    // Where its absence is asked, the bar is of absence, and the point is turned round with it.
    const place = assertion === "absent" ? 1 - point.threshold : point.threshold;
    tick.style.left = 100 * place + "%";
    bar.append(tick);
    bar.title = `operating point at ${short(place)}`;
  }
  bar.setAttribute("aria-hidden", "true"); // the number and the sentence below say the same
  return [node("span", short(probability), { className: "number" }), bar];
}
