// The page: studies, questions, answers, readings. `server`, `upload` and `element` come from the component that this runs in.
const $ = (id) => element.querySelector("#pc-" + id), all = (selector) => [...element.querySelectorAll(selector)];
const windowId = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2) + Date.now();
const state = { studies: [], current: null, recent: [], limitMb: Number(element.querySelector("#pc").dataset.limit || 64), busy: 0 };
const viewer = makeViewer($("canvas"), (what) => { if (what === "curtain") $("curtain").value = viewer.view.curtain; else readingChanged(); render(); });
const short = (value) => value.toFixed(2).replace(/^0/, "");

async function call(name, data) {
  let reply;
  try { reply = await server[name]({ ...data, window: windowId }); }
  catch { throw new Error("The server does not answer; check that it is running, then try again."); }
  if (!reply) throw new Error("The server does not answer; check that it is running, then try again.");
  if (reply.error) throw new Error(reply.error);
  return reply;
}
function say(id, text) { const place = $(id); place.textContent = text || ""; place.hidden = !text; }
async function busy(text, work) {
  state.busy++; $("busy").textContent = text; $("busy").hidden = false;
  try { return await work(); } finally { if (!--state.busy) $("busy").hidden = true; }
}
function node(tag, text, properties) { return Object.assign(document.createElement(tag), text === undefined ? {} : { textContent: text }, properties || {}); }

// --- studies
async function openFiles(files) {
  say("open-error");
  const failed = [];
  for (const file of files) {
    try {
      if (file.size > state.limitMb * 1e6) throw new Error(`This file has ${Math.round(file.size / 1e6)} MB and the limit is ${state.limitMb} MB; choose a single radiograph.`);
      await busy("reading and encoding …", async () => {
        let sent;
        try { sent = await upload(new File([file], "upload" + (file.name.match(/\.[A-Za-z0-9]{1,5}$/) || [""])[0])); } // the name stays here: it may identify a patient
        catch { throw new Error("The file could not be sent; it may be too large or the server may have stopped. Try again."); }
        addStudy(await call("open_upload", { path: sent.path }));
      });
    } catch (error) { failed.push(files.length > 1 ? `${file.name}: ${error.message}` : error.message); say("open-error", failed.join(" ")); }
  }
}
async function openExample(name) {
  say("open-error");
  try { await busy("reading and encoding …", async () => addStudy(await call("open_example", { name }))); } catch (error) { say("open-error", error.message); }
}
function addStudy(opened) {
  const picture = new Image(), before = state.studies.find((other) => other.sha256 === opened.sha256);
  const study = { ...opened, image: picture, answers: [], active: null, drafts: before ? before.drafts : {}, asked: 0 };
  state.studies = state.studies.filter((other) => other !== before);
  picture.onload = () => { if (state.current === study) { viewer.view.picture = picture; viewer.draw(); } };
  picture.src = opened.picture;
  state.studies.unshift(study);
  choose(study);
  // The same picture again, after a restart say: what was drawn and typed is still there, and what was asked is asked anew.
  if (before && before.answers.length) ask(before.answers.slice(0, 20).map((answer) => answer.query).join("; "), before.active && before.active.query);
}
function choose(study) {
  state.current = study;
  Object.assign(viewer.view, { picture: study.image.complete ? study.image : null, size: study.size });
  viewer.reset(); loadDraft(); render();
}

// --- asking
async function ask(text, first) {
  say("ask-error");
  const study = state.current;
  try {
    if (!study) throw new Error("No radiograph is open; open a file or one of the examples first.");
    const reply = await busy("asking …", () => call("ask", { study: study.study, text }));
    study.queryMs = reply.query_ms; study.asked += reply.answers.length;
    for (const answer of reply.answers) {
      study.answers = study.answers.filter((other) => other.query !== answer.query);
      state.recent = [answer.query, ...state.recent.filter((other) => other !== answer.query)].slice(0, 6);
    }
    study.answers.unshift(...reply.answers);
    activate(reply.answers.find((answer) => answer.query === first) || reply.answers[0], study);
    if (state.current === study) $("query").select();
  } catch (error) { say("ask-error", error.message); }
}
function activate(answer, study = state.current) {
  if (study.drafts[""] && !study.drafts[answer.query]) { study.drafts[answer.query] = study.drafts[""]; delete study.drafts[""]; }
  study.active = answer;
  if (study === state.current) loadDraft();
  render();
  if (study === state.current && viewer.view.mode === "compare") compare();
}
async function compare() {
  const study = state.current, answer = study && study.active;
  if (!answer || answer.saliency || !answer.in_vocabulary) return;
  try {
    const reply = await busy("computing Grad-CAM …", () => call("compare", { study: study.study, query: answer.query }));
    answer.saliency = reply.map; answer.saliencyMs = reply.saliency_ms; render();
  } catch (error) { say("ask-error", error.message); }
}

// --- the reader's judgement: one draft for each answer, kept whatever happens
function draft() {
  const study = state.current;
  if (!study) return { presence: "", location: "", comment: "", boxes: [] };
  const key = study.active ? study.active.query : "";
  return (study.drafts[key] = study.drafts[key] || { presence: "", location: "", comment: "", boxes: [] });
}
function loadDraft() { const d = draft(); viewer.view.boxes = d.boxes; $("comment").value = d.comment; say("save-error"); $("saved").textContent = d.saved || ""; }
function readingChanged() { const d = draft(); d.saved = ""; $("saved").textContent = ""; d.comment = $("comment").value; d.boxes = viewer.view.boxes; }
async function save() {
  say("save-error");
  readingChanged();
  const study = state.current, d = draft(), v = viewer.view;
  try {
    if (!study || !study.active) throw new Error("Ask a question and choose its answer before saving a reading.");
    const reply = await call("save", { study: study.study, query: study.active.query, presence: d.presence, location: d.location, comment: d.comment, boxes: d.boxes,
      reader: $("reader").value, display: { view: v.mode, opacity: v.opacity, threshold: v.threshold, colours: v.tableName, smooth: v.smooth } });
    d.saved = "saved, " + new Date(reply.saved).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
    study.judged++; render();
    if (draft() === d) $("saved").textContent = d.saved;
  } catch (error) { say("save-error", error.message); }
}

// --- past feedback
async function history() {
  const dialog = $("history-dialog");
  say("history-error");
  if (!dialog.open) dialog.showModal();
  try {
    const { rows } = await call("history", {});
    $("no-rows").hidden = rows.length > 0;
    $("rows").replaceChildren(...rows.map((row) => {
      const line = node("tr");
      for (const cell of [row.created_at.slice(0, 16).replace("T", " "), row.reader, row.image_sha256.slice(0, 4), row.query, short(row.probability), row.presence,
        row.location || "", row.boxes.length || "", row.comment]) line.append(node("td", String(cell)));
      return line;
    }));
  } catch (error) { say("history-error", error.message); }
}
async function download(kind) {
  try {
    const { text } = await call("export", { kind }), link = node("a", "", { download: "patch-clip-feedback." + kind });
    link.href = URL.createObjectURL(new Blob([text], { type: kind === "csv" ? "text/csv" : "application/json" }));
    link.click(); setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  } catch (error) { say("history-error", error.message); }
}

// --- drawing everything from the state
function render() {
  const study = state.current, answer = study && study.active, v = viewer.view, d = draft();
  v.map = answer ? answer.map : null; v.saliency = answer ? answer.saliency || null : null;
  $("empty").hidden = !!study;
  $("studies").replaceChildren(...state.studies.map((item) => {
    const mark = item.judged ? "✓" : item.asked ? "●" : "○", line = node("li"), button = node("button", `${mark} ${item.sha256.slice(0, 4)} ${item.synthetic ? "synthetic" : item.view}`);
    button.append(node("small", item.judged ? "judged" : item.asked ? `asked ${item.asked}` : "not asked"));
    button.setAttribute("aria-current", String(item === study)); button.onclick = () => choose(item); line.append(button); return line;
  }));
  $("image-warnings").replaceChildren(...(study ? [...(study.synthetic ? ["Synthetic radiograph, drawn by a program: no patient."] : []), ...study.warnings] : []).map((text) => node("li", text)));
  $("no-answers").hidden = !!(study && study.answers.length);
  const focused = document.activeElement && document.activeElement.closest("#pc-answers li");
  $("answers").replaceChildren(...(study ? study.answers : []).map((item) => answerNode(item, item === answer)));
  if (focused) { const again = all("#pc-answers li").find((line) => line.dataset.query === focused.dataset.query); if (again) again.focus({ preventScroll: true }); }
  const chips = [...state.recent, ...state.suggestions.filter((name) => !state.recent.includes(name))].slice(0, 8);
  $("chips").replaceChildren(...chips.map((text) => node("button", text, { title: text, onclick: () => { $("query").value = text; ask(text); } })));
  all("[data-view]").forEach((b) => b.setAttribute("aria-checked", String(b.dataset.view === v.mode)));
  all("[data-presence]").forEach((b) => b.setAttribute("aria-checked", String(b.dataset.presence === d.presence)));
  all("[data-location]").forEach((b) => b.setAttribute("aria-checked", String(b.dataset.location === d.location)));
  $("draw").setAttribute("aria-pressed", String(v.drawing)); $("canvas").classList.toggle("drawing", v.drawing);
  $("boxes").textContent = d.boxes.length ? `${d.boxes.length} box${d.boxes.length > 1 ? "es" : ""}` : "no boxes";
  $("undo").disabled = !d.boxes.length;
  $("reading-of").textContent = answer ? "· " + answer.finding : "";
  $("curtain-label").hidden = v.mode !== "compare";
  $("opacity-out").textContent = short(v.opacity); $("threshold-out").textContent = short(v.threshold);
  const times = study ? [`decode ${Math.round(study.decode_ms)}`, `encode ${Math.round(study.encode_ms)}`] : [];
  if (study && study.queryMs !== undefined) times.push(`query ${Math.round(study.queryMs)}`);
  if (answer && answer.saliencyMs !== undefined) times.push(`Grad-CAM ${Math.round(answer.saliencyMs)}`);
  $("times").textContent = times.length ? times.join(" · ") + " ms" : ""; $("times").title = "milliseconds that each step took";
  viewer.draw();
  caption(answer);
  legend();
}
function answerNode(item, selected) {
  const line = node("li"), head = node("div", undefined, { className: "answer-head" });
  line.tabIndex = 0; line.setAttribute("aria-selected", String(selected)); line.dataset.query = item.query;
  head.append(node("span", "", { className: "swatch" }), node("span", item.query, { className: "name", title: item.query }));
  if (item.probability === null) head.append(node("span", "–", { className: "number" }), node("span"));
  else {
    const bar = node("span", undefined, { className: "bar" }), fill = node("i");
    fill.style.width = 100 * item.probability + "%"; bar.append(fill); bar.setAttribute("aria-hidden", "true");
    head.append(node("span", short(item.probability), { className: "number" }), bar);
  }
  line.append(head);
  if (item.in_vocabulary && item.understood !== item.query.toLowerCase()) line.append(node("small", "→ " + item.understood));
  for (const text of item.warnings) line.append(node("small", "⚠ " + text, { className: "warn" }));
  line.onclick = () => activate(item);
  line.onkeydown = (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); activate(item); } };
  return line;
}
function caption(answer) {
  const v = viewer.view, place = $("caption"), counts = viewer.regions();
  place.replaceChildren();
  $("tags").hidden = !(answer && v.mode === "compare");
  if (!answer || v.mode === "image") return;
  const words = (n) => `${n} region${n === 1 ? "" : "s"}`;
  if (!answer.in_vocabulary) place.append(node("span", "far from what this model has learnt: no map shown"));
  else if (answer.map.max < v.threshold) place.append(node("span", `${answer.finding}: nothing above ${short(v.threshold)}; highest ${short(answer.map.max)}`));
  else if (v.mode === "map") place.append(node("span", `${answer.finding}: ${words(counts.map)} above ${short(v.threshold)}`));
  $("tag-left").textContent = `patch map: ${words(counts.map)}`;
  $("tag-right").textContent = !answer.in_vocabulary ? "Grad-CAM: not computed" : answer.saliency ? `Grad-CAM, relative, no probability: ${words(counts.saliency)}` : "Grad-CAM …";
}
function legend() {
  const canvas = $("legend"), context = canvas.getContext("2d"), v = viewer.view;
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!v.table) return;
  for (let x = 0; x < canvas.width; x++) {
    const value = x / (canvas.width - 1), [r, g, b] = v.table[Math.round(value * 255)];
    context.fillStyle = value < v.threshold ? "#1d232a" : `rgb(${r},${g},${b})`; context.fillRect(x, 0, 1, canvas.height);
  }
  context.fillStyle = "#e6e9ed"; context.fillRect(Math.round(v.threshold * (canvas.width - 1)), 0, 1, canvas.height);
}

// --- events
function setView(mode) { viewer.view.mode = mode; render(); if (mode === "compare") compare(); }
function set(kind, value) { const d = draft(); d[kind] = d[kind] === value ? "" : value; readingChanged(); render(); }
function undo() { viewer.view.boxes.pop(); readingChanged(); render(); }
function colours(name) { viewer.view.table = state.tables[name]; viewer.view.tableName = name; render(); }
$("open").onclick = () => $("file").click();
$("file").onchange = (event) => { openFiles([...event.target.files]); event.target.value = ""; };
$("run").onclick = () => ask($("query").value);
$("query").onkeydown = (event) => { if (event.key === "Enter") ask($("query").value); };
all("[data-view]").forEach((b) => { b.onclick = () => setView(b.dataset.view); });
all("[data-presence]").forEach((b) => { b.onclick = () => set("presence", b.dataset.presence); });
all("[data-location]").forEach((b) => { b.onclick = () => set("location", b.dataset.location); });
$("opacity").oninput = (event) => { viewer.view.opacity = Number(event.target.value); render(); };
$("threshold").oninput = (event) => { viewer.view.threshold = Number(event.target.value); render(); };
$("curtain").oninput = (event) => { viewer.view.curtain = Number(event.target.value); render(); };
$("smooth").onchange = (event) => { viewer.view.smooth = event.target.checked; render(); };
$("outlines").onchange = (event) => { viewer.view.outlines = event.target.checked; render(); };
$("colours").onchange = (event) => colours(event.target.value);
$("reset").onclick = () => viewer.reset();
$("draw").onclick = () => { viewer.view.drawing = !viewer.view.drawing; render(); };
$("undo").onclick = undo;
$("comment").oninput = readingChanged;
$("save").onclick = save;
$("history").onclick = history;
$("csv").onclick = () => download("csv");
$("json").onclick = () => download("json");
$("help").onclick = () => $("help-dialog").showModal();
all("[data-close]").forEach((b) => { b.onclick = () => b.closest("dialog").close(); });
try { $("reader").value = localStorage.getItem("patch-clip-reader") || ""; } catch { $("reader").value = ""; }
$("reader").onchange = () => { try { localStorage.setItem("patch-clip-reader", $("reader").value); } catch { /* storage is switched off: the name is typed anew next time */ } };
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => { event.preventDefault(); openFiles([...event.dataTransfer.files]); });

function step(by) { const s = state.current; if (s && s.answers.length) activate(s.answers[(s.answers.indexOf(s.active) + by + s.answers.length) % s.answers.length]); }
function nudge(id, by) { const slider = $(id); slider.value = Number(slider.value) + by; slider.dispatchEvent(new Event("input")); }
const keys = [["o", "open files", () => $("file").click()], ["/", "type a query", () => $("query").focus()], ["m", "map", () => setView("map")], ["c", "compare", () => setView("compare")],
  ["i", "image alone", () => setView("image")], ["[", "lower threshold", () => nudge("threshold", -0.05)], ["]", "raise threshold", () => nudge("threshold", 0.05)],
  ["-", "less opacity", () => nudge("opacity", -0.1)], ["+", "more opacity", () => nudge("opacity", 0.1)], ["n", "next answer", () => step(1)], ["p", "previous answer", () => step(-1)],
  ["1", "present", () => set("presence", "present")], ["2", "absent", () => set("presence", "absent")], ["3", "unsure", () => set("presence", "unsure")],
  ["4", "map is right", () => set("location", "right")], ["5", "map is partly right", () => set("location", "partly")], ["6", "map is wrong", () => set("location", "wrong")],
  ["b", "draw boxes", () => $("draw").click()], ["z", "remove last box", undo], ["t", "type a comment", () => $("comment").focus()], ["s", "save reading", save], ["0", "fit, reset window", () => viewer.reset()],
  ["x", "smooth or patches", () => $("smooth").click()], ["l", "outlines", () => $("outlines").click()], ["v", "next colours", () => { const s = $("colours"); s.selectedIndex = (s.selectedIndex + 1) % s.options.length; colours(s.value); }],
  ["h", "past feedback", history], ["?", "this list", () => $("help-dialog").showModal()]];
for (const [key, meaning] of keys) $("keys").append(node("dt", key), node("dd", meaning));
document.addEventListener("keydown", (event) => {
  const field = event.target.closest && event.target.closest("input[type=text], textarea, select");
  if (field) { if (event.key === "Escape") field.blur(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey || element.querySelector("dialog[open]")) return;
  const found = keys.find(([key]) => key === event.key);
  if (found) { event.preventDefault(); found[2](); }
});

state.suggestions = []; state.tables = {};
call("start", {}).then((start) => {
  viewer.view.minPatches = start.min_patches; state.suggestions = start.suggestions; state.tables = start.colours;
  $("model").textContent = `model ${start.model.name} (${start.model.sha256.slice(0, 4)})`; $("model").title = start.model.sha256;
  $("colours").replaceChildren(...Object.keys(start.colours).map((name) => node("option", name, { value: name })));
  $("examples").replaceChildren(...start.examples.map((name) => { const line = node("li"), button = node("button", name.replace(/^synthetic_|\.[a-z]+$/g, "").replaceAll("_", " ")); button.title = name; button.onclick = () => openExample(name); line.append(button); return line; }));
  colours(Object.keys(start.colours)[0]);
  element.querySelector("#pc").dataset.ready = "true";
}).catch((error) => say("open-error", error.message));
