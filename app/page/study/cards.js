// The list of the person's studies.
import { $, node, refill, say } from "../dom.js";
import { call } from "../server.js";
import { listStudies } from "./desk.js";
import { dayWords, timeWords } from "./render.js";
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

function cardOf({ study, title, done, total, waits_until: until, closed, events }) {
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
  if (leads()) card.append(ending(study, title, closed));
  if (events.length) {
    // What whoever leads it sees: who closed it, and opened it again.
    const list = node("ul", undefined, { className: "events" });
    list.append(...events.map(eventOf));
    card.append(list);
  }
  return card;
}

function eventOf({ kind, person, happened_at: time }) {
  return node("li", `${kind} by ${person} on ${dayWords(time)}, ${timeWords(time)}`);
}

function ending(study, title, closed) {
  // For whoever leads it: the study is closed, or opened again.
  const button = node("button", closed ? "open again" : "close study", { className: "flat ending" });
  button.setAttribute("aria-label", `${button.textContent}: ${title}`);
  button.onclick = () => end(study, title, closed);
  return button;
}

async function end(study, title, closed) {
  if (
    !closed &&
    !window.confirm(`Close "${title}"? Nothing of it is read or changed until it is opened again.`)
  )
    return;
  say("open-error");
  try {
    await call(closed ? "study_open_again" : "study_close", { study });
    await listStudies();
    $("home-note").textContent = `"${title}" is ${closed ? "open again" : "closed"}.`;
  } catch (error) {
    say("open-error", error.message);
  }
  $("cards")
    .querySelector(`[aria-label$=": ${CSS.escape(title)}"].ending`)
    ?.focus();
}

function labelOf(done, total, closed, until) {
  if (closed || (total && done >= total) || until) return "Look";
  return done ? "Go on" : "Begin";
}
