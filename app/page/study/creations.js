// Studies that are being made: how far each is, what is left out of it, and how it ended.
import { $, node, refill, say } from "../dom.js";
import { call } from "../server.js";
import { listStudies } from "./desk.js";
import { leads } from "./state.js";

const FOLLOW_MS = 1000;
const FEW = 5; // files that are named without being asked for
const STEPS = {
  waiting: "waits until others are made",
  fetching: "fetching films from the archive",
  listing: "looking through the files",
  reading: "reading films",
  storing: "storing",
};
let [creations, following] = [[], false];
const folded = {}; // creation -> whether its list of files was folded by hand
const ready = {}; // study -> [how many of its cases are ready, how many there are]

export async function followCreations() {
  // Until each has ended and is ready to be read; readers may begin before, and wait a little at each case.
  if (following || !leads()) return;
  following = true;
  let [going, silent] = [true, false];
  while (going) {
    try {
      going = await look();
      if (silent) say("open-error");
      silent = false;
    } catch (error) {
      say("open-error", error.message);
      going = silent = !error.status; // a server that is being restarted is asked again
    }
    if (going) await new Promise((done) => setTimeout(done, FOLLOW_MS));
  }
  following = false;
}

async function look() {
  const before = creations;
  ({ creations } = await call("study_creations"));
  const lost = before.find((one) => STEPS[one.state] && !creations.some((other) => same(one, other)));
  if (lost)
    $("home-note").textContent =
      `The server was restarted while "${lost.name}" was being made, and nothing of it is stored; make it again.`;
  const made = creations.filter(({ state }) => state === "made");
  if (made.some((one) => !before.some((other) => same(one, other) && other.state === "made")))
    await listStudies();
  for (const { study } of made) {
    if (ready[study] && ready[study][0] === ready[study][1]) continue;
    const { cases } = await call("study_cases", { study });
    ready[study] = [cases.filter((one) => one.ready).length, cases.length];
  }
  renderCreations();
  return creations.some(({ state, study }) => STEPS[state] || (study && ready[study][0] < ready[study][1]));
}

function same(one, other) {
  return one.creation === other.creation && one.name === other.name; // a new server counts anew
}

function renderCreations() {
  refill($("creations"), creations.map(cardOf));
}

function cardOf({ creation, name, state, done, total, left_out: out, study, cases, error }) {
  const card = node("li", undefined, { className: "card" });
  card.append(node("h3", name));
  const words = node("p", wordsOf({ state, done, total, study, cases, error }), { className: "hint" });
  if (STEPS[state]) {
    const progress = node("progress", undefined, { max: 1 });
    if (total) Object.assign(progress, { max: total, value: done });
    progress.setAttribute("aria-label", `Making ${name}`);
    card.append(progress);
  }
  if (state === "failed") words.className = "error";
  card.append(words);
  if (out.length) card.append(leftOut(creation, out));
  const button = node("button", STEPS[state] ? "stop" : "put away", { className: "flat" });
  button.dataset.key = `creation-${creation}`;
  button.setAttribute("aria-label", `${button.textContent}: ${name}`);
  button.onclick = () => end(creation);
  card.append(button);
  return card;
}

function wordsOf({ state, done, total, study, cases, error }) {
  if (error) return error;
  if (state !== "made") return STEPS[state] + (total ? `: ${done} of ${total}` : done ? `: ${done}` : "");
  const made = `Made, with ${cases} case${cases === 1 ? "" : "s"}.`;
  if (!ready[study]) return made;
  const [some, all] = ready[study];
  return `${made} ${some === all ? "All are ready." : `Made ready: ${some} of ${all}.`}`;
}

function leftOut(creation, files) {
  // By their places alone: a file's name may tell who is on it.
  const details = node("details", undefined, { open: !(folded[creation] ?? files.length > FEW) });
  details.ontoggle = () => (folded[creation] = !details.open);
  const count = files.length === 1 ? "1 file is" : `${files.length} files are`;
  details.append(node("summary", `${count} left out; files are counted in the order of their names`));
  const list = node("ul");
  list.append(...files.map(({ place, reason }) => node("li", `File ${place}: ${reason}`)));
  details.append(list);
  return details;
}

async function end(creation) {
  try {
    await call("study_creation_end", { creation });
  } catch (error) {
    say("open-error", error.message);
  }
  followCreations();
}
