// The grey values of a film: unpacked from what the server sends, at full size and averaged, for any zoom. Of a large film a preview
// comes first, averaged as it is shown where it fits the screen.
export const OUTSIDE = 65535; // the code of a pixel that shows nothing, in a film that has such pixels
const CODES = 65536;

const SMALLEST_LEVEL = 400; // pixels along the shorter side: no screen shows a film smaller

let fresh = { packed: null, bytes: null }; // what came last: most often it is shown at once

export function packedOf(bytes) {
  // Deflated codes as a Blob; to read the last one for the first time, it need not be fetched from the browser again.
  fresh = { packed: new Blob([bytes]), bytes };
  return fresh.packed;
}

export function makeFilm(about, packed, preview = null) {
  // `about` is the server's description, `packed` the deflated codes as a Blob, which the browser keeps out of the way, or a promise of
  // it; `preview` is { level, bytes }: the film halved so often.
  const [rows, columns] = about.size;
  return { ...about, rows, columns, packed, preview, levels: null, unpacking: null };
}

export async function unpackFirst(film) {
  // What can be shown soonest.
  if (film.levels || !film.preview) return film.levels ? film : unpack(film);
  const { level, bytes } = film.preview;
  film.preview = null;
  const first = await codesIn(bytes, film.rows >> level, film.columns >> level);
  film.levels ||= [];
  film.levels[level] ||= first;
  return film;
}

export async function unpack(film) {
  // Fills `levels`; each is { rows, columns, codes }, half as large as the one before.
  if (isWhole(film)) return film;
  film.unpacking ||= unpacked(film).finally(() => (film.unpacking = null));
  return film.unpacking;
}

export function isWhole({ levels }) {
  // Whether every pixel is there.
  return !!levels && !!levels[0];
}

export function release(film) {
  film.levels = null; // the packed codes stay
}

async function unpacked(film) {
  const whole = await codesIn(await film.packed, film.rows, film.columns);
  film.levels ||= [];
  film.levels[0] = whole;
  // Made now, or the first frame at each zoom would wait for its level.
  const shorter = Math.min(film.rows, film.columns);
  levelOf(film, Math.max(0, Math.ceil(Math.log2(shorter / SMALLEST_LEVEL))));
  return film;
}

async function codesIn(packed, rows, columns) {
  const halves = await inflated(packed, 2 * rows * columns);
  return { rows, columns, codes: codesOf({ rows, columns }, halves) };
}

async function inflated(packed, length) {
  // Into memory that is as large as it will be: put together at the end it would take twice as long.
  const reader = streamOf(packed).pipeThrough(new DecompressionStream("deflate")).getReader();
  const bytes = new Uint8Array(length);
  for (let place = 0; ;) {
    const { done, value } = await reader.read();
    if (done && place < length) throw new Error("the film is cut off");
    if (done) return bytes;
    bytes.set(value, place);
    place += value.length;
  }
}

function streamOf(packed) {
  // A Blob, or bytes.
  if (packed instanceof Uint8Array) return streamOfBytes(packed);
  if (packed !== fresh.packed) return packed.stream();
  const { bytes } = fresh;
  fresh = { packed: null, bytes: null };
  return streamOfBytes(bytes);
}

function streamOfBytes(bytes) {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
}

function codesOf({ rows, columns }, halves) {
  // The low bytes of all differences between neighbours in a row, then the high bytes, signs last: see app/film.py.
  const count = rows * columns;
  const codes = new Uint16Array(count);
  let place = 0;
  for (let row = 0; row < rows; row++) {
    let code = 0;
    for (const end = place + columns; place < end; place++) {
      const written = halves[place] + (halves[count + place] << 8);
      code = (code + ((written >> 1) ^ -(written & 1))) & 65535;
      codes[place] = code;
    }
  }
  return codes;
}

export function levelOf(film, number) {
  // The film averaged `number` times over 2 x 2 pixels; until all of it is there, its preview where that is coarser.
  const { levels, outside } = film;
  const finest = levels.findIndex(Boolean);
  for (let k = finest; k < number; k++) levels[k + 1] ||= halved(levels[k], outside);
  return levels[Math.max(number, finest)];
}

function halved({ rows, columns, codes }, outside) {
  const [lower, fewer] = [Math.max(1, rows >> 1), Math.max(1, columns >> 1)];
  const mean = new Uint16Array(lower * fewer);
  const [down, right] = [rows > 1 ? columns : 0, columns > 1 ? 1 : 0];
  for (let row = 0, place = 0; row < lower; row++) {
    let from = 2 * row * columns;
    for (let column = 0; column < fewer; column++, place++, from += 2) {
      const [a, b, c, d] = [codes[from], codes[from + right], codes[from + down], codes[from + down + right]];
      mean[place] = outside ? meanInside(a, b, c, d) : (a + b + c + d + 2) >> 2;
    }
  }
  return { rows: lower, columns: fewer, codes: mean };
}

function meanInside(a, b, c, d) {
  // Of the pixels that show something; half of them must.
  let [sum, inside] = [a + b + c + d, 4];
  if (a === OUTSIDE) [sum, inside] = [sum - a, inside - 1];
  if (b === OUTSIDE) [sum, inside] = [sum - b, inside - 1];
  if (c === OUTSIDE) [sum, inside] = [sum - c, inside - 1];
  if (d === OUTSIDE) [sum, inside] = [sum - d, inside - 1];
  return inside < 2 ? OUTSIDE : Math.round(sum / inside);
}

export function valueAt(film, x, y) {
  // The value in the file's units at a place in pixels of the radiograph; null where nothing was measured.
  const [column, row] = [Math.floor(x / film.step), Math.floor(y / film.step)];
  if (!isWhole(film) || column < 0 || row < 0 || column >= film.columns || row >= film.rows) return null;
  const code = film.levels[0].codes[row * film.columns + column];
  return film.outside && code === OUTSIDE ? null : film.slope * code + film.intercept;
}

export function greyOf({ function: kind, center, width, first, largest, entries }, value) {
  // A value in the file's units as grey in [0, 1], by a VOI LUT or window as patchclip/image/voi.py has them.
  if (kind === "TABLE") {
    const place = Math.min(Math.max(rounded(value) - first, 0), entries.length - 1);
    return entries[place] / largest;
  }
  if (kind === "SIGMOID")
    return 1 / (1 + Math.exp(Math.min(Math.max((-4 * (value - center)) / width, -500), 500)));
  if (kind === "LINEAR_EXACT") return clamped((value - center) / width + 0.5);
  const middle = center - 0.5;
  return width === 1 ? Number(value > middle) : clamped((value - middle) / (width - 1) + 0.5);
}

function rounded(value) {
  // Halves to the even number, as NumPy does.
  const whole = Math.round(value);
  return Math.abs(value % 1) === 0.5 && whole % 2 ? whole - 1 : whole;
}

function clamped(grey) {
  return Math.min(Math.max(grey, 0), 1);
}

export function tableOf(film, transform, inverted) {
  // What colour each code is shown in: 65,536 pixels as a canvas has them, black where nothing was measured.
  const bytes = new Uint8ClampedArray(4 * CODES);
  const turned = film.inverse !== inverted;
  const last = Math.min(CODES - 1, Math.ceil(Math.abs((film.limits[1] - film.limits[0]) / film.slope)) + 1);
  const start = firstCode(film);
  for (let code = start; code <= start + last && code < CODES; code++) {
    const grey = greyOf(transform, film.slope * code + film.intercept);
    const shown = Math.round(255 * (turned ? 1 - grey : grey));
    bytes[4 * code] = bytes[4 * code + 1] = bytes[4 * code + 2] = shown;
    bytes[4 * code + 3] = 255;
  }
  if (film.outside) bytes.set([0, 0, 0, 255], 4 * OUTSIDE);
  return new Uint32Array(bytes.buffer);
}

function firstCode({ limits, slope, intercept }) {
  return Math.max(0, Math.floor(Math.min((limits[0] - intercept) / slope, (limits[1] - intercept) / slope)));
}
