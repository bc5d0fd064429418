// The place that an answer is limited to, as a faint dashed line around its patches.
const DASH = 6; // CSS pixels
const lines = new WeakMap(); // of each place: its edges in pixels of the radiograph, found once

export function drawPlace(context, { ratio, toScreen }, { patches, extent }) {
  // `patches` [R][C] say which belong to the place, `extent` [left, top, right, bottom] where the grid lies.
  if (!lines.has(patches)) lines.set(patches, edgesOf(patches, extent));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.beginPath();
  for (const [from, to] of lines.get(patches)) {
    context.moveTo(...toScreen(from));
    context.lineTo(...toScreen(to));
  }
  context.lineWidth = 1;
  // Light and dark dashes in turn, which show on any ground.
  for (const [colour, offset] of [
    ["rgb(255 255 255 / 55%)", 0],
    ["rgb(0 0 0 / 55%)", DASH],
  ]) {
    context.setLineDash([DASH, DASH]);
    context.lineDashOffset = offset;
    context.strokeStyle = colour;
    context.stroke();
  }
  context.setLineDash([]);
}

function edgesOf(patches, [left, top, right, bottom]) {
  // Between a patch that belongs to the place and one that does not, or the edge of the grid; runs of them in one line.
  const [rows, cols] = [patches.length, patches[0].length];
  const at = (column, row) => [left + ((right - left) * column) / cols, top + ((bottom - top) * row) / rows];
  const inside = (row, column) => !!(patches[row] && patches[row][column]);
  const edges = [];
  const run = (count, isEdge, place) => {
    for (let k = 0, start = null; k <= count; k++) {
      if (k < count && isEdge(k)) start ??= k;
      else if (start !== null) {
        edges.push([place(start), place(k)]);
        start = null;
      }
    }
  };
  for (let row = 0; row <= rows; row++)
    run(
      cols,
      (column) => inside(row - 1, column) !== inside(row, column),
      (column) => at(column, row),
    );
  for (let column = 0; column <= cols; column++)
    run(
      rows,
      (row) => inside(row, column - 1) !== inside(row, column),
      (row) => at(column, row),
    );
  return edges;
}
