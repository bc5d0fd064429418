// What the reader's hands do: buttons, sliders, keys; and the start of the page.
function setView(mode) {
  viewer.view.mode = mode;
  render();
  compare();
}
function setThreshold(value) {
  state.threshold = value;
  render();
}
function colours(name) {
  const table = state.tables[name];
  Object.assign(viewer.view, { table, tableName: name });
  element
    .querySelector("#pc")
    .style.setProperty(
      "--map",
      `linear-gradient(90deg, ${[90, 170, 255].map((k) => `rgb(${table[k].join()})`).join()})`,
    );
  render();
}
$("open").onclick = () => $("file").click();
$("file").onchange = (event) => {
  openFiles([...event.target.files]);
  event.target.value = "";
};
$("run").onclick = () => ask($("query").value);
$("query").onkeydown = (event) => {
  if (event.key === "Enter") ask($("query").value);
};
all("[data-view]").forEach((b) => {
  b.onclick = () => setView(b.dataset.view);
});
all("[data-presence]").forEach((b) => {
  b.onclick = () => set("presence", b.dataset.presence);
});
all("[data-location]").forEach((b) => {
  b.onclick = () => set("location", b.dataset.location);
});
$("opacity").oninput = (event) => {
  viewer.view.opacity = Number(event.target.value);
  render();
};
$("threshold").oninput = (event) => setThreshold(Number(event.target.value));
$("curtain").oninput = (event) => {
  viewer.view.curtain = Number(event.target.value);
  render();
};
$("smooth").onchange = (event) => {
  viewer.view.smooth = event.target.checked;
  render();
};
$("outlines").onchange = (event) => {
  viewer.view.outlines = event.target.checked;
  render();
};
$("colours").onchange = (event) => colours(event.target.value);
$("reset").onclick = () => viewer.reset();
$("draw").onclick = () => {
  viewer.view.drawing = !viewer.view.drawing;
  render();
};
$("undo").onclick = undo;
$("comment").oninput = () => {
  draft().comment = $("comment").value;
  changed();
  render();
};
$("save").onclick = save;
$("history").onclick = history;
$("csv").onclick = () => download("csv");
$("json").onclick = () => download("json");
$("help").onclick = () => $("help-dialog").showModal();
all("[data-close]").forEach((b) => {
  b.onclick = () => b.closest("dialog").close();
});
try {
  $("reader").value = localStorage.getItem("patch-clip-reader") || "";
} catch {
  $("reader").value = "";
}
$("reader").onchange = () => {
  try {
    localStorage.setItem("patch-clip-reader", $("reader").value);
  } catch {
    /* storage is switched off: the name is typed anew next time */
  }
};
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  $("comment").blur();
  openFiles([...event.dataTransfer.files]);
}); // whoever drops a file has stopped typing

// --- keys
const ARROWS = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 };
function neighbour(list, item, by) {
  return list[(list.indexOf(item) + by + list.length) % list.length];
}
function stepAnswer(by) {
  const s = state.current;
  if (s && s.answers.length) activate(neighbour(s.answers, s.active, by));
}
function stepStudy(by) {
  if (state.studies.length) choose(neighbour(state.studies, state.current, by));
}
function nudge(id, by) {
  const slider = $(id);
  slider.value = Number(slider.value) + by;
  slider.dispatchEvent(new Event("input"));
}
function curtain(by) {
  if (viewer.view.mode === "compare") nudge("curtain", by);
}
all("[role=radiogroup]").forEach((group) =>
  group.addEventListener("keydown", (event) => {
    if (!ARROWS[event.key]) return;
    event.preventDefault();
    const next = neighbour([...group.querySelectorAll("[role=radio]")], event.target, ARROWS[event.key]);
    next.focus();
    if (next.getAttribute("aria-checked") !== "true") next.click();
  }),
);
$("answers").addEventListener("keydown", (event) => {
  const item =
      state.current && state.current.answers.find((answer) => answer.query === event.target.dataset.key),
    by = ARROWS[event.key];
  if (!item || !(by || event.key === "Enter" || event.key === " ")) return;
  event.preventDefault();
  activate(by ? neighbour(state.current.answers, item, by) : item);
  $("answers").querySelector("[aria-selected=true]").focus();
});
const keys = [
  ["o", "open files", () => $("file").click()],
  ["/", "type a query", () => $("query").focus()],
  ["j", "next study", () => stepStudy(1)],
  ["k", "previous study", () => stepStudy(-1)],
  ["n", "next answer", () => stepAnswer(1)],
  ["p", "previous answer", () => stepAnswer(-1)],
  ["m", "map", () => setView("map")],
  ["c", "compare", () => setView("compare")],
  ["i", "image alone", () => setView("image")],
  ["0", "fit, reset window", () => viewer.reset()],
  [",", "curtain to the left", () => curtain(-0.05)],
  [".", "curtain to the right", () => curtain(0.05)],
  ["[", "lower threshold", () => nudge("threshold", -0.05)],
  ["]", "raise threshold", () => nudge("threshold", 0.05)],
  ["-", "less opacity", () => nudge("opacity", -0.1)],
  ["+", "more opacity", () => nudge("opacity", 0.1)],
  ["x", "smooth or patches", () => $("smooth").click()],
  ["l", "outlines", () => $("outlines").click()],
  [
    "v",
    "next colours",
    () => {
      const s = $("colours");
      s.selectedIndex = (s.selectedIndex + 1) % s.options.length;
      colours(s.value);
    },
  ],
  ["1", "present", () => set("presence", "present")],
  ["2", "absent", () => set("presence", "absent")],
  ["3", "unsure", () => set("presence", "unsure")],
  ["4", "map is right", () => set("location", "right")],
  ["5", "map is partly right", () => set("location", "partly")],
  ["6", "map is wrong", () => set("location", "wrong")],
  ["b", "draw boxes", () => $("draw").click()],
  ["z", "remove last box", undo],
  ["t", "type a comment", () => $("comment").focus()],
  ["s", "save reading", save],
  ["h", "past feedback", history],
  ["?", "this list", () => $("help-dialog").showModal()],
];
for (const [key, meaning] of keys) $("keys").append(node("dt", key), node("dd", meaning));
document.addEventListener("keydown", (event) => {
  const field = event.target.closest && event.target.closest("input[type=text], textarea, select");
  if (field) {
    if (event.key === "Escape") field.blur();
    return;
  }
  const composed = event.altKey && "[]".includes(event.key); // brackets need AltGr (Ctrl + Alt on Windows) or Option on many keyboards
  if (
    ((event.ctrlKey || event.metaKey || event.altKey) && !composed) ||
    element.querySelector("dialog[open]")
  )
    return;
  const found = keys.find(([key]) => key === event.key);
  if (found) {
    event.preventDefault();
    found[2]();
  }
});

call("start", {})
  .then((start) => {
    viewer.view.minPatches = start.min_patches;
    Object.assign(state, {
      suggestions: start.suggestions,
      tables: start.colours,
      mostQueries: start.most_queries,
    });
    $("model").textContent = `model ${start.model.name} (${start.model.sha256.slice(0, 4)})`;
    $("model").title = start.model.sha256;
    $("colours").replaceChildren(
      ...Object.keys(start.colours).map((name) => node("option", name, { value: name })),
    );
    $("examples").replaceChildren(
      ...start.examples.map((name) => {
        const line = node("li"),
          button = node("button", name.replace(/^synthetic_|\.[a-z]+$/g, "").replaceAll("_", " "));
        button.title = name;
        button.onclick = () => openExample(name);
        line.append(button);
        return line;
      }),
    );
    colours(Object.keys(start.colours)[0]);
    element.querySelector("#pc").dataset.ready = "true";
  })
  .catch((error) => say("open-error", error.message));
