// The shapes of the reading on screen as annotations that can be edited, with a history for each reading.
import {
  ToolEnums,
  annotation,
  cancelActiveManipulations,
  eventTarget,
  toolUtilities,
} from "../cornerstone.js";
import { KINDS, annotationOf, moveCorner, moveShape, shapeOf, stretchBox } from "./annotations.js";

const SMALLEST = 4; // CSS pixels: a box that is smaller was a slip of the hand
const MOST_STEPS = 200; // that can be taken back
const histories = new WeakMap(); // of each reading: { past, future }
const { state, selection } = annotation;

export function makeShapes(camera, group, changed) {
  // `changed(reading, shapes)` hears of each edit; the reading is the object that `show` was given.
  const { element, viewport } = camera;
  let reading = null;
  let [shown, laidOn, uids] = ["[]", null, []];

  const ours = () => Object.values(KINDS);
  const size = () => [camera.film().rows * camera.film().step, camera.film().columns * camera.film().step];
  const drawn = () => ours().flatMap((name) => state.getAnnotations(name, element) || []);
  const editing = () => ours().some((name) => group.getToolInstance(name).editData);
  const repaint = () => toolUtilities.triggerAnnotationRenderForViewportIds([viewport.id]);

  function show(next, shapes) {
    // Draws the shapes of a reading, unless they are there. Whatever is being drawn belongs to the reading it was begun in.
    if (!camera.film()) return;
    const wanted = JSON.stringify(shapes);
    const imageId = viewport.getCurrentImageId();
    if (next === reading && wanted === shown && laidOn === imageId) return;
    if (next === reading && laidOn === imageId && editing()) return;
    const kept = selected().map((uid) => uids.indexOf(uid));
    if (editing()) cancelActiveManipulations(element);
    for (const { annotationUID } of drawn()) state.removeAnnotation(annotationUID);
    const same = next === reading;
    [reading, shown, laidOn] = [next, wanted, imageId];
    uids = shapes.map((shape) => state.addAnnotation(annotationOf(shape, viewport), element));
    if (same)
      for (const place of kept) if (uids[place]) selection.setAnnotationSelected(uids[place], true, true);
    repaint();
  }

  function selected() {
    return selection.getAnnotationsSelected().filter((uid) => uids.includes(uid));
  }

  function read() {
    // The shapes as they are on the film now, in the order in which they were begun.
    const now = new Map(drawn().map((one) => [one.annotationUID, one]));
    const order = [
      ...uids.filter((uid) => now.has(uid)),
      ...[...now.keys()].filter((uid) => !uids.includes(uid)),
    ];
    const list = order.map((uid) => ({ uid, shape: shapeOf(now.get(uid), size()) }));
    const slips = list.filter(({ shape }) => isSlip(shape));
    for (const { uid } of slips) state.removeAnnotation(uid);
    uids = list.filter((one) => !slips.includes(one)).map(({ uid }) => uid);
    return list.filter((one) => !slips.includes(one)).map(({ shape }) => shape);
  }

  function isSlip({ kind, points }) {
    if (kind === "polygon") return points.length < 3;
    return kind === "box" && Math.min(points[2], points[3]) * camera.place.scale <= SMALLEST;
  }

  function commit() {
    if (!reading || !camera.film() || editing()) return;
    const shapes = read();
    const now = JSON.stringify(shapes);
    if (now === shown) return repaint();
    remember(JSON.parse(shown));
    shown = now;
    changed(reading, shapes);
  }

  function remember(shapes) {
    const history = historyOf(reading);
    history.past.push(shapes);
    history.past.splice(0, history.past.length - MOST_STEPS);
    history.future.length = 0;
  }

  function replace(shapes) {
    remember(JSON.parse(shown));
    put(shapes);
  }

  function put(shapes) {
    const target = reading;
    changed(target, shapes);
    show(target, shapes);
  }

  function step(from, to) {
    if (!reading) return false;
    const history = historyOf(reading);
    if (editing()) cancel();
    if (!history[from].length) return false;
    history[to].push(JSON.parse(shown));
    put(history[from].pop());
    return true;
  }

  function choose(uid) {
    selection.setAnnotationSelected(uid, true, false);
    repaint();
  }

  function edit(changeOf) {
    // Of what is chosen; what would leave the film stays as it is.
    const chosen = selected();
    if (!chosen.length) return false;
    const [height, width] = size();
    replace(
      JSON.parse(shown).map((shape, place) =>
        chosen.includes(uids[place]) ? inside(changeOf(shape), width, height, shape) : shape,
      ),
    );
    return true;
  }

  function cancel() {
    // What is being drawn is dropped; what is being moved goes back.
    if (!editing()) return false;
    const uid = cancelActiveManipulations(element);
    if (uid && !uids.includes(uid)) state.removeAnnotation(uid);
    const before = shown;
    shown = "";
    show(reading, JSON.parse(before));
    return true;
  }

  const soon = () => setTimeout(commit, 0);
  const { Events } = ToolEnums;
  for (const name of [
    Events.MOUSE_UP,
    Events.MOUSE_CLICK,
    Events.MOUSE_DOUBLE_CLICK,
    Events.TOUCH_END,
    Events.TOUCH_TAP,
  ])
    element.addEventListener(name, soon);
  eventTarget.addEventListener(Events.ANNOTATION_COMPLETED, soon);

  return {
    show,
    cancel,
    selected,
    undo: () => step("past", "future"),
    redo: () => step("future", "past"),
    canUndo: (of) => historyOf(of).past.length > 0,
    canRedo: (of) => historyOf(of).future.length > 0,
    add(shape) {
      // What is new is chosen, so that arrows move it.
      if (!reading) return;
      replace([...JSON.parse(shown), shape]);
      choose(uids.at(-1));
    },
    chooseNone() {
      const chosen = selected();
      for (const uid of chosen) selection.setAnnotationSelected(uid, false);
      if (chosen.length) repaint();
    },
    chooseNext(others) {
      // Of these shapes, and of what else is drawn on the film.
      const list = [...uids, ...others];
      const [now] = selection.getAnnotationsSelected();
      const next = list[(list.indexOf(now) + 1) % list.length];
      if (next) choose(next);
    },
    chosen: () => JSON.parse(shown)[uids.indexOf(selected()[0])] ?? null,
    removeSelected() {
      const gone = selected();
      if (!gone.length) return false;
      replace(JSON.parse(shown).filter((_, place) => !gone.includes(uids[place])));
      return true;
    },
    nudge: (right, down) => edit((shape) => moveShape(shape, right, down)), // by pixels of the radiograph
    stretch: (right, down, by) => edit((shape) => stretchBox(shape, right, down, by)),
    moveCorner: (corner, right, down) => edit((shape) => moveCorner(shape, corner, right, down)),
  };
}

function inside(moved, width, height, before) {
  const points = moved.kind === "polygon" ? moved.points : [moved.points];
  const fits = points.every(([x, y, w = 0, h = 0]) => x >= 0 && y >= 0 && x + w <= width && y + h <= height);
  return fits ? moved : before;
}

function historyOf(reading) {
  if (!histories.has(reading)) histories.set(reading, { past: [], future: [] });
  return histories.get(reading);
}
