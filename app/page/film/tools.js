// Which button of the mouse does what on the film; Cornerstone's tools do it.
import { PanTool, ToolEnums, ToolGroupManager, WindowLevelTool, addTool } from "../cornerstone.js";
import { TOOLS, addDrawing } from "./annotations.js";

const { MouseBindings, KeyboardBindings } = ToolEnums;
const [PAN, WINDOW] = [PanTool.toolName, WindowLevelTool.toolName];
const PRIMARY = { mouseButton: MouseBindings.Primary };
const ALWAYS = {
  [PAN]: [{ mouseButton: MouseBindings.Auxiliary }],
  [WINDOW]: [
    { mouseButton: MouseBindings.Secondary },
    { mouseButton: MouseBindings.Primary, modifierKey: KeyboardBindings.Shift },
  ],
};
const TOUCH = { numTouchPoints: 1 };
let count = 0;

export function makeTools(camera, lengthOf) {
  if (!count++) for (const tool of [PanTool, WindowLevelTool]) addTool(tool);
  const group = ToolGroupManager.createToolGroup(`film-tools-${count}`);
  for (const name of [PAN, WINDOW]) group.addTool(name);
  addDrawing(group, camera, lengthOf);
  group.addViewport(camera.viewport.id, camera.engine.id);
  let primary = "";

  function take(name) {
    // `name` is "pan", "window" or a kind of drawing: what the left button, or one finger, does from now on.
    if (name === primary) return;
    primary = name;
    const names = Object.fromEntries(Object.entries(TOOLS).map(([kind, tool]) => [kind, tool.toolName]));
    const chosen = { pan: PAN, window: WINDOW, ...names }[name];
    for (const other of [PAN, WINDOW, ...Object.values(names)]) {
      group.setToolPassive(other, { removeAllBindings: true });
      const bindings = [...(ALWAYS[other] || []), ...(other === chosen ? [PRIMARY, TOUCH] : [])];
      if (bindings.length) group.setToolActive(other, { bindings });
    }
  }

  take("pan");
  return { group, take };
}
