// Paints a map as a picture to lay over the radiograph: colours by value, outlines of regions, nothing below the threshold.
import { rgb } from "./colours.js";
import { findRegions } from "./regions.js";

const painted = new WeakMap(); // map -> the picture that was painted of it last, wherever it is shown

export function pictureOf(map, size, view, threshold) {
  // The picture and the number of regions; painted anew only if anything that it depends on has changed.
  const { opacity, smooth, outlines, filled, tableName, minPatches } = view;
  const key = [threshold, opacity, smooth, outlines, filled, tableName, minPatches, size].join();
  const before = painted.get(map);
  if (before && before.key === key) return before;
  const fresh = { key, ...paint(map, size, { ...view, threshold }, before) };
  painted.set(map, fresh);
  return fresh;
}

function paint(map, size, view, before) {
  const regions = findRegions(map, size, view.threshold, view.minPatches);
  const { rows, cols } = regions;
  const lit = view.smooth ? regions.lit : wholePatches(map, regions, view.threshold);
  const { picture, pixels } = roomFor(rows, cols, before);
  const shown = new Uint32Array(pixels.data.buffer);
  if (view.filled) {
    const colours = coloursOf(view);
    for (let k = 0; k < lit.length; k++) {
      if (!lit[k]) continue;
      const value = view.smooth ? regions.values[k] : patchValue(map, regions, k);
      shown[k] = colours[Math.min(255, Math.max(0, Math.round(value * 255)))];
    }
  }
  // A light line and a dark one beside it, which so show on any ground.
  if (view.outlines || !view.filled) outline(shown, lit, rows, cols);
  picture.getContext("2d").putImageData(pixels, 0, 0);
  return { picture, pixels, regions: regions.count };
}

function roomFor(rows, cols, before) {
  // While a threshold moves, the same map is painted again and again: on the same canvas, from the same memory.
  if (before && before.pixels.width === cols && before.pixels.height === rows) {
    new Uint32Array(before.pixels.data.buffer).fill(0);
    return before;
  }
  const picture = document.createElement("canvas");
  Object.assign(picture, { width: cols, height: rows });
  return { picture, pixels: picture.getContext("2d").createImageData(cols, rows) };
}

function coloursOf({ table, opacity }) {
  // As a canvas has them; the higher a value, the more it covers.
  return table.map((colour, k) =>
    packed(colour, Math.round(255 * opacity * Math.min(1, 0.35 + (0.65 * k) / 255))),
  );
}

function packed([red, green, blue], alpha) {
  return new Uint32Array(Uint8ClampedArray.of(red, green, blue, alpha).buffer)[0];
}

function outline(shown, lit, rows, cols) {
  const [light, dark] = [rgb("--text"), rgb("--film")].map((colour) => packed(colour, 255));
  const edge = new Uint8Array(lit.length);
  for (let k = 0; k < lit.length; k++) if (lit[k] && onEdge(lit, rows, cols, k)) edge[k] = 1;
  for (let k = 0; k < lit.length; k++) {
    if (edge[k]) shown[k] = light;
    else if (lit[k] && (edge[k - 1] || edge[k + 1] || edge[k - cols] || edge[k + cols])) shown[k] = dark;
  }
}

function patchValue(map, grid, k) {
  const column = k % grid.cols;
  return map.values[grid.row[(k - column) / grid.cols]][grid.column[column]];
}

function wholePatches(map, regions, threshold) {
  // Without smoothing: the patches that reach the threshold and hold a part of a region, whole.
  const { rows, cols, row, column } = regions;
  const reached = map.values.map((line) => line.map(() => false));
  for (let k = 0; k < regions.lit.length; k++) {
    if (regions.lit[k]) reached[row[Math.floor(k / cols)]][column[k % cols]] = true;
  }
  const lit = new Uint8Array(rows * cols);
  for (let k = 0; k < lit.length; k++) {
    const here = reached[row[Math.floor(k / cols)]][column[k % cols]];
    lit[k] = here && patchValue(map, regions, k) >= threshold ? 1 : 0;
  }
  return lit;
}

function onEdge(lit, rows, cols, k) {
  const column = k % cols;
  const row = (k - column) / cols;
  if (!row || !column || row === rows - 1 || column === cols - 1) return true;
  return !(lit[k - 1] && lit[k + 1] && lit[k - cols] && lit[k + cols]);
}
