// Studies: opening files and examples, and going from one to another.
import { ask, compare, renew } from "./asking.js";
import { $, say } from "./dom.js";
import { contentsOf, isHidden, offer, pathOf } from "./contents.js";
import { newDraft } from "./drafts.js";
import { render } from "./render.js";
import { call, upload } from "./server.js";
import { busy, held, state, viewer } from "./state.js";

export function openFiles(files) {
  return openAll(files.map((file) => ({ file, name: file.name })));
}

export function openFolder(files) {
  // Which of its files are images shows when they are opened.
  const items = files.filter((file) => !isHidden(pathOf(file))).map((file) => ({ file, name: pathOf(file) }));
  items.sort((one, other) => (one.name < other.name ? -1 : 1));
  if (!items.length) return say("open-error", "The folder holds no file; choose another.");
  if (items.length === 1) return openAll(items);
  return offer([{ items, leftOut: [] }], openAll);
}

async function openAll(items) {
  say("open-error");
  const failed = [];
  const groups = [];
  for (const { file, name, image } of items) {
    try {
      if (file.size > state.limitMb * 1e6) throw new Error(tooLarge(file.size));
      const source = fileSource(file, image);
      const { received } = file; // a film that was pushed: it waits no more once it is open
      const reply = await busy("reading and encoding …", () => source.open(received ? { received } : {}));
      if (reply.images) groups.push(contentsOf(file, reply));
      else addStudy(reply, source);
    } catch (error) {
      failed.push(items.length > 1 ? `${name}: ${error.message}` : error.message);
      say("open-error", failed.join(" "));
    }
  }
  if (groups.length) offer(groups, openAll);
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
    const study = addStudy(await busy("reading and encoding …", () => source.open({})), source);
    const { question } = state.examples.find(({ file }) => file === name);
    if (study === state.current && !study.answers.length) {
      $("query").value = question;
      await ask(question);
    }
  } catch (error) {
    say("open-error", error.message);
  }
}

function fileSource(file, image) {
  // Where a picture comes from, to be read again in another way: the server keeps no file.
  return {
    open: (reading) => upload("open_upload", file, { image, ...reading }),
    send: (name, options, whole) => upload(name, whole ? file : "", options),
  };
}

function exampleSource(name) {
  return {
    open: (reading) => call("open_example", { name, ...reading }),
    send: (request, options) => upload(request, "", options),
  };
}

function addStudy({ picture, ...opened }, source) {
  // The same picture again, after a restart say, is the same study: its answers and readings stay,
  // and what was asked is asked anew.
  const before = state.studies.find((other) => other.sha256 === opened.sha256);
  const study = before || newStudy();
  Object.assign(study, opened, { source, reading: {} });
  showPicture(study, picture);
  state.studies = [study, ...state.studies.filter((other) => other !== study)];
  for (const draft of study.drafts.values()) draft.error = "";
  if (study !== state.current && !(state.current && held())) choose(study);
  else {
    study.unseen = study !== state.current;
    render();
  }
  if (before) renew(study).catch((error) => say("ask-error", error.message));
  return study;
}

function newStudy() {
  const lists = { answers: [], drafts: new Map(), echoes: new Map(), numbers: new Map() };
  return { ...lists, active: null, asked: 0, renewal: null };
}

export function showPicture(study, url) {
  const image = new Image();
  study.image = image;
  image.onload = () => {
    if (state.current !== study || study.image !== image) return;
    viewer.view.picture = image;
    viewer.draw();
  };
  image.src = url;
}

export function choose(study) {
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
