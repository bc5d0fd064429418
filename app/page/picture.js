// How the picture is read from its file: black and white exchanged, and the windows that the header offers.
// The model sees what the reader sees, so all that was asked is asked anew before the new picture is shown.
import { askAnew } from "./asking.js";
import { $, say } from "./dom.js";
import { isUnsaved } from "./drafts.js";
import { makeFilm } from "./film/grey.js";
import { takeFacts } from "./marks.js";
import { render } from "./render.js";
import { call } from "./server.js";
import { busy, state, viewer } from "./state.js";
import { choose, showFilm } from "./studies.js";

const AUTOMATIC = -1; // the library's number of an automatic window

export function invert() {
  const study = state.current;
  if (study) reread(study, { inverted: !study.inverted });
}

export function takeWindow(number) {
  const study = state.current;
  if (study && study.windows.length) reread(study, { window: number });
}

export function nextWindow() {
  const { windows = [], window = null } = state.current || {};
  const place = window === null ? windows.length : window;
  const next = (place + 1) % (windows.length + 1);
  takeWindow(next === windows.length ? AUTOMATIC : next);
}

async function reread(study, changes) {
  if (study.rereading) return;
  study.rereading = true;
  say("picture-error");
  render();
  try {
    await busy("reading and encoding …", async () => {
      const reading = { ...study.reading, ...changes };
      const opened = await study.source.open(reading);
      const same = state.studies.find((other) => other !== study && other.sha256 === opened.sha256);
      if (same) return choose(same); // it was opened before: its readings are there
      const before = study.study;
      replace(study, opened, reading, await askAnew(opened.study, study.answers));
      return call("close", { study: before });
    });
  } catch (error) {
    say("picture-error", error.message);
  }
  study.rereading = false;
  render();
}

function replace(study, { film, packed, ...opened }, reading, { answers }) {
  // Everything at once: a map never lies over a picture that it was not computed from.
  const active = study.active && study.active.query;
  const asked = study.answers.map((answer) => answer.query);
  const fresh = new Map(
    answers.map((answer) => [answer.query, { ...answer, of: opened.study, model: opened.model.sha256 }]),
  );
  takeFacts(study, opened);
  study.reading = reading;
  study.answers = asked.filter((query) => fresh.has(query)).map((query) => fresh.get(query));
  study.active = fresh.get(active) || study.answers[0] || null;
  for (const [query, draft] of study.drafts) {
    // A reading that is stored was of the picture as it was; one that is not goes on with the new one.
    if (isUnsaved(draft)) Object.assign(draft, { attempt: null, note: "", error: "" });
    else study.drafts.delete(query);
  }
  showFilm(study, makeFilm(film, packed));
  viewer.draw();
}

export function bindPicture() {
  $("invert").onclick = invert;
  $("window").onchange = (event) => takeWindow(Number(event.target.value));
}
