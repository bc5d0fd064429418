// A point of a reading is there when the button is let go: Cornerstone first waits for a second click, and what is saved meanwhile would
// lack it.
const NEAR = 10; // CSS pixels at which what is drawn already is taken hold of

export function attachPoints(viewer) {
  const { element, view, camera, shapes } = viewer;
  let pressed = false;

  function begin(event) {
    const other = event.button || event.shiftKey || view.held || view.drawing !== "point";
    const touched = event.sourceCapabilities?.firesTouchEvents; // a finger, which Cornerstone has heard already
    const second = event.detail > 1; // of two clicks is no second point
    if (other || touched || !camera.film() || (!second && isNearHandle(event))) return;
    event.stopImmediatePropagation();
    pressed = !second;
  }

  function isNearHandle(event) {
    const [left, top] = viewer.point(event);
    return view.shapes.flatMap(handlesOf).some((place) => {
      const [x, y] = camera.toScreen(place);
      return Math.hypot(x - left, y - top) < NEAR;
    });
  }

  function finish(event) {
    if (pressed) shapes.add({ kind: "point", points: viewer.toImage(event) });
    pressed = false;
  }

  element.addEventListener("mousedown", begin, { capture: true });
  document.addEventListener("mouseup", finish);
}

function handlesOf({ kind, points }) {
  if (kind === "point") return [points];
  if (kind === "polygon") return points;
  const [x, y, w, h] = points;
  return [
    [x, y],
    [x + w, y],
    [x, y + h],
    [x + w, y + h],
  ];
}
