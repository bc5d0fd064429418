// The canvas: radiograph, overlay, boxes, curtain. Knows nothing of the server.
import { rgb } from "./colours.js";
import { hatch } from "./hatch.js";
import { drawOutlines } from "./outlines.js";
import { paint } from "./overlay.js";

const MARGIN = 8; // CSS pixels around a fitted image
const EMPTY = { key: "", map: null, size: null, picture: null, regions: 0 };

export function makeViewer(canvas) {
  const view = {
    picture: null,
    size: null,
    map: null,
    saliency: null,
    exploration: null, // untested likeness, shown instead of a map
    all: [], // answers whose outlines are shown together
    mode: "map",
    opacity: 0.55,
    threshold: 0.5,
    curtain: 0.5,
    smooth: true,
    outlines: true,
    table: null,
    tableName: "",
    shapes: [], // of the reading on screen
    drawing: false,
    minPatches: 0,
    zoom: 1,
    panX: 0,
    panY: 0,
    brightness: 1,
    contrast: 1,
  };
  const painted = { map: EMPTY, saliency: EMPTY };
  const hatched = { exploration: null, key: "", picture: null };
  let drawn = null; // a box that is being drawn

  function refresh(name) {
    // Paints a map anew if anything that it depends on has changed.
    const map = view[name];
    if (!map || !view.table || !view.size) painted[name] = EMPTY;
    else {
      const { threshold, opacity, smooth, outlines, tableName, minPatches, size } = view;
      const key = [threshold, opacity, smooth, outlines, tableName, minPatches, size].join();
      if (painted[name].map !== map || painted[name].key !== key)
        painted[name] = { key, map, ...paint(map, size, view, rgb("--text")) };
    }
    return painted[name];
  }

  function hatching() {
    const { exploration, opacity, size } = view;
    const key = [opacity, size].join();
    if (hatched.exploration !== exploration || hatched.key !== key)
      Object.assign(hatched, { exploration, key, picture: hatch(exploration, size, opacity) });
    return hatched.picture;
  }

  function frame() {
    // Where the image lies on the canvas, in CSS pixels.
    const box = canvas.getBoundingClientRect();
    const [height, width] = view.size;
    const fit = Math.min((box.width - 2 * MARGIN) / width, (box.height - 2 * MARGIN) / height);
    const scale = fit * view.zoom;
    return {
      scale,
      left: (box.width - width * scale) / 2 + view.panX,
      top: (box.height - height * scale) / 2 + view.panY,
      width: width * scale,
      height: height * scale,
    };
  }

  function draw() {
    const ratio = window.devicePixelRatio || 1;
    const box = canvas.getBoundingClientRect();
    canvas.width = Math.max(1, Math.round(box.width * ratio));
    canvas.height = Math.max(1, Math.round(box.height * ratio));
    if (!view.picture) return;
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const place = frame();
    drawPicture(context, place);
    const map = refresh("map").picture;
    const saliency = refresh("saliency").picture;
    if (view.mode !== "image" && view.exploration) lay(context, hatching(), place);
    else if (view.mode === "map" && map) lay(context, map, place);
    if (view.mode === "map") drawOutlines(context, place, view.all, view.size, view.minPatches);
    if (view.mode === "compare" && !view.exploration) drawCurtain(context, place, map, saliency);
    drawBoxes(context, place);
  }

  function drawPicture(context, place) {
    // The picture is several times larger than a fitted canvas: plain bilinear sampling would alias.
    context.imageSmoothingQuality = "high";
    const plain = view.brightness === 1 && view.contrast === 1;
    context.filter = plain ? "none" : `brightness(${view.brightness}) contrast(${view.contrast})`;
    lay(context, view.picture, place);
    context.filter = "none";
  }

  function drawCurtain(context, place, map, saliency) {
    const edge = place.left + place.width * view.curtain;
    clipped(context, place.left, edge, map, place);
    clipped(context, edge, place.left + place.width, saliency, place);
    context.fillStyle = `rgb(${rgb("--text").join()})`;
    context.fillRect(edge - 1, place.top, 2, place.height);
    context.beginPath();
    context.arc(edge, place.top + place.height / 2, 9, 0, 7);
    context.fill();
  }

  function drawBoxes(context, place) {
    context.lineWidth = 2;
    context.strokeStyle = context.fillStyle = `rgb(${rgb("--accent").join()})`;
    const boxes = view.shapes.filter(({ kind }) => kind === "box").map(({ points }) => points);
    for (const [x, y, w, h] of drawn ? [...boxes, drawn] : boxes) {
      const box = [
        place.left + x * place.scale,
        place.top + y * place.scale,
        w * place.scale,
        h * place.scale,
      ];
      context.globalAlpha = 0.12;
      context.fillRect(...box);
      context.globalAlpha = 1;
      context.strokeRect(...box);
    }
  }

  new ResizeObserver(draw).observe(canvas);

  return {
    canvas,
    view,
    draw,
    frame,
    dragging: () => false, // until pointers are attached
    drawBox(box) {
      drawn = box;
      draw();
    },
    toImage(event) {
      // Where the pointer is, in image pixels, kept inside the image.
      const box = canvas.getBoundingClientRect();
      const place = frame();
      const [height, width] = view.size;
      return [
        Math.min(Math.max((event.clientX - box.left - place.left) / place.scale, 0), width),
        Math.min(Math.max((event.clientY - box.top - place.top) / place.scale, 0), height),
      ];
    },
    reset() {
      Object.assign(view, { zoom: 1, panX: 0, panY: 0, brightness: 1, contrast: 1 });
      draw();
    },
    regions: () => ({ map: refresh("map").regions, saliency: refresh("saliency").regions }),
  };
}

function lay(context, picture, place) {
  context.drawImage(picture, place.left, place.top, place.width, place.height);
}

function clipped(context, from, to, picture, place) {
  if (!picture) return;
  context.save();
  context.beginPath();
  context.rect(from, 0, to - from, 1e5);
  context.clip();
  lay(context, picture, place);
  context.restore();
}
