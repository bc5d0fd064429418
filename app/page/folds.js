// What folds where the window is small: the studies, which then lie over the film while they are wanted, and tools beyond the rows there
// is room for.
import { $, all } from "./dom.js";

const tools = all(".tools")[0];
const page = $("stage").closest("#pc");
const changes = new MutationObserver(fold);

export function bindFolds() {
  $("panel").onclick = () => openPanel(!page.classList.contains("panel-open"));
  $("more").onclick = () => {
    tools.classList.toggle("unfolded");
    fold();
  };
  // What was chosen over the film is wanted no more; only a click outside of it takes it away without a choice.
  page.addEventListener("pointerdown", (event) => {
    if (!event.target.closest(".left, #pc-panel")) openPanel(false);
  });
  // A file that cannot be opened is said among the studies: folded, nobody would know.
  const said = new MutationObserver(() => $("open-error").hidden || openPanel(true));
  said.observe($("open-error"), { childList: true, attributeFilter: ["hidden"] });
  // A tool that grows or shrinks, that comes or goes, may push others out; a figure that changes within its room does not.
  const sizes = new ResizeObserver(fold);
  for (const part of [tools, ...items()]) sizes.observe(part);
  changes.observe(tools, { subtree: true, attributeFilter: ["hidden"] });
  openPanel(true); // before anything is open, the files and examples are what is wanted
  fold();
}

export function openPanel(open) {
  page.classList.toggle("panel-open", open);
  $("panel").setAttribute("aria-expanded", String(open));
}

function fold() {
  // Tools that do not fit are out of sight, and out of the way of the Tab key too.
  const unfolded = tools.classList.contains("unfolded");
  for (const item of items()) item.classList.remove("folded");
  $("more").hidden = true;
  let cut = unfolded ? [] : beyond(items());
  if (cut.length) {
    $("more").hidden = false; // takes room itself
    cut = beyond(items());
  }
  for (const item of cut) item.classList.add("folded");
  $("more").hidden = !cut.length && !unfolded;
  $("more").textContent = unfolded ? "fewer tools" : "more tools";
  $("more").setAttribute("aria-expanded", String(unfolded));
  changes.takeRecords(); // of what was done here
}

function items() {
  return [...tools.querySelectorAll(":scope > :not(.row):not(#pc-more), .row > *")];
}

function beyond(list) {
  // Whole rows: what is lower than its neighbours would stand alone in theirs.
  const { bottom } = tools.getBoundingClientRect();
  const boxes = list.map((item) => item.getBoundingClientRect());
  const first = Math.min(...boxes.filter((box) => box.bottom > bottom).map(({ top }) => top));
  return list.filter((_, place) => boxes[place].bottom > first + boxes[place].height / 2);
}
