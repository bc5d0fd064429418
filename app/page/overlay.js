// Paints a map as a picture to lay over the radiograph: colours by value, outlines of regions, nothing below the threshold.
import { findRegions } from "./regions.js";

export function paint(map, size, view, light, dark) {
  // The picture and the number of regions; `light` and `dark` are [r, g, b] of the outline, which so shows on any ground.
  const regions = findRegions(map, size, view.threshold, view.minPatches);
  const { rows, cols } = regions;
  const lit = view.smooth ? regions.lit : wholePatches(map, regions, view.threshold);
  const picture = document.createElement("canvas");
  picture.width = cols;
  picture.height = rows;
  const context = picture.getContext("2d");
  const pixels = context.createImageData(cols, rows);
  for (let k = 0; view.filled && k < lit.length; k++) {
    if (!lit[k]) continue;
    const value = view.smooth ? regions.values[k] : patchValue(map, regions, k);
    const colour = view.table[Math.min(255, Math.round(value * 255))];
    const cover = view.opacity * Math.min(1, 0.35 + 0.65 * value);
    pixels.data.set([...colour, Math.round(255 * cover)], 4 * k);
  }
  if (view.outlines || !view.filled) {
    const edge = lit.map((on, k) => (on && onEdge(lit, rows, cols, k) ? 1 : 0));
    for (let k = 0; k < lit.length; k++) {
      if (edge[k]) pixels.data.set([...light, 255], 4 * k);
      else if (lit[k] && (edge[k - 1] || edge[k + 1] || edge[k - cols] || edge[k + cols]))
        pixels.data.set([...dark, 255], 4 * k);
    }
  }
  context.putImageData(pixels, 0, 0);
  return { picture, regions: regions.count };
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
