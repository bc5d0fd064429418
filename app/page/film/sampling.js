// Of which pixels of a film a pixel of the screen is made, along one axis: their mean where the film is reduced, linear where it is enlarged.
export const BITS = 14; // of a weight: with the 16 of a code a sum fits a signed integer
export const WHOLE = 1 << BITS;
const SAME = 1e-6;

export function sample({ slope, shift, length, size, count }) {
  // `slope` and `shift` lead from the film's `size` pixels to the `length` of the screen; the film is given as `count` pixels, each at
  // most twice as fine as the screen's. Gives the first pixel of the screen that shows the film, how many do, and for each three
  // neighbours of the `count` with their weights, and the nearest one.
  // 1:1 is each pixel as it is, whatever fraction of one the film was moved by.
  if (Math.abs(Math.abs(slope) - 1) < SAME) [slope, shift] = [Math.sign(slope), Math.round(shift)];
  const [one, other] = [shift, shift + slope * size];
  const start = Math.max(0, Math.ceil(Math.min(one, other) - 0.5));
  const stop = Math.min(length, Math.ceil(Math.max(one, other) - 0.5));
  const number = Math.max(0, stop - start);
  const list = () => new Int32Array(number);
  const axis = {
    start,
    count: number,
    places: [list(), list(), list()],
    weights: [list(), list(), list()],
    nearest: list(),
  };
  const ratio = count / size;
  const width = Math.max(Math.abs(ratio / slope), 1); // of what is averaged; of one pixel it is linear interpolation
  axis.plain = slope === 1 && ratio === 1; // each pixel as it is, in order
  for (let k = 0; k < number; k++) {
    const middle = ((start + k + 0.5 - shift) / slope) * ratio;
    const from = middle - width / 2;
    const begin = Math.floor(from);
    const first = Math.round((Math.min(begin + 1 - from, width) / width) * WHOLE);
    const third = Math.round((Math.max(from + width - begin - 2, 0) / width) * WHOLE);
    const shares = [first, WHOLE - first - third, third];
    for (let n = 0; n < 3; n++) {
      axis.places[n][k] = clamped(begin + n, count);
      axis.weights[n][k] = shares[n];
    }
    axis.nearest[k] = clamped(Math.floor(middle), count);
  }
  return axis;
}

function clamped(place, count) {
  return Math.min(Math.max(place, 0), count - 1);
}

export function extremes({ places, nearest }) {
  // The least and the greatest place that is needed; both ends of the axis have them, whichever way round it lies.
  const ends = [...places, nearest].flatMap((list) => [list[0], list[list.length - 1]]);
  return [Math.min(...ends), Math.max(...ends)];
}
