// One more film beside the first: the same picture at the same place, under another map, with a threshold of its own.
import { rgb } from "./colours.js";
import { node } from "./dom.js";
import { paint } from "./overlay.js";

const FORWARDED = ["pointerdown", "pointermove", "pointerup", "pointercancel", "wheel"];
const MOUSE = ["mousedown", "mousemove", "mouseup", "dblclick", "contextmenu"];

export function makePane(number, viewer, onChoice, onThreshold) {
  // `onChoice(key)` hears which map it is to show, `onThreshold(value)` that its own slider was moved.
  const section = node("section", undefined, { className: "pane" });
  section.setAttribute("aria-label", `Film ${number}`);
  const canvas = node("canvas");
  canvas.setAttribute("role", "img");
  const head = node("div", undefined, { className: "pane-head" });
  const choice = node("select");
  choice.setAttribute("aria-label", `Map on film ${number}`);
  choice.onchange = () => onChoice(choice.value);
  const slider = node("input", undefined, { type: "range", min: 0.01, max: 1, step: 0.01 });
  slider.setAttribute("aria-label", `Threshold on film ${number}`);
  slider.oninput = () => onThreshold(Number(slider.value));
  const output = node("output");
  output.setAttribute("aria-live", "off");
  const caption = node("p", undefined, { className: "pane-caption" });
  head.append(choice, slider, output);
  section.append(canvas, head, caption);
  forward(canvas, viewer.element);
  let painted = { map: null, key: "" };

  function picture(map, view, size, threshold) {
    const { opacity, smooth, outlines, filled, tableName, minPatches } = view;
    const key = [threshold, opacity, smooth, outlines, filled, tableName, minPatches, size].join();
    if (painted.map !== map || painted.key !== key)
      painted = { map, key, ...paint(map, size, { ...view, threshold }, rgb("--text"), rgb("--film")) };
    return painted;
  }

  return {
    section,
    choice,
    slider,
    output,
    caption,
    canvas,
    regions: (map, view, size, threshold) => picture(map, view, size, threshold).regions,
    draw({ map, threshold, boxes, colour, at }) {
      // `at` is where the pointer is, in pixels of the radiograph, or null.
      const film = viewer.camera.viewport.canvas;
      if (canvas.width !== film.width || canvas.height !== film.height)
        Object.assign(canvas, { width: film.width, height: film.height });
      const context = canvas.getContext("2d");
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      if (!viewer.camera.film()) return;
      context.drawImage(film, 0, 0);
      const { view } = viewer;
      const { ratio, matrix, size, toScreen } = viewer.placement();
      const [height, width] = size;
      context.setTransform(...matrix.map((value) => value * ratio));
      context.imageSmoothingQuality = "medium";
      if (map && !view.hidden)
        context.drawImage(picture(map, view, size, threshold).picture, 0, 0, width, height);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.lineWidth = 2;
      for (const box of view.hidden ? [] : boxes) strokeBox(context, toScreen, box, colour);
      if (at) cross(context, toScreen(at));
    },
  };
}

function strokeBox(context, toScreen, [x, y, w, h], colour) {
  const [a, b] = [toScreen([x, y]), toScreen([x + w, y + h])];
  context.strokeStyle = colour;
  context.strokeRect(
    Math.min(a[0], b[0]),
    Math.min(a[1], b[1]),
    Math.abs(a[0] - b[0]),
    Math.abs(a[1] - b[1]),
  );
}

function cross(context, [x, y]) {
  // Dark beside light, so that it shows on any ground.
  for (const [colour, width] of [
    ["--film", 3],
    ["--text", 1],
  ]) {
    context.strokeStyle = `rgb(${rgb(colour).join()})`;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(x - 12, y);
    context.lineTo(x + 12, y);
    context.moveTo(x, y - 12);
    context.lineTo(x, y + 12);
    context.stroke();
  }
}

function forward(canvas, element) {
  // What the pointer does here it does on the first film, at the same place of it.
  const resend = (event) => {
    const [here, there] = [canvas, element].map((part) => part.getBoundingClientRect());
    if (event.type === "pointerdown") canvas.setPointerCapture(event.pointerId);
    event.preventDefault();
    event.stopPropagation();
    const moved = {
      clientX: event.clientX - here.left + there.left,
      clientY: event.clientY - here.top + there.top,
    };
    element.dispatchEvent(new event.constructor(event.type, copy(event, moved)));
  };
  for (const kind of [...FORWARDED, ...MOUSE]) canvas.addEventListener(kind, resend, { passive: false });
}

function copy(event, changes) {
  const init = { bubbles: true, cancelable: true, composed: true };
  const names = [
    "button",
    "buttons",
    "ctrlKey",
    "shiftKey",
    "altKey",
    "metaKey",
    "detail",
    "deltaX",
    "deltaY",
  ];
  for (const name of [...names, "deltaMode", "pointerId", "pointerType", "isPrimary"])
    init[name] = event[name];
  return { ...init, ...changes };
}
