// What a picture of the film needs beside grey values and maps: the letters of the patient's sides, and what the reader drew.
import { rgb } from "../colours.js";
import { sideOf } from "./panel.js";

const LINE = 2; // CSS pixels
const POINT = 6;

export function drawMarks(viewer, picture) {
  // On a canvas as `viewer.snapshot` gives it.
  const context = picture.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  context.save();
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  for (const [width, colour] of [
    [LINE + 2, "--film"], // a dark rim, so that a line shows on any ground
    [LINE, "--accent"],
  ]) {
    Object.assign(context, { lineWidth: width, strokeStyle: css(colour) });
    for (const shape of viewer.view.shapes) context.stroke(pathOf(shape, viewer.toScreen));
  }
  context.restore();
  return drawSides(viewer, picture);
}

export function drawSides(viewer, picture) {
  // The letters alone, on the film's picture or on that of one beside it.
  const context = picture.getContext("2d");
  const ratio = window.devicePixelRatio || 1;
  context.save();
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  for (const side of ["left", "right"]) drawLetter(context, sideOf(viewer, side));
  context.restore();
  return picture;
}

function pathOf({ kind, points }, toScreen) {
  const path = new Path2D();
  if (kind === "point") path.arc(...toScreen(points), POINT, 0, 7);
  else {
    for (const place of kind === "polygon" ? points : cornersOf(points)) path.lineTo(...toScreen(place));
    path.closePath();
  }
  return path;
}

function cornersOf([x, y, w, h]) {
  return [
    [x, y],
    [x + w, y],
    [x + w, y + h],
    [x, y + h],
  ];
}

function drawLetter(context, { text, at }) {
  Object.assign(context, { font: "700 18px system-ui, sans-serif", textAlign: "center", lineWidth: 4 });
  Object.assign(context, { textBaseline: "middle", lineJoin: "round" });
  Object.assign(context, { strokeStyle: css("--film"), fillStyle: css("--text") });
  context.strokeText(text, ...at);
  context.fillText(text, ...at);
}

function css(variable) {
  return `rgb(${rgb(variable).join()})`;
}
