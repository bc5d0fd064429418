// The tools that say how the picture is read from its file, drawn from the state.
import { $, node, refill } from "./dom.js";

const AUTOMATIC = -1;

export function renderPicture(study) {
  const windows = study ? study.windows : [];
  $("invert").disabled = !study;
  $("invert").setAttribute("aria-disabled", String(!!(study && study.rereading)));
  $("invert").setAttribute("aria-pressed", String(!!(study && study.inverted)));
  $("invert").classList.toggle("doubt", !!(study && study.polarity_doubt));
  $("window-label").hidden = !windows.length;
  if (!windows.length) return;
  const options = windows.map((name, number) =>
    node("option", name.replace(/^window /, ""), { value: number }),
  );
  options.push(node("option", "automatic", { value: AUTOMATIC }));
  refill($("window"), options);
  $("window").value = String(study.window === null ? AUTOMATIC : study.window);
}
