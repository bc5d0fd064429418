// The film's own tools below it: window, black and white, turning, size; and what stands on the film itself.
import { $, node, put, refill } from "../dom.js";
import { setTitle } from "../key_list.js";
import { isWhole, valueAt } from "./grey.js";
import { magnify, startDrawing, toFilm } from "./actions.js";
import { WHERE } from "./lengths.js";

const ROOM = { above: 0, below: 36 }; // CSS pixels that are covered: by the line below the film
const OWN = "own"; // a window that has no name
const ZOOM_STEP = 1.25;
const WITH_FILM = [
  "flip-x",
  "flip-y",
  "turn-left",
  "turn-right",
  "zoom-out",
  "zoom-in",
  "one-to-one",
  "fit",
  "reset",
  "ruler",
  "ratio",
  "magnify",
];
const listed = { film: null, own: false }; // whose windows are in the list, and whether one without a name is

export function bindPanel(viewer) {
  const { camera, look } = viewer;
  look.onChange(() => renderWindow(viewer));
  viewer.onDraw(() => renderPlace(viewer));
  for (const id of ["center", "width"]) {
    $(id).onchange = () => takeNumbers(viewer);
    $(id).addEventListener("keydown", ({ key }) => {
      if (key === "Enter") toFilm();
    });
  }
  $("shown").onchange = () => viewer.look.take(choices(camera.film())[Number($("shown").value)].transform);
  $("negative").onclick = () => look.invert();
  $("flip-x").onclick = () => camera.flip(true);
  $("flip-y").onclick = () => camera.flip(false);
  $("turn-left").onclick = () => camera.rotate(-90);
  $("turn-right").onclick = () => camera.rotate(90);
  $("zoom-out").onclick = () => camera.zoomBy(1 / ZOOM_STEP);
  $("zoom-in").onclick = () => camera.zoomBy(ZOOM_STEP);
  $("one-to-one").onclick = () => camera.zoomTo(100);
  $("fit").onclick = () => camera.fit();
  $("reset").onclick = () => resetFilm(viewer);
  $("ruler").onclick = () => startDrawing("ruler");
  $("ratio").onclick = () => startDrawing("ratio");
  $("magnify").onclick = magnify;
  bindProbe(viewer);
  renderWindow(viewer);
  renderPlace(viewer);
}

export function resetFilm(viewer) {
  viewer.look.reset();
  viewer.reset();
}

function choices(film) {
  // Every way that a film may be shown in, by name: what the model sees first, then the file's own, then ours.
  if (!film) return [];
  const names = new Map();
  const named = (transform) => {
    // Two windows of a file may be called the same.
    const times = (names.get(transform.name) || 0) + 1;
    names.set(transform.name, times);
    return times > 1 ? `${transform.name} (${times})` : transform.name;
  };
  return [
    { name: $("shown").dataset.first || "as the model sees it", transform: film.model },
    ...film.transforms.map((transform) => ({ name: named(transform), transform })),
    { name: "automatic", transform: film.automatic },
    ...film.presets.map((transform) => ({ name: named(transform), transform })),
  ];
}

function takeNumbers(viewer) {
  const film = viewer.camera.film();
  const [center, width] = [$("center"), $("width")].map((field) => field.valueAsNumber);
  if (!film || !Number.isFinite(center) || !(width > 0)) return renderWindow(viewer);
  return viewer.look.takeNumbers(center, width);
}

function renderWindow({ camera, look }) {
  // Once for each frame of a drag: what is as it was is left alone.
  const film = camera.film();
  const current = look.current();
  for (const id of ["center", "width", "shown", "negative"]) put($(id), "disabled", !film);
  if (!film) return;
  const { transform, inverted } = current;
  const list = choices(film);
  const place = list.findIndex((one) => one.transform === transform);
  if (listed.film !== film || listed.own !== place < 0) {
    Object.assign(listed, { film, own: place < 0 });
    const options = list.map(({ name }, number) => node("option", name, { value: number }));
    if (place < 0) options.unshift(node("option", "own window", { value: OWN }));
    refill($("shown"), options);
  }
  put($("shown"), "value", place < 0 ? OWN : String(place));
  const digits = transform.width < 20 && !Number.isInteger(film.slope) ? 2 : 0;
  put($("center"), "value", transform.center.toFixed(digits));
  put($("width"), "value", transform.width.toFixed(digits));
  put($("negative"), "ariaPressed", String(inverted));
}

function renderPlace(viewer) {
  const { camera } = viewer;
  const film = camera.film();
  const shown = !!film && film === viewer.view.film;
  for (const id of WITH_FILM) put($(id), "disabled", !film);
  put($("zoom"), "textContent", shown ? `${Math.round(camera.percent())} %` : "");
  put($("flip-x"), "ariaPressed", String(camera.place.flipX));
  put($("flip-y"), "ariaPressed", String(camera.place.flipY));
  setTitle($("ruler"), shown ? `Ruler. ${spacingWords(film)}` : "Ruler");
  for (const side of ["left", "right"]) renderSide($(`side-${side}`), viewer, side);
}

export function renderSide(letter, viewer, side, room = ROOM) {
  // On the film, or on one beside it that shows the same place.
  const film = viewer.camera.film();
  const shown = !!film && film === viewer.view.film;
  put(letter, "hidden", !shown);
  if (!shown) return;
  const { text, at, told } = sideOf(viewer, side, room);
  put(letter, "textContent", text);
  put(letter, "title", told ? "" : "The file does not say the sides; this is the usual display.");
  // A transform moves the letter without the page being laid out again.
  letter.style.transform = `translate(${at[0]}px, ${at[1]}px) translate(-50%, -50%)`;
}

export function sideOf(viewer, side, { above, below } = ROOM) {
  // The letter of the patient's side, at the edge of the film at which that side lies now.
  const { view, camera } = viewer;
  const [height, width] = view.size;
  const { patient_left: leftLies, sides_told: told } = view.film;
  const [across, down] = camera.extent();
  const edge = viewer.toScreen([side === "right" ? width : 0, height / 2]);
  const [left, top, right, bottom] = viewer.bounds();
  const at = [
    Math.min(Math.max(edge[0], Math.max(left, 0) + 14), Math.min(right, across) - 14),
    Math.min(Math.max(edge[1], Math.max(top, above) + 14), Math.min(bottom, down - below) - 14),
  ];
  return { text: (leftLies === side ? "L" : "R") + (told ? "" : "?"), at, told };
}

function bindProbe(viewer) {
  // Once for each frame, however often the pointer has moved: words that are written have the page laid out again.
  let [at, asked] = [null, 0];
  const soon = (place) => {
    at = place;
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      const film = viewer.camera.film();
      if (!at) put($("probe"), "textContent", "");
      else if (film && film === viewer.view.film)
        put($("probe"), "textContent", probeWords(viewer, film, at));
    });
  };
  viewer.element.addEventListener("pointermove", (event) => soon(viewer.point(event)));
  viewer.element.addEventListener("pointerleave", () => soon(null));
}

function probeWords(viewer, film, at) {
  // What lies under the pointer: place, grey value in the file's units, the patch's own value.
  const [x, y] = viewer.camera.toImage(at);
  const [height, width] = viewer.view.size;
  if (x < 0 || y < 0 || x >= width || y >= height) return "";
  const value = valueAt(film, x, y);
  const digits = Number.isInteger(film.slope) && Number.isInteger(film.intercept) ? 0 : 2;
  const words = [`x ${Math.floor(x)} y ${Math.floor(y)}`];
  if (isWhole(film)) words.push(value === null ? "shows nothing" : `value ${value.toFixed(digits)}`);
  const patch = patchAt(viewer.view, x, y);
  if (patch !== null) words.push(`patch ${patch.toFixed(2).replace(/^0/, "")}`);
  return words.join(" · ");
}

function patchAt({ map, mode, exploration }, x, y) {
  // The value of the patch that holds a place, as computed; null where there is no map of a finding.
  if (!map || exploration || mode === "image") return null;
  const [x0, y0, x1, y1] = map.extent;
  const row = Math.floor(((y - y0) / (y1 - y0)) * map.values.length);
  const column = Math.floor(((x - x0) / (x1 - x0)) * map.values[0].length);
  return map.values[row]?.[column] ?? null;
}

function spacingWords(film) {
  if (!film.spacing) return "The file says nothing of the length of a pixel: lengths are in pixels.";
  const where = WHERE[film.spacing.place];
  return `A pixel is ${film.spacing.mm.toFixed(3)} mm${where ? ", " + where : ", calibrated"}.`;
}
