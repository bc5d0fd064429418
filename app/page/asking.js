// Questions: asking, asking again what the server no longer knows.
import { whenOne } from "./coming.js";
import { $, intoSight, say } from "./dom.js";
import { toFilm } from "./film/actions.js";
import { render } from "./render.js";
import { callOn } from "./revival.js";
import { call } from "./server.js";
import { busy, held, state } from "./state.js";

const MOST_RECENT = 6;

export async function ask(text) {
  say("ask-error");
  if (document.activeElement === $("query")) toFilm(); // keys are the film's again
  if (!state.current) await whenOne();
  const study = state.current; // whichever is chosen while the server answers
  try {
    if (!study) throw new Error("No radiograph is open; open a file or one of the examples first.");
    const reply = await busy("asking …", () => callOn(study, "ask", { text }));
    const answers = take(study, study.study, reply);
    say("ask-error", unread(reply));
    study.queryMs = reply.query_ms;
    study.asked += answers.length;
    study.answers = [...answers, ...study.answers.filter((other) => !answers.includes(other))];
    for (const { query } of answers)
      state.recent = [query, ...state.recent.filter((other) => other !== query)].slice(0, MOST_RECENT);
    // The first answer takes over the reading that was begun without one, so it may come at any time;
    // any other would put another reading in its place.
    const naming = study.named || document.activeElement === $("finding");
    if (study !== state.current || (!study.active && !naming) || !held()) activate(answers[0], study);
    else render();
  } catch (error) {
    say("ask-error", error.message);
    if ([document.body, $("canvas")].includes(document.activeElement)) $("query").focus(); // it stands there still, to be mended
  }
}

export async function askTexts(study, texts) {
  // What was asked before this window knew of it; the answers join the list.
  for (const text of new Set(texts)) {
    const reply = await busy("asking again …", () => callOn(study, "ask", { text }));
    const answers = take(study, study.study, reply);
    study.answers = [...study.answers, ...answers.filter((answer) => !study.answers.includes(answer))];
  }
  render();
}

function unread({ refused, more }) {
  // What of the text got no answer, and why.
  return [...refused.map(({ text, error }) => `Not read: “${text}”. ${error}`), more]
    .filter(Boolean)
    .join(" ");
}

export function take(study, id, { answers, echoes }, changes) {
  // A query that was answered before keeps its answer object; `of` is the server's name of the study that knows the answer.
  for (const echo of echoes) study.echoes.set(echo.asked, echo);
  return answers.map((answer) => {
    const before = study.answers.find((other) => other.query === answer.query) || {};
    return Object.assign(before, answer, { of: id, model: study.model.sha256 }, changes);
  });
}

export function renew(study) {
  // Asks again what the server no longer knows.
  if (study.renewal) return study.renewal;
  const id = study.study;
  const stale = study.answers.filter((answer) => answer.of !== id);
  if (!stale.length) return Promise.resolve();
  study.renewal = busy("asking again …", async () => {
    take(study, id, await askAnew(id, stale), { exploration: null, explored: false });
    render();
  }).finally(() => (study.renewal = null));
  return study.renewal;
}

export async function askAnew(id, stale) {
  // These answers of the server's study `id`: each text that they came from is asked once more.
  const replies = [];
  for (const text of new Set(stale.map((answer) => answer.asked)))
    replies.push(await call("ask", { study: id, text }));
  const wanted = new Set(stale.map((answer) => answer.query));
  return {
    answers: replies.flatMap((reply) => reply.answers).filter(({ query }) => wanted.has(query)),
    echoes: replies.flatMap((reply) => reply.echoes),
  };
}

export function activate(answer, study = state.current) {
  const begun = study.drafts.get("");
  if (begun && !study.drafts.has(answer.query)) {
    study.drafts.delete("");
    begun.error = "";
    study.drafts.set(answer.query, begun);
  }
  study.active = answer;
  render();
  const chosen = $("answers").querySelector("[aria-selected=true]");
  if (chosen) intoSight(chosen);
}
