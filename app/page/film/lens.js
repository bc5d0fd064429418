// A magnifier: the film under the pointer three times as large, without the map.
import { drawFilm } from "./paint.js";

const RADIUS = 110; // CSS pixels
const TIMES = 3;

export function makeLens(viewer) {
  const canvas = document.createElement("canvas");
  canvas.className = "lens";
  canvas.hidden = true;
  canvas.setAttribute("aria-hidden", "true");
  viewer.element.after(canvas);
  let [on, at] = [false, null];

  function draw() {
    const film = viewer.camera.film();
    canvas.hidden = !on || !at || !film;
    if (canvas.hidden) return;
    const ratio = window.devicePixelRatio || 1;
    const size = Math.round(2 * RADIUS * ratio);
    if (canvas.width !== size) Object.assign(canvas, { width: size, height: size });
    Object.assign(canvas.style, { left: `${at[0] - RADIUS}px`, top: `${at[1] - RADIUS}px` });
    const [a, b, c, d, e, f] = viewer.camera.matrix();
    const larger = (value) => value * TIMES * ratio * film.step;
    const moved = (value, place) => ((value - place) * TIMES + RADIUS) * ratio;
    drawFilm(
      canvas,
      [larger(a), larger(b), larger(c), larger(d), moved(e, at[0]), moved(f, at[1])],
      film,
      viewer.look.tableFor(film),
    );
  }

  viewer.element.addEventListener("pointermove", (event) => {
    at = viewer.point(event);
    if (on) draw();
  });
  viewer.element.addEventListener("pointerleave", () => {
    at = null;
    if (on) draw();
  });
  viewer.onDraw(() => on && draw());

  return {
    toggle() {
      on = !on;
      at ??= viewer.camera.extent().map((length) => length / 2); // without a pointer: the middle
      draw();
      return on;
    },
  };
}
