// Untested likeness as grey hatching: the more alike a patch, the wider the lines. Nothing else on the page looks like it.
import { upsampled } from "./regions.js";

const PERIOD = 9; // pixels of the picture from line to line
const WIDEST = 0.62; // of a period that a line covers at most
const RIM = 0.14; // of a period: a dark line beside each, for bright parts of the picture
const [GREY, DARK] = [
  [205, 205, 205],
  [20, 20, 20],
];

export function hatch({ values, extent, low, high }, size, opacity) {
  const grid = upsampled({ values, extent }, size);
  const picture = document.createElement("canvas");
  picture.width = grid.cols;
  picture.height = grid.rows;
  const context = picture.getContext("2d");
  const pixels = context.createImageData(grid.cols, grid.rows);
  const range = high - low || 1;
  for (let k = 0; k < grid.values.length; k++) {
    const column = k % grid.cols;
    const place = ((column + (k - column) / grid.cols) % PERIOD) / PERIOD;
    const width = (WIDEST * (grid.values[k] - low)) / range;
    const colour = place < width ? GREY : place < width + RIM ? DARK : null;
    if (colour && width > 0.02) pixels.data.set([...colour, Math.round(255 * opacity)], 4 * k);
  }
  context.putImageData(pixels, 0, 0);
  return picture;
}
