// What the page uses of Cornerstone (MIT), the viewer library that OHIF is built on; `make page` bundles it.
export {
  Enums,
  RenderingEngine,
  cache,
  eventTarget,
  imageLoader,
  init,
  metaData,
  setUseCPURendering,
  utilities,
} from "@cornerstonejs/core";
export {
  Enums as ToolEnums,
  LengthTool,
  PanTool,
  ProbeTool,
  RectangleROITool,
  SplineROITool,
  ToolGroupManager,
  WindowLevelTool,
  addTool,
  annotation,
  cancelActiveManipulations,
  init as initTools,
  utilities as toolUtilities,
} from "@cornerstonejs/tools";
