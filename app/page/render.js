// Draws everything from the state: lists, controls, captions, legend. Changes nothing but the page.
function short(value) {
  return value.toFixed(2).replace(/^0/, "");
}
function floored(value) {
  return short(Math.floor(value * 100 + 1e-6) / 100);
} // what lies below a threshold must not be written as if it reached it
function node(tag, text, properties) {
  return Object.assign(
    document.createElement(tag),
    text === undefined ? {} : { textContent: text },
    properties || {},
  );
}
function say(id, text = "") {
  const place = $(id);
  if (place.textContent !== text) place.textContent = text;
  place.hidden = !text;
} // the same words again would be read out again
function refill(place, nodes) {
  // Replaces the children; the one that had the focus has it again.
  const key = place.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  place.replaceChildren(...nodes);
  const again =
    key === undefined
      ? null
      : [...place.querySelectorAll("[data-key]")].find((item) => item.dataset.key === key);
  if (again) again.focus({ preventScroll: true });
}

function render() {
  const study = state.current,
    answer = study && study.active,
    v = viewer.view,
    d = draft();
  v.map = answer ? answer.map : null;
  v.saliency = answer ? answer.saliency || null : null;
  v.boxes = d.boxes;
  if (state.threshold === null && answer) $("threshold").value = answer.threshold;
  v.threshold = Number($("threshold").value); // as the slider rounds it: what is painted is what is written
  $("empty").hidden = !!study;
  refill($("studies"), state.studies.map(studyNode));
  $("image-warnings").replaceChildren(
    ...(study
      ? [
          ...(study.synthetic ? ["Synthetic radiograph, drawn by a program: no patient."] : []),
          ...study.warnings,
        ]
      : []
    ).map((text) => node("li", text)),
  );
  $("no-answers").hidden = !!(study && study.answers.length);
  $("answers").hidden = !$("no-answers").hidden;
  refill(
    $("answers"),
    (study ? study.answers : []).map((item) => answerNode(item, item === answer)),
  );
  chips();
  choices("view", v.mode);
  choices("presence", d.presence);
  choices("location", d.location);
  $("draw").setAttribute("aria-pressed", String(v.drawing));
  $("canvas").classList.toggle("drawing", v.drawing);
  $("boxes").textContent = d.boxes.length
    ? `${d.boxes.length} box${d.boxes.length > 1 ? "es" : ""}`
    : "no boxes";
  $("undo").disabled = !d.boxes.length;
  if ($("comment").value !== d.comment) $("comment").value = d.comment;
  $("save").setAttribute("aria-disabled", String(d.saving));
  say("save-error", d.error);
  if ($("saved").textContent !== d.note) $("saved").textContent = d.note;
  $("reading-of").textContent = answer ? "· " + answer.finding : "";
  $("curtain-label").hidden = v.mode !== "compare";
  $("opacity-out").textContent = short(v.opacity);
  $("threshold-out").textContent = short(v.threshold);
  const times = study
    ? [`decode ${Math.round(study.decode_ms)}`, `encode ${Math.round(study.encode_ms)}`]
    : [];
  if (study && study.queryMs !== undefined) times.push(`query ${Math.round(study.queryMs)}`);
  if (answer && answer.saliencyMs !== undefined) times.push(`Grad-CAM ${Math.round(answer.saliencyMs)}`);
  $("times").textContent = times.length ? times.join(" · ") + " ms" : "";
  $("times").title = "milliseconds that each step took";
  viewer.draw();
  caption(answer);
  legend();
}
function studyNode(item) {
  const mark = item.judged ? "✓" : item.asked ? "●" : "○",
    line = node("li"),
    button = node("button", `${mark} ${item.sha256.slice(0, 4)} ${item.synthetic ? "synthetic" : item.view}`);
  button.append(
    node(
      "small",
      item.unseen ? "new" : item.judged ? "judged" : item.asked ? `asked ${item.asked}` : "not asked",
    ),
  );
  button.setAttribute("aria-current", String(item === state.current));
  button.dataset.key = item.sha256;
  button.onclick = () => choose(item);
  line.append(button);
  return line;
}
function answerNode(item, selected) {
  const line = node("li"),
    head = node("div", undefined, { className: "answer-head" });
  line.setAttribute("role", "option");
  line.setAttribute("aria-selected", String(selected));
  line.tabIndex = selected ? 0 : -1;
  line.dataset.key = item.query;
  head.append(
    node("span", "", { className: "swatch" }),
    node("span", item.query, { className: "name", title: item.query }),
  );
  if (item.probability === null) head.append(node("span", "–", { className: "number" }), node("span"));
  else {
    const bar = node("span", undefined, { className: "bar" }),
      fill = node("i");
    fill.style.width = 100 * item.probability + "%";
    bar.append(fill);
    bar.setAttribute("aria-hidden", "true");
    head.append(node("span", short(item.probability), { className: "number" }), bar);
  }
  line.append(head);
  if (item.in_vocabulary && item.understood !== item.query.toLowerCase())
    line.append(node("small", "→ " + item.understood));
  for (const text of item.warnings) line.append(node("small", "⚠ " + text, { className: "warn" }));
  line.onclick = () => activate(item);
  return line;
}
function chips() {
  const place = $("chips"),
    texts = [...state.recent, ...state.suggestions.filter((name) => !state.recent.includes(name))].slice(
      0,
      8,
    );
  refill(
    place,
    texts.map((text) => {
      const chip = node("button", text, {
        title: text,
        onclick: () => {
          $("query").value = text;
          ask(text);
        },
      });
      chip.dataset.key = text;
      return chip;
    }),
  );
  const bottom = place.getBoundingClientRect().bottom;
  for (const chip of [...place.children].filter((item) => item.getBoundingClientRect().bottom > bottom + 1))
    chip.hidden = true; // what is cut off must not take the focus
}
function choices(kind, value) {
  // A group of radio buttons is one stop of the Tab key: the chosen one, or the first.
  const buttons = all(`[data-${kind}]`),
    chosen = buttons.find((button) => button.dataset[kind] === value);
  for (const button of buttons) {
    button.setAttribute("aria-checked", String(button === chosen));
    button.tabIndex = button === (chosen || buttons[0]) ? 0 : -1;
  }
}
function caption(answer) {
  const v = viewer.view,
    counts = viewer.regions(),
    words = (n) => `${n} region${n === 1 ? "" : "s"}`,
    shown = !!answer && v.mode !== "image";
  let text = "";
  if (!shown) text = "";
  else if (!answer.in_vocabulary) text = "far from what this model has learnt: no map shown";
  else if (answer.map.max < v.threshold)
    text = `${answer.finding}: nothing above ${short(v.threshold)}; highest ${floored(answer.map.max)}`;
  else if (!counts.map)
    text = `${answer.finding}: no region above ${short(v.threshold)}; a spot too small to count reaches ${floored(answer.map.max)}`;
  else if (v.mode === "map") text = `${answer.finding}: ${words(counts.map)} above ${short(v.threshold)}`;
  $("caption").replaceChildren(...(text ? [node("span", text)] : []));
  $("tags").hidden = !(shown && v.mode === "compare");
  if (!$("tags").hidden) {
    $("tag-left").textContent = `patch map: ${words(counts.map)}`;
    $("tag-right").textContent = !answer.in_vocabulary
      ? "Grad-CAM: not computed"
      : answer.saliency
        ? `Grad-CAM, relative, no probability: ${words(counts.saliency)}`
        : answer.saliencyError
          ? `Grad-CAM failed: ${answer.saliencyError} (c tries again)`
          : "Grad-CAM …";
    $("tag-right").classList.toggle("failed", !!(answer.saliencyError && !answer.saliency));
    text = [text, $("tag-left").textContent, $("tag-right").textContent].filter(Boolean).join("; ");
  }
  speak(text);
}
let speaking = 0;
function speak(text) {
  // For screen readers, once the slider has come to rest: at each step they would be read a sentence.
  clearTimeout(speaking);
  speaking = setTimeout(() => {
    if ($("spoken").textContent !== text) $("spoken").textContent = text;
  }, 700);
}
function legend() {
  const canvas = $("legend"),
    context = canvas.getContext("2d"),
    v = viewer.view;
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (!v.table) return;
  for (let x = 0; x < canvas.width; x++) {
    const value = x / (canvas.width - 1),
      [r, g, b] = v.table[Math.round(value * 255)];
    context.fillStyle = value < v.threshold ? "#1d232a" : `rgb(${r},${g},${b})`;
    context.fillRect(x, 0, 1, canvas.height);
  }
  context.fillStyle = "#e6e9ed";
  context.fillRect(Math.round(v.threshold * (canvas.width - 1)), 0, 1, canvas.height);
}
