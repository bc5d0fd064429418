// The canvas: radiograph, overlay, regions, boxes; zoom, pan, window, curtain. Knows nothing of the server.
function makeViewer(canvas, onBoxes) {
  const view = {
    picture: null,
    size: null,
    map: null,
    saliency: null,
    mode: "map",
    opacity: 0.55,
    threshold: 0.5,
    curtain: 0.5,
    smooth: true,
    outlines: true,
    table: null,
    boxes: [],
    drawing: false,
    minPatches: 0,
    zoom: 1,
    panX: 0,
    panY: 0,
    brightness: 1,
    contrast: 1,
  };
  const LONGEST = 512; // overlay resolution: finer than any patch

  function sampled(map) {
    // Map values at overlay pixels: bilinear between patch centres, or the patch itself. Values are never stretched.
    const [height, width] = view.size,
      shrink = Math.min(1, LONGEST / Math.max(height, width));
    const w = Math.max(1, Math.round(width * shrink)),
      h = Math.max(1, Math.round(height * shrink));
    const rows = map.values.length,
      cols = map.values[0].length,
      [x0, y0, x1, y1] = map.extent,
      out = new Float32Array(w * h);
    const clamp = (v, top) => Math.min(Math.max(v, 0), top);
    for (let i = 0; i < h; i++) {
      const r = ((((i + 0.5) / h) * height - y0) / (y1 - y0)) * rows - 0.5,
        ra = clamp(Math.floor(r), rows - 1),
        rb = clamp(Math.floor(r) + 1, rows - 1);
      const fr = clamp(r - Math.floor(r), 1),
        rn = map.values[clamp(Math.round(r), rows - 1)];
      for (let j = 0; j < w; j++) {
        const c = ((((j + 0.5) / w) * width - x0) / (x1 - x0)) * cols - 0.5;
        if (!view.smooth) {
          out[i * w + j] = rn[clamp(Math.round(c), cols - 1)];
          continue;
        }
        const ca = clamp(Math.floor(c), cols - 1),
          cb = clamp(Math.floor(c) + 1, cols - 1),
          fc = c - Math.floor(c);
        const a = map.values[ra][ca] * (1 - fc) + map.values[ra][cb] * fc,
          b = map.values[rb][ca] * (1 - fc) + map.values[rb][cb] * fc;
        out[i * w + j] = a * (1 - fr) + b * fr;
      }
    }
    return { w, h, values: out };
  }

  function overlay(map) {
    const { w, h, values } = sampled(map),
      picture = document.createElement("canvas");
    picture.width = w;
    picture.height = h;
    const context = picture.getContext("2d"),
      pixels = context.createImageData(w, h),
      lit = new Uint8Array(w * h);
    for (let k = 0; k < values.length; k++) lit[k] = values[k] >= view.threshold ? 1 : 0;
    const [x0, y0, x1, y1] = map.extent,
      rows = map.values.length,
      cols = map.values[0].length,
      [height, width] = view.size;
    const patch = ((x1 - x0) / cols) * (w / width) * ((y1 - y0) / rows) * (h / height);
    const regions = dropFragments(lit, w, h, view.minPatches * patch);
    for (let k = 0; k < values.length; k++) {
      if (!lit[k]) continue;
      const colour = view.table[Math.min(255, Math.round(values[k] * 255))];
      pixels.data.set(
        [
          colour[0],
          colour[1],
          colour[2],
          Math.round(255 * view.opacity * Math.min(1, 0.35 + 0.65 * values[k])),
        ],
        4 * k,
      );
    }
    if (view.outlines && view.opacity > 0) {
      for (let i = 0; i < h; i++)
        for (let j = 0; j < w; j++) {
          const k = i * w + j;
          if (
            lit[k] &&
            (!i ||
              !j ||
              i === h - 1 ||
              j === w - 1 ||
              !lit[k - 1] ||
              !lit[k + 1] ||
              !lit[k - w] ||
              !lit[k + w])
          )
            pixels.data.set([230, 233, 237, 235], 4 * k);
        }
    }
    context.putImageData(pixels, 0, 0);
    return { picture, regions };
  }

  function dropFragments(lit, w, h, least) {
    // Number of connected parts of at least so many pixels. Smaller ones are no regions to the library, so they are put out here: what is painted is what is counted.
    const seen = new Uint8Array(lit.length);
    let regions = 0;
    for (let k = 0; k < lit.length; k++) {
      if (!lit[k] || seen[k]) continue;
      const part = [k];
      seen[k] = 1;
      for (let n = 0; n < part.length; n++) {
        const x = part[n] % w,
          y = (part[n] - x) / w;
        for (let dy = -1; dy <= 1; dy++)
          for (let dx = -1; dx <= 1; dx++) {
            const nx = x + dx,
              ny = y + dy,
              q = ny * w + nx;
            if (nx >= 0 && ny >= 0 && nx < w && ny < h && lit[q] && !seen[q]) {
              seen[q] = 1;
              part.push(q);
            }
          }
      }
      if (part.length >= least) regions++;
      else for (const p of part) lit[p] = 0;
    }
    return regions;
  }

  function frame() {
    // Where the image lies on the canvas, in CSS pixels.
    const box = canvas.getBoundingClientRect(),
      [height, width] = view.size;
    const fit = Math.min((box.width - 16) / width, (box.height - 16) / height),
      scale = fit * view.zoom;
    return {
      scale,
      left: (box.width - width * scale) / 2 + view.panX,
      top: (box.height - height * scale) / 2 + view.panY,
      width: width * scale,
      height: height * scale,
    };
  }

  let shown = { key: "", map: null, saliency: null };
  function refresh() {
    const key = [view.threshold, view.opacity, view.smooth, view.outlines, view.tableName].join();
    if (shown.key !== key || shown.of !== view.map)
      shown.map = view.map && view.table ? overlay(view.map) : null;
    if (shown.key !== key || shown.ofSaliency !== view.saliency)
      shown.saliency = view.saliency && view.table ? overlay(view.saliency) : null;
    Object.assign(shown, { key, of: view.map, ofSaliency: view.saliency });
  }

  function draw() {
    const ratio = window.devicePixelRatio || 1,
      box = canvas.getBoundingClientRect();
    canvas.width = Math.max(1, Math.round(box.width * ratio));
    canvas.height = Math.max(1, Math.round(box.height * ratio));
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (!view.picture) return;
    refresh();
    const f = frame();
    context.imageSmoothingQuality = "high"; // the picture is several times larger than a fitted canvas: plain bilinear sampling would alias
    context.filter =
      view.brightness === 1 && view.contrast === 1
        ? "none"
        : `brightness(${view.brightness}) contrast(${view.contrast})`;
    context.drawImage(view.picture, f.left, f.top, f.width, f.height);
    context.filter = "none";
    if (view.mode === "map" && shown.map)
      context.drawImage(shown.map.picture, f.left, f.top, f.width, f.height);
    if (view.mode === "compare") {
      const edge = f.left + f.width * view.curtain;
      clipped(
        context,
        f.left,
        edge,
        () => shown.map && context.drawImage(shown.map.picture, f.left, f.top, f.width, f.height),
      );
      clipped(
        context,
        edge,
        f.left + f.width,
        () => shown.saliency && context.drawImage(shown.saliency.picture, f.left, f.top, f.width, f.height),
      );
      context.fillStyle = "#e6e9ed";
      context.fillRect(edge - 1, f.top, 2, f.height);
      context.beginPath();
      context.arc(edge, f.top + f.height / 2, 9, 0, 7);
      context.fill();
    }
    context.lineWidth = 2;
    context.strokeStyle = "#4fb3d9";
    context.fillStyle = "rgba(79, 179, 217, .12)";
    for (const b of drag && drag.rectangle && !stray() ? [...view.boxes, drag.rectangle] : view.boxes) {
      const r = [f.left + b[0] * f.scale, f.top + b[1] * f.scale, b[2] * f.scale, b[3] * f.scale];
      context.fillRect(...r);
      context.strokeRect(...r);
    }
    function clipped(c, a, b, paint) {
      c.save();
      c.beginPath();
      c.rect(a, 0, b - a, 1e5);
      c.clip();
      paint();
      c.restore();
    }
  }

  function toImage(event) {
    const box = canvas.getBoundingClientRect(),
      f = frame(),
      [height, width] = view.size;
    return [
      Math.min(Math.max((event.clientX - box.left - f.left) / f.scale, 0), width),
      Math.min(Math.max((event.clientY - box.top - f.top) / f.scale, 0), height),
    ];
  }

  let drag = null;
  // A box belongs to the reading that it was begun in. Where the reader has gone to another one meanwhile, it is dropped.
  function stray() {
    return drag.kind === "box" && drag.boxes !== view.boxes;
  }
  canvas.addEventListener("pointerdown", (event) => {
    if (!view.picture || event.button) return;
    canvas.setPointerCapture(event.pointerId);
    const f = frame(),
      x = event.clientX - canvas.getBoundingClientRect().left;
    const kind = view.drawing
      ? "box"
      : event.shiftKey
        ? "window"
        : view.mode === "compare" && Math.abs(x - f.left - f.width * view.curtain) < 14
          ? "curtain"
          : "pan";
    drag = {
      kind,
      boxes: view.boxes,
      rectangle: null,
      x: event.clientX,
      y: event.clientY,
      start: toImage(event),
      panX: view.panX,
      panY: view.panY,
      brightness: view.brightness,
      contrast: view.contrast,
    };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag || stray()) return;
    const dx = event.clientX - drag.x,
      dy = event.clientY - drag.y;
    if (drag.kind === "box") {
      const [x, y] = toImage(event),
        [sx, sy] = drag.start;
      drag.rectangle = [Math.min(x, sx), Math.min(y, sy), Math.abs(x - sx), Math.abs(y - sy)];
    } else if (drag.kind === "pan") {
      view.panX = drag.panX + dx;
      view.panY = drag.panY + dy;
    } else if (drag.kind === "curtain") {
      const f = frame();
      view.curtain = Math.min(
        Math.max((event.clientX - canvas.getBoundingClientRect().left - f.left) / f.width, 0),
        1,
      );
      onBoxes("curtain");
    } else {
      view.brightness = Math.min(Math.max(drag.brightness - dy / 200, 0.2), 3);
      view.contrast = Math.min(Math.max(drag.contrast + dx / 200, 0.2), 4);
    }
    draw();
  });
  const finish = () => {
    const drawn = drag && !stray() && drag.rectangle,
      large = drawn && Math.min(drawn[2], drawn[3]) * frame().scale > 4;
    drag = null;
    if (large) {
      view.boxes.push(drawn);
      onBoxes("boxes");
    }
    draw();
  };
  canvas.addEventListener("pointerup", finish);
  canvas.addEventListener("pointercancel", finish);
  canvas.addEventListener("lostpointercapture", finish); // a drag that ends unseen must not hold up what arrives
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (!view.picture) return;
      event.preventDefault();
      const before = toImage(event),
        zoom = Math.min(Math.max(view.zoom * Math.exp(-event.deltaY / 600), 1), 12);
      view.zoom = zoom;
      if (zoom === 1) {
        view.panX = 0;
        view.panY = 0;
      } else {
        const box = canvas.getBoundingClientRect(),
          f = frame();
        view.panX += event.clientX - box.left - f.left - before[0] * f.scale;
        view.panY += event.clientY - box.top - f.top - before[1] * f.scale;
      }
      draw();
    },
    { passive: false },
  );
  new ResizeObserver(draw).observe(canvas);

  return {
    view,
    draw,
    dragging: () => !!drag,
    reset() {
      Object.assign(view, { zoom: 1, panX: 0, panY: 0, brightness: 1, contrast: 1 });
      draw();
    },
    regions() {
      if (view.picture) refresh();
      return {
        map: shown.map ? shown.map.regions : 0,
        saliency: shown.saliency ? shown.saliency.regions : 0,
      };
    },
  };
}
