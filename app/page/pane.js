// One more film beside the first: the same picture at the same place, under another map.
import { drawCross, drawLayer } from "./layer.js";
import { node } from "./dom.js";
import { renderSide } from "./film/panel.js";
import { makeHead } from "./heads.js";

const FORWARDED = ["pointerdown", "pointermove", "pointerup", "pointercancel", "wheel"];
const MOUSE = ["mousedown", "mousemove", "mouseup", "dblclick", "contextmenu"];

export function makePane(number, viewer, list, k) {
  // `list` and `k` say where in `compared` the key of its map stands.
  const section = node("section", undefined, { className: "pane" });
  section.setAttribute("aria-label", `Film ${number}`);
  const canvas = node("canvas");
  canvas.setAttribute("role", "img");
  const head = makeHead(`on film ${number}`, list, k);
  const caption = node("p", undefined, { className: "pane-caption" });
  const letters = ["left", "right"].map((side) => [node("div", undefined, { className: "side" }), side]);
  const room = { above: 0, below: 0 }; // CSS pixels that head and caption cover
  const renderLetters = () => letters.forEach(([letter, side]) => renderSide(letter, viewer, side, room));
  const sizes = new ResizeObserver(() => {
    room.above = head.head.offsetTop + head.head.offsetHeight;
    room.below = section.clientHeight - caption.offsetTop;
    renderLetters();
  });
  for (const part of [head.head, caption]) sizes.observe(part);
  section.append(canvas, ...letters.map(([letter]) => letter), head.head, caption);
  forward(canvas, viewer.element);

  return {
    section,
    head,
    caption,
    canvas,
    draw(layer) {
      const film = viewer.camera.viewport.canvas;
      if (canvas.width !== film.width || canvas.height !== film.height)
        Object.assign(canvas, { width: film.width, height: film.height });
      renderLetters();
      const context = canvas.getContext("2d");
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, canvas.width, canvas.height);
      if (!viewer.camera.film()) return;
      context.drawImage(film, 0, 0);
      const place = viewer.placement();
      if (!viewer.view.hidden) drawLayer(context, place, layer, viewer.view);
      if (viewer.view.at) drawCross(context, place, viewer.view.at);
    },
  };
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
