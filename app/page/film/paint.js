// Paints a film: looks each code up in a table, at the coarsest size that loses nothing on the screen.
import { levelOf } from "./grey.js";

const MOST_WHILE_MOVING = 1.2e6; // pixels that are looked up anew for each frame while the window changes
const painted = new WeakMap(); // film -> canvases of its levels, and the table that each was painted with

export function drawFilm(canvas, [a, b, c, d, e, f], film, { table, moving }) {
  // The matrix is from the film's own pixels to those of the canvas.
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = "#000";
  context.fillRect(0, 0, canvas.width, canvas.height);
  const scale = Math.hypot(a, b);
  let number = scale < 1 ? Math.floor(Math.log2(1 / scale)) : 0;
  if (moving) while ((film.rows * film.columns) / 4 ** number > MOST_WHILE_MOVING) number++;
  const level = pictureOf(film, number, table);
  const [right, lower] = [film.columns / level.width, film.rows / level.height];
  context.setTransform(a * right, b * right, c * lower, d * lower, e, f);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = scale * 2 ** number < 1 ? "high" : "low";
  context.drawImage(level, 0, 0);
}

export function pictureOf(film, number, table) {
  // A canvas with the film's level of that number.
  if (!painted.has(film)) painted.set(film, []);
  const levels = painted.get(film);
  const { rows, columns, codes } = levelOf(film, number);
  if (!levels[number]) {
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: columns, height: rows });
    const context = canvas.getContext("2d");
    levels[number] = { canvas, context, pixels: context.createImageData(columns, rows), table: null };
  }
  const level = levels[number];
  if (level.table !== table) {
    const shown = new Uint32Array(level.pixels.data.buffer);
    for (let k = 0; k < codes.length; k++) shown[k] = table[codes[k]];
    level.context.putImageData(level.pixels, 0, 0);
    level.table = table;
  }
  return level.canvas;
}

export function forget(film) {
  painted.delete(film);
}
