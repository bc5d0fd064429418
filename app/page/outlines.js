// The outlines of several answers at once, each in its colour and with its number.
import { rgb } from "./colours.js";
import { findRegions } from "./regions.js";

const THICK = 2; // working pixels
const STEP = 15; // CSS pixels between the numbers of answers that begin in one place
const painted = new WeakMap(); // the outline of each map, painted once

export function drawOutlines(context, place, answers, size, minPatches) {
  // `answers` are { map, threshold, colour, number }.
  if (!answers.length) return;
  answers.forEach((answer) => {
    context.setTransform(...place.matrix.map((value) => value * place.ratio));
    context.drawImage(outlineOf(answer, size, minPatches).picture, 0, 0, size[1], size[0]);
  });
  context.setTransform(place.ratio, 0, 0, place.ratio, 0, 0);
  context.font = "bold 13px system-ui, sans-serif";
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.strokeStyle = `rgb(${rgb("--film").join()})`;
  answers.forEach((answer, k) => {
    const { cols, rows, tops } = outlineOf(answer, size, minPatches);
    for (const [column, row] of tops) {
      const [left, top] = place.toScreen([((column + 0.5) / cols) * size[1], (row / rows) * size[0]]);
      const [x, y] = [left + (k % 3) * STEP, Math.max(top - 4, 13)];
      context.strokeText(answer.number, x, y);
      context.fillStyle = answer.colour;
      context.fillText(answer.number, x, y);
    }
  });
}

function outlineOf({ map, threshold, colour }, size, minPatches) {
  const key = [threshold, colour, minPatches, size].join();
  const before = painted.get(map);
  if (before && before.key === key) return before;
  const { lit, rows, cols, tops } = findRegions(map, size, threshold, minPatches);
  const picture = document.createElement("canvas");
  picture.width = cols;
  picture.height = rows;
  const context = picture.getContext("2d");
  context.fillStyle = colour;
  for (let k = 0; k < lit.length; k++) {
    if (lit[k] && nearEdge(lit, rows, cols, k)) context.fillRect(k % cols, Math.floor(k / cols), 1, 1);
  }
  const outline = { key, picture, rows, cols, tops };
  painted.set(map, outline);
  return outline;
}

function nearEdge(lit, rows, cols, k) {
  const column = k % cols;
  const row = (k - column) / cols;
  const border = Math.min(column, row, cols - 1 - column, rows - 1 - row) < THICK;
  return border || !(lit[k - THICK] && lit[k + THICK] && lit[k - THICK * cols] && lit[k + THICK * cols]);
}
