// Buttons, sliders and lists of the page of studies.
import { $, all } from "../dom.js";
import { startDrawing } from "../film/actions.js";
import { bindPanel } from "../film/panel.js";
import { bindFolds } from "../folds.js";
import { takeColours } from "../legend.js";
import { attachPointer } from "../pointer.js";
import { onEdit, viewer } from "../stage.js";
import { bindCreating } from "./create.js";
import { filter, goTo, leaveStudy, openStudy, stepCase } from "./desk.js";
import { note } from "./events.js";
import { drawn, othersAbsent, setComment, setUnreadable } from "./marks.js";
import { save } from "./reading.js";
import { render } from "./render.js";
import { state } from "./state.js";

const TOOLS = ["ruler", "ratio", "magnify", "draw"]; // of which the server is told that they were used

function bindForm() {
  $("save").onclick = save;
  $("others").onclick = othersAbsent;
  $("unreadable").onchange = () => setUnreadable($("unreadable").checked);
  $("comment").oninput = () => setComment($("comment").value);
  $("draw").onclick = () => {
    startDrawing("box");
    render();
  };
  $("undo").onclick = () => viewer.shapes.undo();
  $("redo").onclick = () => viewer.shapes.redo();
  $("previous").onclick = () => stepCase(-1);
  $("next").onclick = () => stepCase(1);
  const form = all(".right")[0];
  form.addEventListener("keydown", (event) => {
    // In a field, too, Enter saves; shift and Enter begin a line of the comment.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    if (!event.target.matches("textarea, input[type=number]")) return;
    event.preventDefault();
    event.target.blur();
    save();
  });
  form.addEventListener("click", (event) => {
    // Worked by the pointer, a button gives the keys back to the film.
    if (event.detail && event.target.closest("button, input[type=checkbox]"))
      viewer.canvas.focus({ preventScroll: true });
  });
}

function bindMaps() {
  onInput("opacity", (slider) => (viewer.view.opacity = Number(slider.value)));
  for (const name of ["smooth", "filled", "outlines"])
    onInput(name, (box) => (viewer.view[name] = box.checked));
  $("colours").onchange = () => setColours($("colours").value);
}

export function setColours(name) {
  takeColours(viewer.view, state.tables, name);
  render();
}

function onInput(id, take) {
  $(id).addEventListener("input", (event) => {
    take(event.target);
    render();
  });
}

function onItem(list, act) {
  // The items of a list are made anew all the time, so the list itself listens.
  $(list).addEventListener("click", (event) => {
    const item = event.target.closest("[data-key]");
    if (item && !item.disabled) act(Number(item.dataset.key));
  });
}

export function bindControls() {
  bindFolds();
  bindPanel(viewer);
  bindForm();
  bindMaps();
  bindCreating();
  onEdit(drawn);
  attachPointer(viewer, render);
  onItem("cards", (study) => openStudy(study));
  onItem("cases", goTo);
  $("filter").onchange = () => filter($("filter").value);
  $("leave").onclick = leaveStudy;
  for (const id of TOOLS) $(id).addEventListener("click", () => note("tool", { name: id }));
  for (const button of all("[data-close]")) button.onclick = () => button.closest("dialog").close();
}
