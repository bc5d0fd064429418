// What is drawn on the film, as Cornerstone's own tools without their statistics: shapes of a reading, and rulers.
import {
  LengthTool,
  ProbeTool,
  RectangleROITool,
  SplineROITool,
  addTool,
  annotation,
} from "../cornerstone.js";

const NO_LINES = () => [];

// Pixels under a box are ours to judge by maps, not Cornerstone's to average.
function withoutStatistics(tool) {
  tool._calculateCachedStats = tool._throttledCalculateCachedStats = (drawn) => {
    drawn.invalidated = false;
    return {};
  };
}

// What is chosen looks so under the pointer, too.
function withChosenSeen(tool) {
  const styleOf = tool.getStyle.bind(tool);
  tool.getStyle = (property, specifier, drawn) =>
    styleOf(property, specifier, drawn && isChosen(drawn) ? { ...drawn, highlighted: false } : drawn);
}

function isChosen({ annotationUID }) {
  return annotation.selection.isAnnotationSelected(annotationUID);
}

class BoxTool extends RectangleROITool {
  static toolName = "PatchClipBox";
  constructor(...props) {
    super(...props);
    withoutStatistics(this);
    withChosenSeen(this);
    const isNearSide = this.isPointNearTool;
    this.isPointNearTool = (element, drawn, at, proximity) =>
      isNearSide(element, drawn, at, proximity) || isInsideChosen(element, drawn, at);
  }
}

function isInsideChosen(element, drawn, at) {
  // The whole of a chosen box takes the pointer, to be moved; of others only the sides do.
  if (!isChosen(drawn)) return false;
  const corners = drawn.data.handles.points.map(cameras.get(element).toScreen);
  return [0, 1].every((axis) => {
    const [least, most] = ends(corners.map((corner) => corner[axis]));
    return least <= at[axis] && at[axis] <= most;
  });
}

class PointTool extends ProbeTool {
  static toolName = "PatchClipPoint";
  constructor(...props) {
    super(...props);
    withoutStatistics(this);
    withChosenSeen(this);
  }
}

class PolygonTool extends SplineROITool {
  static toolName = "PatchClipPolygon";
  constructor(...props) {
    super(...props);
    withChosenSeen(this);
  }
}

class RulerTool extends LengthTool {
  static toolName = "PatchClipRuler";
  constructor(...props) {
    super(...props);
    withChosenSeen(this);
  }
}

export const TOOLS = { box: BoxTool, point: PointTool, polygon: PolygonTool, ruler: RulerTool };
export const KINDS = { box: BoxTool.toolName, point: PointTool.toolName, polygon: PolygonTool.toolName };
const cameras = new WeakMap(); // of each element with a film
let ready = false;

export function addDrawing(group, camera, lengthOf) {
  // `lengthOf` says how long a ruler is, from its two ends.
  if (!ready) for (const tool of Object.values(TOOLS)) addTool(tool);
  ready = true;
  cameras.set(camera.element, camera);
  group.addTool(BoxTool.toolName, { calculateStats: false, getTextLines: NO_LINES });
  group.addTool(PointTool.toolName, { getTextLines: () => null, handleRadius: "6" });
  group.addTool(PolygonTool.toolName, {
    calculateStats: false,
    getTextLines: NO_LINES,
    spline: { type: "LINEAR" },
  });
  group.addTool(RulerTool.toolName, {
    getTextLines: ({ handles, label }) => [[label, lengthOf(...handles.points)].filter(Boolean).join(" ")],
  });
}

export function setColours({ line, selected, text }) {
  const styles = annotation.config.style.getDefaultToolStyles();
  annotation.config.style.setDefaultToolStyles({
    ...styles,
    global: {
      ...styles.global,
      color: line,
      colorHighlighted: line,
      colorSelected: selected,
      lineWidth: "2",
      showHandlesAlways: true,
      shadow: true,
      textBoxColor: text,
      textBoxColorHighlighted: text,
      textBoxColorSelected: text,
      textBoxFontFamily: "system-ui, sans-serif",
      textBoxBackground: "rgb(0, 0, 0)",
    },
  });
}

export function shapeOf({ metadata, data }, [height, width]) {
  // In pixels of the radiograph, inside it.
  const points = data.handles.points.map(([x, y]) => [
    Math.min(Math.max(x, 0), width),
    Math.min(Math.max(y, 0), height),
  ]);
  if (metadata.toolName === KINDS.point) return { kind: "point", points: points[0] };
  if (metadata.toolName === KINDS.polygon) return { kind: "polygon", points };
  const [left, right] = ends(points.map(([x]) => x));
  const [top, bottom] = ends(points.map(([, y]) => y));
  return { kind: "box", points: [left, top, right - left, bottom - top] };
}

function ends(values) {
  return [Math.min(...values), Math.max(...values)];
}

export function annotationOf({ kind, points }, viewport) {
  const data = { handles: { points: handlesOf(kind, points), activeHandleIndex: null }, cachedStats: {} };
  if (kind === "polygon")
    Object.assign(data, {
      contour: { closed: true, polyline: [] },
      spline: { type: "LINEAR", resolution: 20 },
    });
  return TOOLS[kind].createAnnotationForViewport(viewport, { data });
}

function handlesOf(kind, points) {
  if (kind === "point") return [[...points, 0]];
  if (kind === "polygon") return points.map(([x, y]) => [x, y, 0]);
  const [x, y, w, h] = points;
  return [
    [x, y, 0],
    [x + w, y, 0],
    [x, y + h, 0],
    [x + w, y + h, 0],
  ];
}

export function moveShape({ kind, points }, right, down) {
  if (kind === "polygon") return { kind, points: points.map(([x, y]) => [x + right, y + down]) };
  const [x, y, ...size] = points;
  return { kind, points: [x + right, y + down, ...size] };
}

export function moveCorner(shape, corner, right, down) {
  // Of a polygon; other kinds stay as they are.
  if (shape.kind !== "polygon") return shape;
  const points = shape.points.map(([x, y], place) => (place === corner ? [x + right, y + down] : [x, y]));
  return { kind: "polygon", points };
}

export function stretchBox(shape, right, down, by) {
  // Moves the side of a box that lies to the right (1, or -1 for the left) or downwards; other kinds have no sides.
  if (shape.kind !== "box") return shape;
  const [x, y, w, h] = shape.points;
  const [across, along] = [Math.abs(right) * by, Math.abs(down) * by];
  if (w + across < 1 || h + along < 1) return shape;
  const corner = [right < 0 ? x - across : x, down < 0 ? y - along : y];
  return { kind: "box", points: [...corner, w + across, h + along] };
}
