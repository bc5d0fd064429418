// Paints a film at the size of the screen: its codes are averaged or interpolated for each pixel of the screen, then looked up in a table.
// What is not on the screen costs nothing, so that a frame takes as long on a film of any size.
import { OUTSIDE, levelOf } from "./grey.js";
import { BITS, WHOLE, extremes, sample } from "./sampling.js";

const HALF = 1 << (BITS - 1); // rounds a weighted sum
const pictures = new WeakMap(); // canvas -> the pixels that it was painted with last
let lines = new Uint16Array(0); // rows of the film, as wide as on the screen already; the same memory for every frame

export function drawFilm(canvas, matrix, film, table) {
  // The matrix is from the film's own pixels to those of the canvas: quarter turns, flips, one scale and a shift.
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = "#000";
  context.fillRect(0, 0, canvas.width, canvas.height);
  const { across, down, turned, level } = axesOf(canvas, matrix, film);
  if (!across.count || !down.count) return;
  const [width, height] = turned ? [down.count, across.count] : [across.count, down.count];
  const picture = pixelsOf(canvas, width, height);
  fill(new Uint32Array(picture.data.buffer, 0, width * height), {
    across,
    down,
    turned,
    level,
    table,
    outside: film.outside,
  });
  context.putImageData(picture, ...(turned ? [down.start, across.start] : [across.start, down.start]));
}

function axesOf(canvas, [a, b, c, d, e, f], film) {
  // Along the film's rows and down its columns, which on a turned film run down and across the screen.
  const turned = Math.abs(b) > Math.abs(a);
  const scale = Math.hypot(a, b);
  // Half as large as the film, or a quarter and so on, where that has more pixels than the screen still.
  const level = levelOf(film, scale < 1 ? Math.floor(Math.log2(1 / scale)) : 0);
  const [wide, high] = turned ? [canvas.height, canvas.width] : [canvas.width, canvas.height];
  const [along, beyond] = turned ? [f, e] : [e, f];
  const { columns, rows } = film;
  return {
    across: sample({
      slope: turned ? b : a,
      shift: along,
      length: wide,
      size: columns,
      count: level.columns,
    }),
    down: sample({ slope: turned ? c : d, shift: beyond, length: high, size: rows, count: level.rows }),
    turned,
    level,
  };
}

function pixelsOf(canvas, width, height) {
  // While a film grows on the screen each frame has another size, and all have the same memory.
  const before = pictures.get(canvas);
  if (before && before.width === width && before.height === height) return before;
  const bytes = 4 * width * height;
  const memory =
    before && before.data.buffer.byteLength >= bytes ? before.data.buffer : roomFor(canvas, bytes);
  const fresh = new ImageData(new Uint8ClampedArray(memory, 0, bytes), width, height);
  pictures.set(canvas, fresh);
  return fresh;
}

function roomFor({ width, height }, bytes) {
  return new ArrayBuffer(Math.max(bytes, 4 * width * height));
}

function fill(shown, { across, down, turned, level, table, outside }) {
  // First each row of the film that is needed becomes a line as wide as on the screen, then lines are mixed down the film.
  const [top, bottom] = extremes(down);
  const width = across.count;
  if (lines.length < (bottom - top + 1) * width) lines = new Uint16Array((bottom - top + 1) * width);
  const mixRow = across.plain ? copy : outside ? mixInside : mix;
  for (let row = top; row <= bottom; row++)
    mixRow(lines, (row - top) * width, across, level.codes, row * level.columns);
  const look = outside ? lookInside : lookUp;
  for (let k = 0; k < down.count; k++) {
    const start = (place) => (place[k] - top) * width;
    const from = [...down.places.map(start), start(down.nearest)];
    const weights = down.weights.map((list) => list[k]);
    if (turned) look(shown, k, down.count, width, from, weights, table);
    else look(shown, k * width, 1, width, from, weights, table);
  }
}

function copy(target, place, { count, places }, codes, start) {
  const from = start + places[0][0];
  target.set(codes.subarray(from, from + count), place);
}

function mix(target, place, { count, places, weights }, codes, start) {
  const [first, second, third] = places;
  const [one, two, three] = weights;
  for (let k = 0; k < count; k++)
    target[place + k] =
      (one[k] * codes[start + first[k]] +
        two[k] * codes[start + second[k]] +
        three[k] * codes[start + third[k]] +
        HALF) >>
      BITS;
}

function mixInside(target, place, { count, places, weights, nearest }, codes, start) {
  // What shows nothing has no grey value that could be mixed: there the nearest pixel stands as it is.
  const [first, second, third] = places;
  const [one, two, three] = weights;
  for (let k = 0; k < count; k++) {
    const [a, b, c] = [codes[start + first[k]], codes[start + second[k]], codes[start + third[k]]];
    target[place + k] =
      a === OUTSIDE || b === OUTSIDE || c === OUTSIDE
        ? codes[start + nearest[k]]
        : (one[k] * a + two[k] * b + three[k] * c + HALF) >> BITS;
  }
}

function lookUp(shown, place, step, width, [a, b, c], [one, two, three], table) {
  if (one === WHOLE) {
    for (let x = 0; x < width; x++, place += step) shown[place] = table[lines[a + x]];
    return;
  }
  for (let x = 0; x < width; x++, place += step)
    shown[place] = table[(one * lines[a + x] + two * lines[b + x] + three * lines[c + x] + HALF) >> BITS];
}

function lookInside(shown, place, step, width, [a, b, c, nearest], [one, two, three], table) {
  for (let x = 0; x < width; x++, place += step) {
    const [upper, middle, lower] = [lines[a + x], lines[b + x], lines[c + x]];
    const edge = upper === OUTSIDE || middle === OUTSIDE || lower === OUTSIDE;
    const code = edge ? lines[nearest + x] : (one * upper + two * middle + three * lower + HALF) >> BITS;
    shown[place] = table[code];
  }
}
