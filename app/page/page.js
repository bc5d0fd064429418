// The page's state, and what asks the server: studies, questions, comparison. `server`, `upload` and `element` come from the component that this runs in.
const $ = (id) => element.querySelector("#pc-" + id),
  all = (selector) => [...element.querySelectorAll(selector)];
const windowId = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2) + Date.now();
const state = {
  studies: [],
  current: null,
  recent: [],
  suggestions: [],
  tables: {},
  mostQueries: 1,
  busy: 0,
  loose: newDraft(), // a reading that was begun before anything was open
  threshold: null, // the reader's own; until it is set, each answer is shown at the threshold that it came with
  limitMb: Number(element.querySelector("#pc").dataset.limit || 64),
};
const viewer = makeViewer($("canvas"), (what) => {
  if (what === "curtain") $("curtain").value = viewer.view.curtain;
  else changed();
  render();
});

async function call(name, data) {
  let reply;
  try {
    reply = await server[name]({ ...data, window: windowId });
  } catch {
    throw new Error("The server does not answer; check that it is running, then try again.");
  }
  if (!reply) throw new Error("The server does not answer; check that it is running, then try again.");
  if (reply.error) throw new Error(reply.error);
  return reply;
}
async function busy(text, work) {
  state.busy++;
  $("busy").textContent = text;
  $("busy").hidden = false;
  try {
    return await work();
  } finally {
    if (!--state.busy) $("busy").hidden = true;
  }
}
// In the middle of a drag or of a comment nothing that arrives may take the reading away from under the reader's hand.
function held() {
  return viewer.dragging() || document.activeElement === $("comment");
}

// --- studies
async function openFiles(files) {
  say("open-error");
  const failed = [];
  for (const file of files) {
    try {
      if (file.size > state.limitMb * 1e6)
        throw new Error(
          `This file has ${Math.round(file.size / 1e6)} MB and the limit is ${state.limitMb} MB; choose a single radiograph.`,
        );
      await busy("reading and encoding …", async () => {
        let sent;
        try {
          sent = await upload(new File([file], "upload"));
        } catch {
          // the name stays here, whole: any part of it may identify a patient
          throw new Error(
            "The file could not be sent; it may be too large or the server may have stopped. Try again.",
          );
        }
        addStudy(await call("open_upload", { path: sent.path }));
      });
    } catch (error) {
      failed.push(files.length > 1 ? `${file.name}: ${error.message}` : error.message);
      say("open-error", failed.join(" "));
    }
  }
}
async function openExample(name) {
  say("open-error");
  try {
    await busy("reading and encoding …", async () => addStudy(await call("open_example", { name })));
  } catch (error) {
    say("open-error", error.message);
  }
}
function addStudy({ picture, ...opened }) {
  // The same picture again, after a restart say, is the same study: its answers and readings stay, and what was asked is asked anew.
  const before = state.studies.find((other) => other.sha256 === opened.sha256),
    image = new Image();
  const study = before || { answers: [], active: null, drafts: new Map(), asked: 0, renewal: null };
  Object.assign(study, opened, { image });
  image.onload = () => {
    if (state.current === study && study.image === image) {
      viewer.view.picture = image;
      viewer.draw();
    }
  };
  image.src = picture;
  state.studies = [study, ...state.studies.filter((other) => other !== study)];
  for (const d of study.drafts.values()) d.error = "";
  if (study !== state.current && !(state.current && held())) choose(study);
  else {
    study.unseen = study !== state.current;
    render();
  }
  if (before) renew(study).catch((error) => say("ask-error", error.message));
}
function choose(study) {
  if (!state.current && state.loose.revision && !study.active && !study.drafts.has("")) {
    study.drafts.set("", state.loose);
    state.loose = newDraft();
  }
  state.current = study;
  study.unseen = false;
  Object.assign(viewer.view, { picture: study.image.complete ? study.image : null, size: study.size });
  render();
  viewer.reset();
  compare();
}

// --- asking
async function ask(text) {
  say("ask-error");
  const study = state.current;
  try {
    if (!study) throw new Error("No radiograph is open; open a file or one of the examples first.");
    const id = study.study,
      reply = await busy("asking …", () => call("ask", { study: id, text })),
      answers = take(study, id, reply.answers);
    study.queryMs = reply.query_ms;
    study.asked += answers.length;
    study.answers = [...answers, ...study.answers.filter((other) => !answers.includes(other))];
    for (const { query } of answers)
      state.recent = [query, ...state.recent.filter((other) => other !== query)].slice(0, 6);
    // The first answer takes over the reading that was begun without one, so it may come at any time; any other would put another reading in its place.
    if (study !== state.current || !study.active || !held()) activate(answers[0], study);
    else render();
    if (document.activeElement === $("query") && $("query").value === text) $("query").select();
  } catch (error) {
    say("ask-error", error.message);
  }
}
function take(study, id, answers, changes) {
  // A query that was answered before keeps its answer object; `of` is the server's name of the study that knows the answer.
  return answers.map((answer) =>
    Object.assign(
      study.answers.find((known) => known.query === answer.query) || {},
      answer,
      { of: id },
      changes,
    ),
  );
}
function renew(study) {
  // Asks again what the server no longer knows, as much at a time as it takes.
  if (study.renewal) return study.renewal;
  const id = study.study,
    stale = study.answers.filter((answer) => answer.of !== id);
  if (!stale.length) return Promise.resolve();
  study.renewal = busy("asking again …", async () => {
    for (let k = 0; k < stale.length; k += state.mostQueries) {
      const text = stale
        .slice(k, k + state.mostQueries)
        .map((answer) => answer.query)
        .join("; ");
      take(study, id, (await call("ask", { study: id, text })).answers, { saliency: null });
      render();
    }
  }).finally(() => {
    study.renewal = null;
    if (study === state.current) compare();
  });
  return study.renewal;
}
function activate(answer, study = state.current) {
  const begun = study.drafts.get("");
  if (begun && !study.drafts.has(answer.query)) {
    study.drafts.delete("");
    begun.error = "";
    study.drafts.set(answer.query, begun);
  }
  study.active = answer;
  render();
  if (study === state.current) compare();
}
async function compare() {
  // Does nothing unless the active answer lacks its Grad-CAM and nobody is computing it; after an error it is another try.
  const study = state.current,
    answer = study && study.active;
  if (
    viewer.view.mode !== "compare" ||
    !answer ||
    !answer.in_vocabulary ||
    answer.saliency ||
    answer.comparing
  )
    return;
  Object.assign(answer, { comparing: true, saliencyError: "" });
  render();
  try {
    await renew(study);
    const reply = await busy("computing Grad-CAM …", () =>
      call("compare", { study: study.study, query: answer.query }),
    );
    Object.assign(answer, { saliency: reply.map, saliencyMs: reply.saliency_ms });
  } catch (error) {
    answer.saliencyError = error.message;
  }
  answer.comparing = false;
  render();
}
