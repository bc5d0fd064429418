// What the pointer does beside Cornerstone's tools: it moves the curtain, zooms by the wheel, and resets by a double click.
const GRIP = 14; // CSS pixels beside the curtain at which it is taken hold of
const WHEEL = 600; // units of the wheel that make the film e times larger

export function attachPointer(viewer, onChange) {
  // `onChange` hears that the curtain was moved.
  const { element, view, camera } = viewer;
  let [pressed, curtain] = [false, false];
  let turned = { by: 0, at: null }; // of the wheel, since the last frame

  function begin(event) {
    if (!camera.film()) return;
    viewer.canvas.focus({ preventScroll: true });
    pressed = true;
    if (event.button || view.drawing || view.mode !== "compare") return;
    const [left, , right] = viewer.bounds();
    const [x] = viewer.point(event);
    curtain = Math.abs(x - left - (right - left) * view.curtain) < GRIP;
    if (curtain) element.setPointerCapture(event.pointerId);
  }

  function move(event) {
    if (!curtain) return;
    const [left, , right] = viewer.bounds();
    view.curtain = Math.min(Math.max((viewer.point(event)[0] - left) / (right - left), 0), 1);
    onChange();
  }

  function finish() {
    pressed = curtain = false;
  }

  function zoom(event) {
    if (!camera.film()) return;
    event.preventDefault();
    if (!turned.at) requestAnimationFrame(zoomOnce);
    turned = { by: turned.by + event.deltaY, at: viewer.point(event) };
  }

  function zoomOnce() {
    // Once for a frame, however often the wheel is turned within it.
    const { by, at } = turned;
    turned = { by: 0, at: null };
    camera.zoomBy(Math.exp(-by / WHEEL), at);
  }

  element.addEventListener("pointerdown", begin);
  element.addEventListener("pointermove", move);
  // While the curtain is held, Cornerstone hears of nothing.
  element.addEventListener("mousedown", (event) => curtain && event.stopImmediatePropagation(), {
    capture: true,
  });
  document.addEventListener("pointerup", finish);
  document.addEventListener("pointercancel", finish);
  element.addEventListener("lostpointercapture", finish); // a drag that ends unseen must not hold up what arrives
  element.addEventListener("wheel", zoom, { passive: false });
  element.addEventListener("contextmenu", (event) => event.preventDefault());
  element.addEventListener("dblclick", () => {
    if (view.drawing) return;
    viewer.look.reset();
    viewer.reset();
  });
  viewer.dragging = () => pressed;
}
