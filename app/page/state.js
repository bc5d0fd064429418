// What the page knows: studies, answers, drafts, and how the map is shown.
import { $ } from "./dom.js";
import { newDraft } from "./drafts.js";
import { makeViewer } from "./viewer.js";

export const state = {
  studies: [],
  current: null,
  recent: [],
  suggestions: [],
  examples: [],
  tables: {},
  maps: [], // saliency methods that the server offers: { key, title, slow }
  all: false, // whether the outlines of all answers are shown
  limitMb: Infinity,
  archive: false, // whether the server has one
  busy: 0,
  loose: newDraft(), // a reading that was begun before anything was open
  looseFinding: "", // and the finding that it is of
};

export const viewer = makeViewer($("film"), $("canvas"), (reading, shapes) => edited(reading, shapes));

let edited = () => {};

export function onEdit(listener) {
  // `listener(reading, shapes)` hears of what was drawn on the film.
  edited = listener;
}

export function held() {
  // In the middle of a drag or of a comment nothing that arrives may take the reading away from under the reader's hand.
  return viewer.dragging() || [$("comment"), $("finding")].includes(document.activeElement);
}

export async function busy(text, work) {
  state.busy++;
  $("busy").textContent = text;
  $("busy").hidden = false;
  try {
    return await work();
  } finally {
    if (!--state.busy) $("busy").hidden = true;
  }
}
