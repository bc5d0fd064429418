// What lies over a film: one map from its threshold on, or boxes; and the pointer's cross.
import { rgb } from "./colours.js";
import { pictureOf } from "./overlay.js";

const ARM = 12; // CSS pixels of the cross

export function drawLayer(context, place, layer, view) {
  // `layer` is { map, threshold } or { boxes, colour }, `place` as of the viewer's placement, `view` says how maps are shown.
  if (layer.map) drawPicture(context, place, pictureOf(layer.map, place.size, view, layer.threshold).picture);
  for (const box of layer.boxes || []) strokeBox(context, place, box, layer.colour);
}

export function drawPicture(context, { ratio, matrix, size }, picture) {
  const [height, width] = size;
  context.setTransform(...matrix.map((value) => value * ratio));
  context.imageSmoothingQuality = "medium"; // bilinear: cubic takes three times as long, and shows the same
  context.drawImage(picture, 0, 0, width, height);
}

function strokeBox(context, { ratio, toScreen }, [x, y, w, h], colour) {
  const [a, b] = [toScreen([x, y]), toScreen([x + w, y + h])];
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.lineWidth = 2;
  context.strokeStyle = colour;
  context.strokeRect(
    Math.min(a[0], b[0]),
    Math.min(a[1], b[1]),
    Math.abs(a[0] - b[0]),
    Math.abs(a[1] - b[1]),
  );
}

export function drawCross(context, { ratio, toScreen }, at) {
  // Dark beside light, so that it shows on any ground.
  const [x, y] = toScreen(at);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  for (const [colour, width] of [
    ["--film", 3],
    ["--text", 1],
  ]) {
    context.strokeStyle = `rgb(${rgb(colour).join()})`;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(x - ARM, y);
    context.lineTo(x + ARM, y);
    context.moveTo(x, y - ARM);
    context.lineTo(x, y + ARM);
    context.stroke();
  }
}
