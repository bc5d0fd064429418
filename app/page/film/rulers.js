// Rulers on the film, and the cardiothoracic ratio of two of them: for the eye alone, stored nowhere.
import {
  ToolEnums,
  annotation,
  cancelActiveManipulations,
  eventTarget,
  toolUtilities,
} from "../cornerstone.js";
import { TOOLS } from "./annotations.js";
import { lengthOf } from "./lengths.js";

const NAME = TOOLS.ruler.toolName;
const PARTS = ["heart", "thorax"]; // in the order in which they are drawn
const SHORTEST = 4; // CSS pixels
const { state, selection } = annotation;
const rulersOf = new WeakMap(); // of each film: [{ ends, label }]

export function makeRulers(viewer, changed, ended) {
  const { camera, element } = { camera: viewer.camera, element: viewer.element };
  const { viewport } = camera;
  let [laidOn, measuring] = [null, false];
  let apart = new Set(); // rulers that were there before the ratio was begun: no part of it

  const drawn = () => [...(state.getAnnotations(NAME, element) || [])]; // a copy: some are removed one by one
  const ends = ({ data }) => data.handles.points.map(([x, y]) => [x, y]);

  function lay() {
    // The rulers of the film on screen, which Cornerstone knows by another name each time that it is shown.
    const film = camera.film();
    if (!film || laidOn === viewport.getCurrentImageId()) return;
    laidOn = viewport.getCurrentImageId();
    for (const { annotationUID } of drawn()) state.removeAnnotation(annotationUID);
    for (const { ends: points, label } of rulersOf.get(film) || []) add(points, label);
    setApart();
    changed();
  }

  function add(points, label) {
    const handles = {
      points: points.map(([x, y]) => [x, y, 0]),
      activeHandleIndex: null,
      textBox: { hasMoved: false, worldPosition: [0, 0, 0], worldBoundingBox: corners() },
    };
    return state.addAnnotation(
      TOOLS.ruler.createAnnotationForViewport(viewport, { data: { handles, label, cachedStats: {} } }),
      element,
    );
  }

  function edit(moved) {
    // Of the chosen ruler, by arrows; what would leave the film stays as it is. False where none is chosen.
    const chosen = selection.getAnnotationsSelectedByToolName(NAME);
    const one = drawn().find(({ annotationUID }) => chosen.includes(annotationUID));
    if (!one) return false;
    const [height, width] = viewer.view.size;
    const points = moved(...ends(one));
    if (points.every(([x, y]) => x >= 0 && y >= 0 && x <= width && y <= height)) {
      one.data.handles.points = points.map(([x, y]) => [x, y, 0]);
      one.invalidated = true;
      keep();
    }
    return true;
  }

  function keep() {
    const film = camera.film();
    if (!film || viewer.editing("ruler")) return;
    for (const one of drawn()) {
      const [from, to] = ends(one).map(viewer.toScreen);
      if (Math.hypot(to[0] - from[0], to[1] - from[1]) < SHORTEST) state.removeAnnotation(one.annotationUID);
    }
    if (measuring) name();
    rulersOf.set(
      film,
      drawn().map((one) => ({ ends: ends(one), label: one.data.label })),
    );
    toolUtilities.triggerAnnotationRenderForViewportIds([viewport.id]);
    changed();
  }

  function setApart() {
    apart = new Set(drawn().map(({ annotationUID }) => annotationUID));
  }

  function name() {
    // The next ruler that is drawn is the heart's, then the thorax's; a third begins anew.
    for (const one of drawn().filter(({ annotationUID, data }) => !data.label && !apart.has(annotationUID))) {
      const missing = PARTS.find((part) => !drawn().some(({ data }) => data.label === part));
      if (missing) one.data.label = missing;
    }
    measuring = PARTS.some((part) => !drawn().some(({ data }) => data.label === part));
    if (!measuring) ended();
  }

  const soon = () => setTimeout(keep, 0);
  for (const event of [ToolEnums.Events.MOUSE_UP, ToolEnums.Events.MOUSE_CLICK, ToolEnums.Events.TOUCH_END])
    element.addEventListener(event, soon);
  eventTarget.addEventListener(ToolEnums.Events.ANNOTATION_COMPLETED, soon);

  return {
    lay,
    beginRatio() {
      for (const one of drawn())
        if (PARTS.includes(one.data.label)) state.removeAnnotation(one.annotationUID);
      setApart();
      measuring = true;
      keep();
    },
    stopRatio() {
      measuring = false;
    },
    measuring: () => measuring,
    list: () => drawn().map(({ annotationUID }) => annotationUID),
    place(points) {
      // What is new is chosen, so that arrows move it.
      selection.setAnnotationSelected(add(points, ""), true, false);
      keep();
    },
    nudge: (right, down) => edit((...points) => points.map((point) => shifted(point, right, down))), // by pixels of the radiograph
    stretch: (right, down) => edit((from, to) => [from, shifted(to, right, down)]),
    chooseNone() {
      for (const uid of selection.getAnnotationsSelectedByToolName(NAME))
        selection.setAnnotationSelected(uid, false);
    },
    cancel() {
      if (!viewer.editing("ruler")) return false;
      const uid = cancelActiveManipulations(element);
      if (uid) state.removeAnnotation(uid);
      keep();
      return true;
    },
    removeSelected() {
      const chosen = selection.getAnnotationsSelectedByToolName(NAME);
      for (const uid of chosen) state.removeAnnotation(uid);
      if (chosen.length) keep();
      return chosen.length > 0;
    },
    words() {
      // The ratio, or what is to be drawn next.
      const film = camera.film();
      if (!film) return "";
      const lengths = PARTS.map((part) => {
        const one = drawn().find(({ data }) => data.label === part);
        return one && lengthOf(film, ...ends(one)).value;
      });
      if (lengths.every(Boolean)) return ratioWords(lengths[0] / lengths[1]);
      if (!measuring) return "";
      return lengths[0] ? "draw the width of the thorax" : "draw the width of the heart";
    },
  };
}

function ratioWords(ratio) {
  // No heart is wider than its thorax: then the two were drawn the other way round.
  if (ratio > 1) return "the heart is drawn wider than the thorax; begin the ratio again";
  return `cardiothoracic ratio ${ratio.toFixed(2)}`;
}

function shifted([x, y], right, down) {
  return [x + right, y + down];
}

function corners() {
  const nowhere = () => [0, 0, 0];
  return { topLeft: nowhere(), topRight: nowhere(), bottomLeft: nowhere(), bottomRight: nowhere() };
}
