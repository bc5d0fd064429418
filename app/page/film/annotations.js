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

class BoxTool extends RectangleROITool {
  static toolName = "PatchClipBox";
  constructor(...props) {
    super(...props);
    withoutStatistics(this);
  }
}

class PointTool extends ProbeTool {
  static toolName = "PatchClipPoint";
  constructor(...props) {
    super(...props);
    withoutStatistics(this);
  }
}

class PolygonTool extends SplineROITool {
  static toolName = "PatchClipPolygon";
}

class RulerTool extends LengthTool {
  static toolName = "PatchClipRuler";
}

export const TOOLS = { box: BoxTool, point: PointTool, polygon: PolygonTool, ruler: RulerTool };
export const KINDS = { box: BoxTool.toolName, point: PointTool.toolName, polygon: PolygonTool.toolName };
let ready = false;

export function addDrawing(group, lengthOf) {
  // `lengthOf` says how long a ruler is, from its two ends.
  if (!ready) for (const tool of Object.values(TOOLS)) addTool(tool);
  ready = true;
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
