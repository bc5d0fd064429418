// Tells the server what the reader does with a case: one event after the other; those that it did not hear are told again with the next.
import { call } from "../server.js";
import { viewer } from "../stage.js";
import { state } from "./state.js";

const MOST_WAITING = 200;
const REST_MS = 800; // a film that is not moved any more
const waiting = [];
let [telling, resting, before] = [false, 0, null];

export function note(kind, detail = {}) {
  const { reading } = state;
  if (!reading) return;
  waiting.push({ assignment: reading.assignment, kind, detail });
  waiting.splice(0, waiting.length - MOST_WAITING);
  tell();
}

async function tell() {
  if (telling) return;
  telling = true;
  try {
    while (waiting.length) {
      await call("study_event", waiting[0]);
      waiting.shift();
    }
  } catch (error) {
    if (error.status && error.status !== 401) waiting.shift(); // the server has heard it, and will not take it
  }
  telling = false;
}

export function followFilm() {
  // Zoom, place and window, each once it has come to rest.
  viewer.onLaid(() => (before = null));
  viewer.onDraw(() => {
    clearTimeout(resting);
    resting = setTimeout(rest, REST_MS);
  });
  viewer.look.onChange(() => {
    clearTimeout(resting);
    resting = setTimeout(rest, REST_MS);
  });
}

function rest() {
  const look = viewer.look.current();
  if (!state.reading || !look || viewer.camera.film() !== state.reading.film) return;
  const { zoom, x, y } = viewer.camera.place;
  const now = {
    zoom: { zoom: rounded(zoom) },
    pan: { x: rounded(x), y: rounded(y) },
    window: {
      center: rounded(look.transform.center),
      width: rounded(look.transform.width),
      inverted: look.inverted,
    },
  };
  for (const kind of before ? Object.keys(now) : [])
    if (JSON.stringify(now[kind]) !== JSON.stringify(before[kind])) note(kind, now[kind]);
  before = now;
}

function rounded(value) {
  return Math.round(value * 100) / 100;
}
