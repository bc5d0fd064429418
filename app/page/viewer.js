// The film on screen: grey values, maps over them, shapes and rulers over those. Knows nothing of the server.
import { rgb } from "./colours.js";
import { TOOLS, setColours } from "./film/annotations.js";
import { makeCamera } from "./film/camera.js";
import { makeLook } from "./film/look.js";
import { makeShapes } from "./film/shapes.js";
import { makeTools } from "./film/tools.js";
import { release, unpack, unpackFirst } from "./film/grey.js";
import { lengthWords } from "./film/lengths.js";
import { hatch } from "./hatch.js";
import { drawCross, drawLayer, drawPicture } from "./layer.js";
import { drawOutlines } from "./outlines.js";
import { pictureOf } from "./overlay.js";
import { drawPlace } from "./place.js";

const EMPTY = { picture: null, regions: 0 };
const MOST_UNPACKED = 3; // films whose codes stay unpacked: going back and forth between two is immediate

export function makeViewer(element, canvas, onEdit = () => {}) {
  // `onEdit(reading, shapes)` hears of shapes that were drawn or changed.
  const view = {
    film: null,
    size: null,
    map: null,
    sides: [{}, {}], // what is compared: as of layer.js, left and right of the curtain
    at: null, // where the pointer is, in pixels of the radiograph, if a cross is to be drawn there
    exploration: null, // untested likeness, shown instead of a map
    place: null, // that the answer is limited to: { patches, extent }
    all: [], // answers whose outlines are shown together
    mode: "map",
    opacity: 0.55,
    threshold: 0.5,
    curtain: 0.5,
    smooth: true,
    outlines: true,
    filled: true, // or the outlines alone
    hidden: false, // while a key is held
    table: null,
    tableName: "",
    reading: {}, // whose shapes are on screen
    shapes: [],
    drawing: false, // or what the left button draws: "box", "point", "polygon", "ruler", "ratio"
    corner: null, // of the chosen polygon, by its place, that keys move
    held: null, // what a held key has the left button do instead
    minPatches: 0,
  };
  const hatched = { exploration: null, key: "", picture: null };
  const listeners = new Set();
  const laid = new Set();
  let showing = null; // the work of showing `view.film`
  const unpacked = []; // the film that was shown last comes first

  const camera = makeCamera(element, drawOverlay);
  const look = makeLook(camera);
  const { group, take } = makeTools(camera, (...ends) => lengthWords(view.film, ...ends));
  const shapes = makeShapes(camera, group, onEdit);
  element.querySelector(".cornerstone-canvas").after(canvas); // below what is drawn

  function painted() {
    const { map, table, size, threshold } = view;
    return map && table && size ? pictureOf(map, size, view, threshold) : EMPTY;
  }

  function hatching() {
    const { exploration, opacity, size } = view;
    const key = [opacity, size].join();
    if (hatched.exploration !== exploration || hatched.key !== key)
      Object.assign(hatched, { exploration, key, picture: hatch(exploration, size, opacity) });
    return hatched.picture;
  }

  function draw() {
    setColours({ line: css("--accent"), selected: css("--amber"), text: css("--text") });
    if (!view.held) take((view.drawing === "ratio" ? "ruler" : view.drawing) || "pan");
    if (camera.film() === view.film) shapes.show(view.reading, view.shapes);
    drawOverlay();
  }

  function drawOverlay() {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = camera.extent().map((length) => Math.round(length * ratio));
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (const listener of listeners) listener();
    if (!camera.film() || camera.film() !== view.film || view.hidden) return;
    const place = placement();
    const { picture } = painted();
    if (view.mode !== "image" && view.exploration) drawPicture(context, place, hatching());
    else if (view.mode === "map" && picture) drawPicture(context, place, picture);
    if (view.mode !== "image" && view.place) drawPlace(context, place, view.place);
    if (view.mode === "map") drawOutlines(context, place, view.all, view.size, view.minPatches);
    if (view.mode === "compare" && !view.exploration && view.table) drawCurtain(context, place);
    if (view.at) drawCross(context, place, view.at);
    const chosen = view.corner === null ? null : shapes.chosen();
    if (chosen?.kind === "polygon" && chosen.points[view.corner])
      drawCross(context, place, chosen.points[view.corner]);
  }

  function placement() {
    // What other layers need to draw in pixels of the radiograph or of the screen.
    const ratio = window.devicePixelRatio || 1;
    return { ratio, matrix: camera.matrix(), toScreen: camera.toScreen, size: view.size };
  }

  function bounds() {
    // The film's edges on the screen: [left, top, right, bottom].
    const [height, width] = view.size;
    const [a, b] = [camera.toScreen([0, 0]), camera.toScreen([width, height])];
    return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])];
  }

  function drawCurtain(context, place) {
    const { ratio } = place;
    const [left, top, right, bottom] = bounds();
    const edge = left + (right - left) * view.curtain;
    for (const [layer, from, to] of [
      [view.sides[0], left, edge],
      [view.sides[1], edge, right],
    ]) {
      context.save();
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.beginPath();
      context.rect(from, 0, to - from, camera.extent()[1]);
      context.clip();
      drawLayer(context, place, layer, view);
      context.restore();
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = css("--text");
    context.fillRect(edge - 1, top, 2, bottom - top);
    context.beginPath();
    context.arc(edge, (top + bottom) / 2, 9, 0, 7);
    context.fill();
  }

  function show(film) {
    // Shows a film as soon as some of it is unpacked, then all of it, unless another was asked for meanwhile; the one that is there stays
    // as it is.
    if (view.film !== film || !showing) showing = showAnew(film);
    return showing;
  }

  async function showAnew(film) {
    view.film = film;
    element.style.visibility = camera.film() === film ? "" : "hidden"; // another study's film is not this one's
    await unpackFirst(film);
    if (view.film !== film) return;
    unpacked.splice(0, unpacked.length, film, ...unpacked.filter((other) => other !== film));
    for (const old of unpacked.splice(MOST_UNPACKED)) release(old);
    await camera.lay(film, () => look.tableFor(film));
    if (view.film !== film) return;
    element.style.visibility = "";
    look.told();
    draw();
    for (const listener of laid) listener();
    await unpack(film);
    if (view.film === film) camera.paint();
  }

  function clear() {
    // No film, until another one comes.
    [view.film, showing] = [null, null];
    element.style.visibility = "hidden";
    drawOverlay();
  }

  let pointed = { event: null, at: null };
  const point = (event) => {
    // Many listen to one event: the browser is asked once where the film lies.
    if (pointed.event === event) return pointed.at;
    const box = element.getBoundingClientRect();
    pointed = { event, at: [event.clientX - box.left, event.clientY - box.top] };
    return pointed.at;
  };
  new ResizeObserver(() => camera.resize()).observe(element);
  // Cornerstone keeps each key that it hears from the browser, Tab too: it hears the one that its bindings know.
  element.addEventListener("keydown", (event) => event.key !== "Shift" && event.stopPropagation(), {
    capture: true,
  });

  return {
    canvas,
    element,
    view,
    camera,
    look,
    shapes,
    draw,
    drawOverlay,
    show,
    clear,
    take,
    bounds,
    placement,
    point,
    onDraw: (listener) => listeners.add(listener),
    onLaid: (listener) => laid.add(listener),
    editing: (kind) => !!group.getToolInstance(TOOLS[kind].toolName).editData,
    dragging: () => false, // until pointers are attached
    toScreen: camera.toScreen,
    toImage(event) {
      // Where the pointer is, in pixels of the radiograph, kept inside it.
      const [height, width] = view.size;
      const [x, y] = camera.toImage(point(event));
      return [Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)];
    },
    reset: () => camera.reset(),
    regions: () => painted().regions, // of the map, at its threshold
    snapshot() {
      // Film and overlay as they are on screen, on a canvas of its own.
      const picture = document.createElement("canvas");
      Object.assign(picture, { width: canvas.width, height: canvas.height });
      const context = picture.getContext("2d");
      context.drawImage(camera.viewport.canvas, 0, 0);
      context.drawImage(canvas, 0, 0);
      return picture;
    },
  };
}

function css(variable) {
  return `rgb(${rgb(variable).join()})`;
}
