// The legend of a map, and the colours that it is painted in.
import { rgb } from "./colours.js";
import { $, put } from "./dom.js";

export function legend({ table, threshold, exploration }) {
  const canvas = $("legend");
  const context = canvas.getContext("2d");
  put(canvas.parentElement, "hidden", !!exploration); // hatching has no scale from 0 to 1
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!table) return;
  const last = canvas.width - 1;
  const dark = rgb("--raised");
  for (let x = 0; x <= last; x++) {
    const colour = x / last < threshold ? dark : table[Math.round((255 * x) / last)];
    context.fillStyle = `rgb(${colour.join()})`;
    context.fillRect(x, 0, 1, canvas.height);
  }
  context.fillStyle = `rgb(${rgb("--text").join()})`;
  context.fillRect(Math.round(threshold * last), 0, 1, canvas.height);
}

export function takeColours(view, tables, name) {
  // `tables` holds 256 colours [r, g, b] for each name.
  const table = tables[name];
  const ends = [90, 170, 255].map((k) => `rgb(${table[k].join()})`).join();
  Object.assign(view, { table, tableName: name });
  document.documentElement.style.setProperty("--map", `linear-gradient(90deg, ${ends})`);
}
