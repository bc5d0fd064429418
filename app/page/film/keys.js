// The film's own keys, as in OHIF, the same on every page that shows one: by what they are for.
import { viewer } from "../stage.js";
import { chooseNext, drawFromKey, hideMap, hold, magnify, remove } from "./actions.js";
import { resetFilm } from "./panel.js";

const ZOOM_STEP = 1.25;

export const FILM = [
  ["h", "flip left and right", () => viewer.camera.flip(true)],
  ["v", "flip up and down", () => viewer.camera.flip(false)],
  ["r", "turn to the right", () => viewer.camera.rotate(90)],
  ["l", "turn to the left", () => viewer.camera.rotate(-90)],
  ["+", "larger", () => viewer.camera.zoomBy(ZOOM_STEP)],
  ["-", "smaller", () => viewer.camera.zoomBy(1 / ZOOM_STEP)],
  ["=", "fit", () => viewer.camera.fit()],
  ["U", "1:1", () => viewer.camera.zoomTo(100)],
  ["M", "magnifier", magnify],
  [" ", "hold, and drag: move the film", { hold: (on) => hold(on && "pan") }],
  ["Home", "film as it was opened", () => resetFilm(viewer)],
];

export const WINDOW = [
  ["i", "invert the film", () => viewer.look.invert()],
  ["w", "hold, and drag or arrows: window", { hold: (on) => hold(on && "window") }],
];

export const MAP = [["X", "hold: hide the map", { hold: hideMap }]];

export const SHAPES = [
  ["R", "ruler", () => drawFromKey("ruler")],
  ["T", "cardiothoracic ratio", () => drawFromKey("ratio")],
  ["*", "choose the next shape", chooseNext],
  ["Delete", "remove what is chosen", remove],
  ["z", "undo", () => viewer.shapes.undo()],
  ["Y", "redo", () => viewer.shapes.redo()],
];
