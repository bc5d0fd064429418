// What the pointer does on the canvas: it draws boxes, moves the image, the window and the curtain, and zooms.
const SMALLEST_BOX = 4; // CSS pixels: what is smaller was a click
const GRIP = 14; // CSS pixels beside the curtain at which it is taken hold of
const LARGEST_ZOOM = 12;

export function attachPointer(viewer, onChange) {
  // `onChange` hears of "boxes" and "curtain".
  const { canvas, view } = viewer;
  let drag = null;

  // A box belongs to the reading that it was begun in. Where the reader has gone to another one meanwhile, it is dropped.
  const stray = () => drag.kind === "box" && drag.shapes !== view.shapes;

  function kindOf(event) {
    if (view.drawing) return "box";
    if (event.shiftKey) return "window";
    const place = viewer.frame();
    const x = event.clientX - canvas.getBoundingClientRect().left;
    const held = view.mode === "compare" && Math.abs(x - place.left - place.width * view.curtain) < GRIP;
    return held ? "curtain" : "pan";
  }

  function begin(event) {
    if (!view.picture || event.button) return;
    canvas.setPointerCapture(event.pointerId);
    const { shapes, panX, panY, brightness, contrast } = view;
    const start = viewer.toImage(event);
    const kind = kindOf(event);
    drag = {
      kind,
      start,
      shapes,
      panX,
      panY,
      brightness,
      contrast,
      rectangle: null,
      x: event.clientX,
      y: event.clientY,
    };
  }

  const moves = {
    box(event) {
      const [x, y] = viewer.toImage(event);
      const [fromX, fromY] = drag.start;
      drag.rectangle = [Math.min(x, fromX), Math.min(y, fromY), Math.abs(x - fromX), Math.abs(y - fromY)];
    },
    pan(event) {
      view.panX = drag.panX + event.clientX - drag.x;
      view.panY = drag.panY + event.clientY - drag.y;
    },
    curtain(event) {
      const place = viewer.frame();
      const x = event.clientX - canvas.getBoundingClientRect().left - place.left;
      view.curtain = Math.min(Math.max(x / place.width, 0), 1);
      onChange("curtain");
    },
    window(event) {
      view.brightness = Math.min(Math.max(drag.brightness - (event.clientY - drag.y) / 200, 0.2), 3);
      view.contrast = Math.min(Math.max(drag.contrast + (event.clientX - drag.x) / 200, 0.2), 4);
    },
  };

  function move(event) {
    if (!drag) return;
    if (!stray()) moves[drag.kind](event);
    viewer.drawBox(stray() ? null : drag.rectangle);
  }

  function finish() {
    const box = drag && !stray() ? drag.rectangle : null;
    drag = null;
    viewer.drawBox(null);
    if (!box || Math.min(box[2], box[3]) * viewer.frame().scale <= SMALLEST_BOX) return;
    view.shapes.push({ kind: "box", points: box });
    onChange("boxes");
  }

  function zoom(event) {
    if (!view.picture) return;
    event.preventDefault();
    const before = viewer.toImage(event);
    view.zoom = Math.min(Math.max(view.zoom * Math.exp(-event.deltaY / 600), 1), LARGEST_ZOOM);
    if (view.zoom === 1) Object.assign(view, { panX: 0, panY: 0 });
    else {
      const box = canvas.getBoundingClientRect();
      const place = viewer.frame();
      view.panX += event.clientX - box.left - place.left - before[0] * place.scale;
      view.panY += event.clientY - box.top - place.top - before[1] * place.scale;
    }
    viewer.draw();
  }

  canvas.addEventListener("pointerdown", begin);
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerup", finish);
  canvas.addEventListener("pointercancel", finish);
  canvas.addEventListener("lostpointercapture", finish); // a drag that ends unseen must not hold up what arrives
  canvas.addEventListener("wheel", zoom, { passive: false });
  viewer.dragging = () => !!drag;
}
