// How well a map agrees with boxes, and at which threshold it lights as much as another: by the definitions of patchclip.evaluate, at the
// resolution at which regions are traced. Knows nothing of the page.
import { findRegions, places, upsampled } from "./regions.js";

const HIT = 0.1; // a region whose own box lies within a box by more than this share hits it (intersection over detected box)

const known = new WeakMap(); // of each map, the last answer to each question: all that is on screen asks again with every frame

function once(map, question, given, answer) {
  const key = JSON.stringify(given);
  const answers = known.get(map) || {};
  known.set(map, answers);
  if (!answers[question] || answers[question].key !== key) answers[question] = { key, said: answer() };
  return answers[question].said;
}

export function measure(map, size, threshold, minPatches, boxes) {
  // `boxes` are [x, y, w, h] in image pixels. Gives `pointing` (whether the brightest place lies in one), `iou` of what is lit with their
  // union, `covered` (share of their union that is lit), `falsePositives` (regions that hit none), and `regions`.
  const given = [size, threshold, minPatches, boxes];
  return once(map, "measure", given, () => measured(map, size, threshold, minPatches, boxes));
}

function measured(map, size, threshold, minPatches, boxes) {
  const found = findRegions(map, size, threshold, minPatches);
  const place = once(map, "brightest", size, () => brightest(map, size));
  const mask = boxMask(boxes, found);
  let [both, either, inside] = [0, 0, 0];
  for (let k = 0; k < mask.length; k++) {
    both += mask[k] & found.lit[k];
    either += mask[k] | found.lit[k];
    inside += mask[k];
  }
  const hits = (region) => boxes.some((box) => shared(region, box) / (region[2] * region[3]) > HIT);
  return {
    pointing: !!place && boxes.some((box) => lies(place, box)),
    iou: either ? both / either : 0,
    covered: inside ? both / inside : 0,
    falsePositives: found.boxes.filter((region) => !hits(region)).length,
    regions: found.count,
  };
}

export function litArea(map, size, threshold) {
  // Pixels at the threshold or above, whether they are enough for a region or not.
  const level = Math.fround(threshold);
  return once(map, "area", [size, threshold], () => {
    let area = 0;
    for (const value of upsampled(map, size).values) if (value >= level) area++;
    return area;
  });
}

export function matchedThreshold(map, size, area) {
  // The threshold at which a map lights as many pixels, or as few more as equal values allow; above its highest value where none is lit.
  const sorted = once(map, "sorted", size, () => Float32Array.from(upsampled(map, size).values).sort());
  const highest = sorted[sorted.length - 1];
  return area ? sorted[Math.max(0, sorted.length - area)] : Math.min(1, highest * 1.001 + 1e-6);
}

function boxMask(boxes, { rows, cols, height, width }) {
  // A pixel belongs if its centre lies inside.
  const mask = new Uint8Array(rows * cols);
  for (const [x, y, w, h] of boxes) {
    const [left, right] = pixels(x, w, width / cols, cols);
    const [top, bottom] = pixels(y, h, height / rows, rows);
    for (let row = top; row < bottom; row++) mask.fill(1, row * cols + left, row * cols + right);
  }
  return mask;
}

function pixels(start, length, step, count) {
  // Of one axis: the first pixel whose centre lies in [start, start + length), and the one after the last.
  const place = (edge) => Math.min(Math.max(Math.ceil(edge / step - 0.5), 0), count);
  return [place(start), Math.max(place(start), place(start + length))];
}

function brightest(map, [height, width]) {
  // The first of the brightest pixels of the image, [column, row], or null for a map of one value. Between four patches the map is linear
  // along either axis, so that only the outermost pixels of each such cell come into question.
  const [x0, y0, x1, y1] = map.extent;
  const across = places(width, 1, x0, x1, map.values[0].length);
  const down = places(height, 1, y0, y1, map.values.length);
  const columns = outermost(across);
  let [best, highest, lowest] = [null, -Infinity, Infinity];
  for (const row of outermost(down)) {
    const [upper, lower] = [map.values[down.before[row]], map.values[down.after[row]]];
    for (const column of columns) {
      const [left, right, share] = [across.before[column], across.after[column], across.share[column]];
      const top = upper[left] + (upper[right] - upper[left]) * share;
      const bottom = lower[left] + (lower[right] - lower[left]) * share;
      const value = Math.fround(top + (bottom - top) * down.share[row]);
      if (value > highest) [best, highest] = [[column, row], value];
      lowest = Math.min(lowest, value);
    }
  }
  return highest > lowest ? best : null;
}

function outermost({ before, after }) {
  // Of one axis: the first and the last pixel between each two patches, in order.
  const same = (k, n) => before[k] === before[n] && after[k] === after[n];
  return [...before.keys()].filter((k) => !(k && same(k, k - 1) && k + 1 < before.length && same(k, k + 1)));
}

function lies([column, row], [x, y, w, h]) {
  const within = (k, start, length) => k >= Math.ceil(start - 0.5) && k < Math.ceil(start + length - 0.5);
  return within(column, x, w) && within(row, y, h);
}

function shared([x, y, w, h], [left, top, wide, high]) {
  const across = Math.min(x + w, left + wide) - Math.max(x, left);
  const down = Math.min(y + h, top + high) - Math.max(y, top);
  return Math.max(0, across) * Math.max(0, down);
}
