// The film of a page, of which each has one; what is done to it by buttons and keys is in film/.
import { $ } from "./dom.js";
import { makeViewer } from "./viewer.js";

let edited = () => {};

export const viewer = makeViewer($("film"), $("canvas"), (reading, shapes) => edited(reading, shapes));

export function onEdit(listener) {
  // `listener(reading, shapes)` hears of what was drawn on the film.
  edited = listener;
}
