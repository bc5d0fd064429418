// The list of the person's studies.
import { $, node, refill } from "../dom.js";
import { dayWords } from "./render.js";
import { leads, state } from "./state.js";

export function renderCards() {
  const { studies, person } = state;
  $("new").hidden = !leads();
  refill($("cards"), studies.map(cardOf));
  $("no-studies").hidden = !person || studies.length > 0;
  $("no-studies").textContent = leads()
    ? "No study yet. Make one of a folder of radiographs."
    : "No study waits for you. Ask whoever leads it to name you as a reader.";
}

function cardOf({ study, title, done, total, waits_until: until, closed }) {
  const card = node("li", undefined, { className: "card" });
  const progress = node("progress", undefined, { max: Math.max(total, 1), value: done });
  progress.setAttribute("aria-label", `Read of ${title}`);
  const words = [total ? `${done} of ${total} read` : "no case of it is yours"];
  if (closed) words.push("closed");
  else if (until) words.push(`the next cases open on ${dayWords(until)}`);
  const button = node("button", labelOf(done, total, closed, until), { className: "primary" });
  button.dataset.key = study;
  button.setAttribute("aria-label", `${button.textContent}: ${title}`);
  button.disabled = !total;
  card.append(node("h3", title), progress, node("p", words.join("; "), { className: "hint" }), button);
  return card;
}

function labelOf(done, total, closed, until) {
  if (closed || (total && done >= total) || until) return "Look";
  return done ? "Go on" : "Begin";
}
