// What the reader can do on the film by buttons and keys alike.
import { $ } from "../dom.js";
import { findRegions } from "../regions.js";
import { viewer } from "../stage.js";
import { makeLens } from "./lens.js";
import { attachPoints } from "./points.js";
import { makeRulers } from "./rulers.js";

const PAN_STEP = 60; // CSS pixels
const CORNERS = 8; // of a polygon that is placed by a key
const rulers = makeRulers(viewer, tell, stopDrawing);
const lens = makeLens(viewer);
let pointer = null; // in pixels of the radiograph

attachPoints(viewer);
viewer.onLaid(rulers.lay);
viewer.element.addEventListener("pointermove", (event) => {
  if (viewer.camera.film()) pointer = viewer.camera.toImage(viewer.point(event));
});

export function toFilm() {
  // Where the focus goes when what had it is left: arrows are the film's there, and the Tab key goes on from it.
  viewer.canvas.focus({ preventScroll: true });
}

export function drawFromKey(tool) {
  // Enter and arrows are the film's from then on, not those of whatever had the focus.
  $(tool).click();
  toFilm();
}

export function startDrawing(kind) {
  // "box", "point", "polygon", "ruler" or "ratio"; the same again ends it.
  const { view } = viewer;
  stopMeasuring();
  view.drawing = view.drawing === kind ? false : kind;
  viewer.draw();
  if (view.drawing === "ratio") rulers.beginRatio();
  tell();
}

export function stopDrawing() {
  stopMeasuring();
  viewer.view.drawing = false;
  viewer.draw();
  tell();
}

function stopMeasuring() {
  viewer.shapes.cancel();
  rulers.cancel();
  rulers.stopRatio();
  tell();
}

function tell() {
  $("measured").textContent = rulers.words();
  const { drawing } = viewer.view;
  for (const kind of ["ruler", "ratio"]) $(kind).setAttribute("aria-pressed", String(drawing === kind));
}

export function leave() {
  // First what is being drawn, then drawing itself, then the chosen shape; false where there was no drawing to leave.
  if (viewer.shapes.cancel() || rulers.cancel()) return true;
  if (!viewer.view.drawing) {
    viewer.shapes.chooseNone();
    rulers.chooseNone();
    holdCorner(null);
    return false;
  }
  stopDrawing();
  return true;
}

export function remove() {
  return viewer.shapes.removeSelected() || rulers.removeSelected();
}

export function arrow(right, down, large) {
  // Moves the chosen shape by a pixel of the radiograph as the reader sees it, or the film, or changes the window.
  const step = large ? 10 : 1;
  if (viewer.view.held === "window") return viewer.look.nudge(right * step, down * step);
  const [x, y] = turned(right, down).map((length) => length * step);
  if (viewer.shapes.nudge(x, y) || rulers.nudge(x, y)) return;
  viewer.camera.panBy(-right * PAN_STEP, -down * PAN_STEP);
}

export function stretch(right, down, large) {
  // Moves the right or the lower side of the chosen box, as the reader sees it; of a polygon a corner, of a ruler an end.
  const step = large ? 10 : 1;
  const [x, y] = turned(right, down).map((length) => length * step);
  if (viewer.shapes.chosen()?.kind === "polygon") {
    holdCorner(viewer.view.corner ?? 0);
    viewer.shapes.moveCorner(viewer.view.corner, x, y);
  } else if (!rulers.stretch(x, y))
    viewer.shapes.stretch(...turned(Math.abs(right), Math.abs(down)), (right + down) * step);
}

export function placeShape() {
  // Without a mouse: what is being drawn, in the middle of what is seen, to be moved by arrows; false where nothing is being drawn.
  const { view, camera } = viewer;
  if (!camera.film() || !view.drawing) return false;
  const extent = camera.extent();
  const middle = camera.toImage(extent.map((length) => length / 2)).map(Math.round);
  const [height, width] = view.size;
  const seen = Math.min(...extent) / camera.place.scale;
  const length = Math.max(1, Math.round(Math.min(seen, height, width) / 4));
  const moved = (right, down) =>
    [width, height].map((most, axis) => Math.min(Math.max(middle[axis] + [right, down][axis], 0), most));
  if (view.drawing === "point") viewer.shapes.add({ kind: "point", points: middle });
  else if (view.drawing === "polygon") placePolygon(moved, length / 2);
  else if (view.drawing === "box") {
    const corner = [width, height].map((most, axis) =>
      Math.min(Math.max(middle[axis] - Math.round(length / 2), 0), most - length),
    );
    viewer.shapes.add({ kind: "box", points: [...corner, length, length] });
  } else {
    const [x, y] = turned(1, 0).map((way) => way * length);
    rulers.place([moved(-x, -y), moved(x, y)]);
  }
  return true;
}

function placePolygon(moved, radius) {
  // A round one; of one that is chosen the next corner is taken hold of.
  if (viewer.shapes.chosen()?.kind === "polygon") return holdCorner((viewer.view.corner ?? -1) + 1);
  const angles = Array.from({ length: CORNERS }, (_, place) => (2 * Math.PI * place) / CORNERS);
  const points = angles.map((angle) => moved(radius * Math.sin(angle), -radius * Math.cos(angle)));
  viewer.shapes.add({ kind: "polygon", points: points.map((point) => point.map(Math.round)) });
  holdCorner(0);
}

function holdCorner(corner) {
  // Of the chosen polygon, by its place, which wraps around; a cross shows it.
  const chosen = viewer.shapes.chosen();
  viewer.view.corner = corner !== null && chosen?.kind === "polygon" ? corner % chosen.points.length : null;
  viewer.drawOverlay();
}

export function chooseNext() {
  viewer.shapes.chooseNext(rulers.list());
  holdCorner(null);
}

function turned(right, down) {
  const [a, b, c, d] = viewer.camera.matrix();
  return [Math.sign(a * right + b * down), Math.sign(c * right + d * down)];
}

export function takeRegion() {
  // The lit region under the pointer, or the largest one that has no box yet, becomes a box of the reading.
  const { view } = viewer;
  if (!view.map || view.exploration || !view.size) return;
  const { boxes } = findRegions(view.map, view.size, view.threshold, view.minPatches);
  const there = new Set(view.shapes.map(({ points }) => points.join()));
  const free = boxes.filter((box) => !there.has(box.join()));
  const under = free.find(([x, y, w, h]) => pointer && inside(pointer, x, y, w, h));
  const largest = [...free].sort((one, other) => other[2] * other[3] - one[2] * one[3])[0];
  const box = under || largest;
  if (box) viewer.shapes.add({ kind: "box", points: box });
  else $("boxes").textContent = boxes.length ? "every lit region has its box" : "no region is lit";
}

function inside([left, top], x, y, w, h) {
  return left >= x && left <= x + w && top >= y && top <= y + h;
}

export function magnify() {
  $("magnify").setAttribute("aria-pressed", String(lens.toggle()));
}

export function hideMap(on) {
  viewer.view.hidden = on;
  viewer.drawOverlay();
}

export function hold(kind) {
  // While a key is held the left button does something else; `kind` is "pan" or "window", or null when it is let go.
  viewer.view.held = kind;
  viewer.take(kind || (viewer.view.drawing === "ratio" ? "ruler" : viewer.view.drawing) || "pan");
}
