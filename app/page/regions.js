// Regions of a map by the library's own rule (patchclip/localize.py): what the page counts is what the library counts.
const WORKING_LENGTH = 512; // regions are traced at this resolution at most: far finer than any patch
const grids = new WeakMap(); // the values of each map, upsampled once
let room = { seen: new Uint8Array(0), queue: new Int32Array(0) }; // of a search, the same for the next one

export function upsampled(map, [height, width]) {
  // Map values at the working resolution: bilinear between patch centres, in single precision as the library has it.
  const before = grids.get(map);
  if (before && before.height === height && before.width === width) return before;
  const reduction = Math.min(1, WORKING_LENGTH / Math.max(height, width));
  const rows = Math.max(1, Math.ceil(height * reduction));
  const cols = Math.max(1, Math.ceil(width * reduction));
  const [x0, y0, x1, y1] = map.extent;
  const across = places(cols, width / cols, x0, x1, map.values[0].length);
  const down = places(rows, height / rows, y0, y1, map.values.length);
  const values = new Float32Array(rows * cols);
  for (let i = 0; i < rows; i++) {
    const upper = map.values[down.before[i]];
    const lower = map.values[down.after[i]];
    for (let j = 0; j < cols; j++) {
      const [left, right, share] = [across.before[j], across.after[j], across.share[j]];
      const top = upper[left] + (upper[right] - upper[left]) * share;
      const bottom = lower[left] + (lower[right] - lower[left]) * share;
      values[i * cols + j] = top + (bottom - top) * down.share[i];
    }
  }
  const patchArea = across.pixelsPerPatch * down.pixelsPerPatch;
  const grid = { height, width, rows, cols, values, patchArea, row: down.nearest, column: across.nearest };
  grids.set(map, grid);
  return grid;
}

export function places(count, step, start, end, patches) {
  // Where the pixels of one axis lie between the patches of that axis.
  const [first, last] = [start / step, end / step];
  const before = new Int32Array(count);
  const after = new Int32Array(count);
  const nearest = new Int32Array(count);
  const share = new Float32Array(count);
  const clamped = (patch) => Math.min(Math.max(patch, 0), patches - 1);
  for (let k = 0; k < count; k++) {
    const place = Math.fround(((k + 0.5 - first) / (last - first)) * patches - 0.5);
    before[k] = clamped(Math.floor(place));
    after[k] = clamped(Math.floor(place) + 1);
    nearest[k] = clamped(Math.round(place));
    share[k] = place - Math.floor(place);
  }
  return { before, after, nearest, share, pixelsPerPatch: (last - first) / patches };
}

export function findRegions(map, size, threshold, minPatches) {
  // The grid, which of its pixels belong to a region, where each begins, the boxes around them in image pixels, and how many there are.
  // Connected parts that are smaller than `minPatches` patches are no regions.
  const grid = upsampled(map, size);
  const lit = litOf(grid.values, Math.fround(threshold));
  const smallest = minPatches * grid.patchArea;
  const tops = []; // [column, row] of the uppermost pixel of each region
  const boxes = [];
  for (const part of parts(lit, grid.rows, grid.cols)) {
    if (part.length >= smallest) {
      tops.push([part[0] % grid.cols, Math.floor(part[0] / grid.cols)]);
      boxes.push(boxAround(part, grid));
    } else for (const pixel of part) lit[pixel] = 0;
  }
  return { ...grid, lit, tops, boxes, count: tops.length };
}

function litOf(values, level) {
  const lit = new Uint8Array(values.length);
  for (let k = 0; k < lit.length; k++) lit[k] = values[k] >= level ? 1 : 0;
  return lit;
}

function boxAround(part, { rows, cols, height, width }) {
  let [left, right, top, bottom] = [cols, 0, rows, 0];
  for (const pixel of part) {
    const column = pixel % cols;
    const row = (pixel - column) / cols;
    [left, right] = [Math.min(left, column), Math.max(right, column)];
    [top, bottom] = [Math.min(top, row), Math.max(bottom, row)];
  }
  const [across, down] = [width / cols, height / rows];
  return [left * across, top * down, (right - left + 1) * across, (bottom - top + 1) * down];
}

function* parts(lit, rows, cols) {
  // The connected parts (8 neighbours), each as a list of pixels, row by row from its uppermost one outwards.
  if (room.seen.length !== lit.length)
    room = { seen: new Uint8Array(lit.length), queue: new Int32Array(lit.length) };
  const { seen, queue } = room;
  seen.fill(0);
  let stop = 0;
  for (let first = 0; first < lit.length; first++) {
    if (!lit[first] || seen[first]) continue;
    const start = stop;
    queue[stop++] = first;
    seen[first] = 1;
    for (let n = start; n < stop; n++) {
      const column = queue[n] % cols;
      const row = (queue[n] - column) / cols;
      const [left, right] = [column ? -1 : 0, column === cols - 1 ? 0 : 1];
      const [top, bottom] = [row ? -1 : 0, row === rows - 1 ? 0 : 1];
      for (let down = top; down <= bottom; down++) {
        const place = queue[n] + down * cols;
        for (let pixel = place + left; pixel <= place + right; pixel++) {
          if (!lit[pixel] || seen[pixel]) continue;
          seen[pixel] = 1;
          queue[stop++] = pixel;
        }
      }
    }
    yield queue.subarray(start, stop);
  }
}
