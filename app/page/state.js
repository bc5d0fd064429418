// What the page knows: studies, answers, drafts, and how the map is shown.
import { busy } from "./busy.js";
import { $ } from "./dom.js";
import { newDraft } from "./drafts.js";
import { onEdit, viewer } from "./stage.js";

export { busy, onEdit, viewer };

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
  model: null, // that films are opened with from now on
  archive: false, // whether the server has one
  loose: newDraft(), // a reading that was begun before anything was open
  looseFinding: "", // and the finding that it is of
};

export function held() {
  // In the middle of a drag or of a comment nothing that arrives may take the reading away from under the reader's hand.
  return viewer.dragging() || [$("comment"), $("finding")].includes(document.activeElement);
}
