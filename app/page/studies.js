// Studies: opening files and examples, and going from one to another.
import { nextPlace, openInTurn } from "./arriving.js";
import { ask, askTexts, renew } from "./asking.js";
import { coming } from "./coming.js";
import { $, node, say } from "./dom.js";
import { contentsOf, isHidden, offer, pathOf } from "./contents.js";
import { newDraft, saysSomething, unaskedKey } from "./drafts.js";
import { makeFilm } from "./film/grey.js";
import { takeFacts } from "./marks.js";
import { note } from "./note.js";
import { render } from "./render.js";
import { callOn, exampleSource, fileSource } from "./revival.js";
import { busy, held, state, viewer } from "./state.js";

export function openFiles(files, options) {
  return openAll(
    files.map((file) => ({ file, name: file.name })),
    options,
  );
}

export function openFolder(files) {
  // Which of its files are images shows when they are opened.
  const items = files.filter((file) => !isHidden(pathOf(file))).map((file) => ({ file, name: pathOf(file) }));
  items.sort((one, other) => (one.name < other.name ? -1 : 1));
  if (!items.length) return say("open-error", "The folder holds no file; choose another.");
  if (items.length === 1) return openAll(items);
  return offer([{ items, leftOut: [] }], openAll);
}

async function opened(source, reading) {
  // Where nothing is on screen the film is there before the model has seen it.
  let film = null;
  const early = (part) => {
    film = makeFilm(part.film, part.packed, part.preview);
    if (!state.current && !viewer.view.film) present(film, part.size);
  };
  try {
    const reply = await busy("reading and encoding …", () => source.open(reading, early));
    return film ? { ...reply, film } : reply;
  } catch (error) {
    if (film && viewer.view.film === film) {
      viewer.clear();
      render();
    }
    throw error;
  }
}

async function openAll(items, { show = false } = {}) {
  // `show`: a film that was chosen by itself, from a list of the page.
  say("open-error");
  const failed = [];
  const groups = [];
  const open = async (item, place) => {
    const { file, name, image } = item;
    try {
      if (file.size > state.limitMb * 1e6) throw new Error(tooLarge(file.size));
      const source = fileSource(file, image);
      const { received } = file; // a film that was pushed: it waits no more once it is open
      await coming(async () => {
        const reply = await opened(source, received ? { received } : {});
        if (reply.images) groups.push(contentsOf(file, reply));
        else addStudy(reply, source, { name, show: !!item.show, place });
      });
    } catch (error) {
      failed.push(items.length > 1 ? `${name}: ${error.message}` : error.message);
      sayEach(failed);
    }
  };
  await openInTurn(
    items.map((item) => ({ ...item, show })),
    open,
    { first: show },
  );
  if (groups.length) offer(groups, openAll);
}

function sayEach(sentences) {
  say("open-error", sentences.join(" "));
  $("open-error").replaceChildren(...sentences.map((text) => node("span", text)));
}

function tooLarge(size) {
  return (
    `This file has ${Math.round(size / 1e6)} MB and the limit is ${state.limitMb} MB; ` +
    "choose a single radiograph."
  );
}

export async function openExample(name) {
  say("open-error");
  try {
    const source = exampleSource(name);
    const { question, title } = state.examples.find(({ file }) => file === name);
    const study = await coming(async () =>
      addStudy(await opened(source, {}), source, { name: title, show: true }),
    );
    if (question && study === state.current && !study.answers.length) {
      $("query").value = question;
      await ask(question);
    }
  } catch (error) {
    say("open-error", error.message);
  }
}

export function addStudy(reply, source, { name = "", show = false, place = nextPlace() } = {}) {
  // The same picture again, after a restart say, is the same study: its answers and readings stay,
  // and what was asked is asked anew.
  const before = state.studies.find((other) => other.sha256 === reply.sha256);
  const study = before || newStudy(place);
  if (before && name && before.name && name !== before.name)
    note(`${name} is the same picture as ${before.name}, which is open: they are one study.`);
  Object.assign(study, { source, reading: {}, name: name || study.name });
  takeOpened(study, reply);
  if (!before) state.studies.push(study);
  state.studies.sort((one, other) => one.place - other.place);
  for (const draft of study.drafts.values()) draft.error = "";
  if (study !== state.current) arrive(study, show);
  else render();
  if (before) catchUp(study).catch((error) => say("ask-error", error.message));
  return study;
}

function catchUp(study) {
  return study.pending ? askPending(study) : renew(study);
}

function arrive(study, show) {
  // What arrives is listed, and takes nobody's film away.
  if (!state.current || (show && !held())) choose(study);
  else {
    study.unseen = true;
    render();
  }
}

export function newStudy(place = nextPlace()) {
  const lists = { answers: [], drafts: new Map(), echoes: new Map(), numbers: new Map() };
  return {
    ...lists,
    place, // in the list of studies
    name: "",
    active: null,
    named: "",
    asked: 0,
    renewal: null,
    revival: null,
    shownAt: null,
  };
}

export function takeOpened(study, { film, packed, ...facts }) {
  takeFacts(study, facts);
  showFilm(study, film.levels === undefined ? makeFilm(film, packed) : film);
}

export function showFilm(study, film) {
  study.film = film;
  if (study === state.current) lay(study);
}

function lay(study) {
  present(study.film, study.size);
}

function present(film, size) {
  viewer.view.size = size;
  $("empty").hidden = true;
  busy("showing …", () => viewer.show(film)).catch(() =>
    say("open-error", "The film could not be shown; open the file again."),
  );
}

export function choose(study) {
  if (!state.current) takeLoose(study);
  state.current = study;
  study.unseen = false;
  if (study.shownAt === null) study.shownAt = Date.now();
  if (study.film) lay(study);
  else viewer.clear();
  render();
  $("studies").querySelector("[aria-current=true]").scrollIntoView({ block: "nearest" });
  if (!study.film) fetchAgain(study);
}

function takeLoose(study) {
  // A reading that was begun before anything was open.
  const key = state.looseFinding ? unaskedKey(state.looseFinding) : "";
  if (!saysSomething(state.loose) || (study.active && !key) || study.drafts.has(key)) return;
  study.drafts.set(key, state.loose);
  study.named = state.looseFinding;
  Object.assign(state, { loose: newDraft(), looseFinding: "" });
}

async function askPending(study) {
  // What was asked before the window was loaded again, in the order and with the choice of then.
  const { answers, active } = study.pending || { answers: [] };
  study.pending = null;
  await askTexts(
    study,
    answers.map(({ asked }) => asked),
  );
  for (const { query, mapShown, saliencyShown } of answers) {
    const answer = study.answers.find((other) => other.query === query);
    if (answer) Object.assign(answer, { mapShown, saliencyShown });
  }
  const places = new Map(answers.map(({ query }, place) => [query, place]));
  study.answers.sort((one, other) => (places.get(one.query) ?? -1) - (places.get(other.query) ?? -1));
  if (!study.active) study.active = study.answers.find(({ query }) => query === active) || null;
  render();
}

async function fetchAgain(study) {
  // After a reload: the film is the server's to give, or comes from its file again.
  if (study.fetching) return;
  study.fetching = true;
  say("open-error");
  try {
    const reply = await busy("opening …", () => callOn(study, "look"));
    takeOpened(study, reply);
    if (study === state.current) choose(study);
    await askPending(study);
  } catch (error) {
    say("open-error", error.message);
  }
  study.fetching = false;
  render();
}
