// Where the film lies on the screen: a stack viewport of Cornerstone, whose camera every layer of the page follows.
import {
  Enums,
  RenderingEngine,
  cache,
  imageLoader,
  init,
  initTools,
  metaData,
  setUseCPURendering,
} from "../cornerstone.js";
import { utilities } from "../cornerstone.js";
import { drawFilm } from "./paint.js";

const ENGINE = "patch-clip";
const VIEWPORT = "film";
const SCHEME = "film";
const MARGIN = 8; // CSS pixels around a fitted film
const LARGEST_ZOOM = 12; // times the fitted size, or so that a pixel is this large, whichever is more
const films = new Map(); // by image id
let count = 0;

function start() {
  // Drawn by the processor: of a film it is faster than a graphics card that a program imitates, and as fast as needed.
  init({ rendering: { useCPURendering: true, webGlContextCount: 1 } });
  setUseCPURendering(true);
  initTools();
  imageLoader.registerImageLoader(SCHEME, (id) => ({ promise: Promise.resolve(imageOf(id, films.get(id))) }));
  metaData.addProvider((type, id) => (films.has(id) ? moduleOf(type, films.get(id).film) : undefined), 1000);
}

function imageOf(imageId, { film, table }) {
  const { rows, columns, step, limits } = film;
  const voxelManager = utilities.VoxelManager.createImageVoxelManager({
    width: columns,
    height: rows,
    scalarData: new Uint16Array(0), // painted and probed by ourselves, from the levels
    numberOfComponents: 1,
  });
  voxelManager.getRange = () => limits; // in the file's units, as windows are; the pixels need not be searched
  return {
    imageId,
    rows,
    columns,
    width: columns,
    height: rows,
    rowPixelSpacing: step,
    columnPixelSpacing: step,
    color: false,
    rgba: false,
    numberOfComponents: 1,
    invert: false,
    slope: film.slope,
    intercept: film.intercept,
    minPixelValue: 0,
    maxPixelValue: 65535,
    windowCenter: film.model.center,
    windowWidth: Math.max(film.model.width, 2),
    dataType: "Uint16Array",
    sizeInBytes: 2 * rows * columns,
    getPixelData: () => voxelManager.getScalarData(),
    voxelManager,
    render: (enabled) => drawFilm(enabled.canvas, enabled.transform.getMatrix(), film, table()),
  };
}

function moduleOf(type, { rows, columns, step }) {
  // The world of Cornerstone is the radiograph: its millimetres are our pixels, from the upper left corner.
  const modules = {
    imagePixelModule: {
      bitsAllocated: 16,
      bitsStored: 16,
      highBit: 15,
      pixelRepresentation: 0,
      samplesPerPixel: 1,
      photometricInterpretation: "MONOCHROME2",
    },
    imagePlaneModule: {
      rows,
      columns,
      rowCosines: [1, 0, 0],
      columnCosines: [0, 1, 0],
      imageOrientationPatient: [1, 0, 0, 0, 1, 0],
      imagePositionPatient: [0, 0, 0],
      pixelSpacing: [step, step],
      rowPixelSpacing: step,
      columnPixelSpacing: step,
      frameOfReferenceUID: "film",
    },
    generalSeriesModule: { modality: "DX", seriesInstanceUID: "film" },
  };
  return modules[type];
}

export function makeCamera(element, changed) {
  // `changed` hears that the film was drawn, where it lies now. Places on the screen are CSS pixels from the element's corner.
  if (!count++) start();
  const engine = new RenderingEngine(`${ENGINE}-${count}`);
  engine.enableElement({ viewportId: VIEWPORT + count, type: Enums.ViewportType.STACK, element });
  const viewport = engine.getViewport(VIEWPORT + count);
  const place = { x: 0, y: 0, scale: 1, zoom: 1, rotation: 0, flipX: false, flipY: false }; // x, y: at the middle
  let [film, imageId, quiet, laying, turned] = [null, "", false, 0, null];
  let extent = [element.clientWidth, element.clientHeight]; // asked of the browser when it changes, not for every frame

  const box = () => extent;
  const size = () => [film.columns * film.step, film.rows * film.step];

  function fitted() {
    // CSS pixels for a pixel of the radiograph, where all of it is seen.
    const [width, height] = place.rotation % 180 ? size().reverse() : size();
    const [across, down] = box();
    return Math.max(Math.min((across - 2 * MARGIN) / width, (down - 2 * MARGIN) / height), 1e-4);
  }

  function apply() {
    // Tells Cornerstone; its own tools tell us by an event.
    if (!film) return;
    const ratio = window.devicePixelRatio || 1;
    const { canvas } = viewport;
    const [across, down] = box().map((length) => Math.max(1, Math.round(length * ratio)));
    if (canvas.width !== across || canvas.height !== down)
      Object.assign(canvas, { width: across, height: down });
    place.scale = fitted() * place.zoom;
    const [width, height] = size();
    place.x = Math.min(Math.max(place.x, 0), width);
    place.y = Math.min(Math.max(place.y, 0), height);
    quiet = true;
    if (turned !== place.rotation) viewport.setRotation(place.rotation); // dearer than all else that is told
    turned = place.rotation;
    viewport.setCamera({
      flipHorizontal: place.flipX,
      flipVertical: place.flipY,
      scale: place.scale * film.step * ratio,
    });
    viewport.setCamera({ focalPoint: [place.x, place.y, 0] });
    quiet = false;
    viewport.render(); // in the next frame, however often this is called before it
  }

  function moved() {
    // By a tool of Cornerstone, which knows nothing of an edge.
    if (quiet || !film) return;
    [place.x, place.y] = viewport.getCamera().focalPoint;
    apply();
  }

  function matrix() {
    // [a, b, c, d, e, f] as of a canvas: from pixels of the radiograph to CSS pixels of the screen.
    const [across, down] = box();
    const turn = (place.rotation * Math.PI) / 180;
    const [cos, sin] = [Math.round(Math.cos(turn)), Math.round(Math.sin(turn))]; // quarters alone
    const [right, lower] = [
      place.flipX ? -place.scale : place.scale,
      place.flipY ? -place.scale : place.scale,
    ];
    const [a, b, c, d] = [cos * right, sin * right, -sin * lower, cos * lower];
    return [a, b, c, d, across / 2 - a * place.x - c * place.y, down / 2 - b * place.x - d * place.y];
  }

  function toScreen([x, y]) {
    const [a, b, c, d, e, f] = matrix();
    return [a * x + c * y + e, b * x + d * y + f];
  }

  function toImage([left, top]) {
    const [a, b, c, d, e, f] = matrix();
    const [x, y, area] = [left - e, top - f, a * d - b * c];
    return [(d * x - c * y) / area, (a * y - b * x) / area];
  }

  element.addEventListener(Enums.Events.CAMERA_MODIFIED, moved);
  element.addEventListener(Enums.Events.IMAGE_RENDERED, changed);

  return {
    element,
    viewport,
    engine,
    place,
    matrix,
    toScreen,
    toImage,
    film: () => film,
    extent: () => extent, // [width, height] of the element in CSS pixels
    async lay(next, table) {
      // Shows a film of which a level is unpacked; `table` gives the colour of each code.
      const [before, turn] = [imageId, ++laying];
      imageId = `${SCHEME}:${++count}`;
      films.set(imageId, { film: next, table });
      quiet = true;
      await viewport.setStack([imageId]);
      quiet = false;
      if (turn !== laying) return;
      [film, turned] = [next, null];
      if (before) {
        films.delete(before);
        if (cache.getImageLoadObject(before)) cache.removeImageLoadObject(before);
      }
      this.reset();
    },
    paint: () => film && viewport.render(),
    apply,
    resize() {
      extent = [element.clientWidth, element.clientHeight];
      apply();
    },
    reset() {
      if (!film) return;
      const [width, height] = size();
      Object.assign(place, { x: width / 2, y: height / 2, zoom: 1, rotation: 0, flipX: false, flipY: false });
      apply();
    },
    fit() {
      if (!film) return;
      const [width, height] = size();
      Object.assign(place, { x: width / 2, y: height / 2, zoom: 1 });
      apply();
    },
    zoomBy(factor, at = box().map((length) => length / 2)) {
      // What lies at a place of the screen stays there.
      if (!film) return;
      const [x, y] = toImage(at);
      const most = Math.max(LARGEST_ZOOM, LARGEST_ZOOM / fitted());
      place.zoom = Math.min(Math.max(place.zoom * factor, 1), most);
      if (place.zoom === 1) return this.fit();
      place.scale = fitted() * place.zoom;
      const [left, top] = toScreen([x, y]);
      const [toX, toY] = toImage([left - at[0] + box()[0] / 2, top - at[1] + box()[1] / 2]);
      Object.assign(place, { x: toX, y: toY });
      return apply();
    },
    zoomTo(percent) {
      // Of a pixel of the screen for one of the radiograph.
      const wanted = percent / 100 / (window.devicePixelRatio || 1);
      if (film) this.zoomBy(wanted / place.scale);
    },
    percent: () => (film ? 100 * place.scale * (window.devicePixelRatio || 1) : null),
    panBy(right, down) {
      if (!film) return;
      const [across, height] = box();
      const [x, y] = toImage([across / 2 - right, height / 2 - down]);
      Object.assign(place, { x, y });
      apply();
    },
    rotate(degrees) {
      place.rotation = (place.rotation + degrees + 360) % 360;
      apply();
    },
    flip(horizontally) {
      // As the reader sees it, however the film is turned.
      const side = horizontally ? "flipX" : "flipY";
      place[side] = !place[side];
      place.rotation = (360 - place.rotation) % 360;
      apply();
    },
  };
}
