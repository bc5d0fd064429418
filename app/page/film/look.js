// By which window each film is shown: the model's at first, then whatever the reader chooses; black and white as they are, or exchanged.
import { Enums } from "../cornerstone.js";
import { tableOf } from "./grey.js";

const looks = new WeakMap(); // of each film: { transform, inverted, table }

export function makeLook(camera) {
  const listeners = new Set();
  let [quiet, telling] = [false, 0];

  function lookOf(film) {
    if (!looks.has(film)) looks.set(film, { transform: film.model, inverted: false, table: null });
    return looks.get(film);
  }

  function tableFor(film) {
    // What a film is painted by.
    const look = lookOf(film);
    look.table ||= tableOf(film, look.transform, look.inverted);
    return look.table;
  }

  function set(film, changes) {
    Object.assign(lookOf(film), changes, { table: null });
    if (film !== camera.film()) return;
    told();
    camera.paint();
  }

  function takeNumbers(center, width) {
    // A window of the reader's own, of the kind that the film was shown by; what was shown by a table has none.
    const kind = lookOf(camera.film()).transform.function;
    set(camera.film(), {
      transform: {
        name: "",
        center,
        width: Math.max(width, kind === "LINEAR" ? 1 : 1e-6),
        function: kind === "TABLE" ? "LINEAR_EXACT" : kind,
      },
    });
  }

  function told() {
    // Cornerstone's own tool starts from here.
    const { center, width } = lookOf(camera.film()).transform;
    quiet = true;
    camera.viewport.setProperties({ voiRange: { lower: center - width / 2, upper: center + width / 2 } });
    quiet = false;
    tell();
  }

  function tell() {
    telling = 0;
    for (const listener of listeners) listener();
  }

  camera.element.addEventListener(Enums.Events.VOI_MODIFIED, ({ detail }) => {
    // Dragged. A window has the numbers of DICOM's linear one; a sigmoid stays one.
    const film = camera.film();
    if (quiet || !film) return;
    const { lower, upper } = detail.range;
    const look = lookOf(film);
    const kind = look.transform.function === "SIGMOID" ? "SIGMOID" : "LINEAR_EXACT";
    const transform = {
      name: "",
      function: kind,
      center: (lower + upper) / 2,
      width: Math.max(upper - lower, 1e-6),
    };
    Object.assign(look, { transform, table: null });
    telling ||= requestAnimationFrame(tell); // once for a frame, however often the pointer has moved
  });

  return {
    tableFor,
    told,
    onChange: (listener) => listeners.add(listener),
    current: () => (camera.film() ? lookOf(camera.film()) : null),
    takeNumbers,
    nudge(wider, higher) {
      // By steps of a fiftieth of the width.
      if (!camera.film()) return;
      const { center, width } = lookOf(camera.film()).transform;
      takeNumbers(center + (higher * width) / 50, width * (1 + wider / 50));
    },
    take: (transform) => camera.film() && set(camera.film(), { transform }),
    invert: () => camera.film() && set(camera.film(), { inverted: !lookOf(camera.film()).inverted }),
    reset: () => camera.film() && set(camera.film(), { transform: camera.film().model, inverted: false }),
  };
}
