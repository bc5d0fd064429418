// The reader's judgement: one draft for each answer, kept whatever happens; saving it, and what was saved in the past.
function newDraft() {
  // `revision` counts changes; `kept` is the revision that was stored last, by `reader`. `note` and `error` belong to this reading alone.
  return {
    presence: "",
    location: "",
    comment: "",
    boxes: [],
    revision: 0,
    kept: 0,
    reader: "",
    saving: false,
    note: "",
    error: "",
  };
}
function draft(study = state.current) {
  if (!study) return state.loose;
  const key = study.active ? study.active.query : "";
  if (!study.drafts.has(key)) study.drafts.set(key, newDraft());
  return study.drafts.get(key);
}
function changed() {
  const d = draft();
  d.revision++;
  if (!d.saving) d.note = "";
}
function unsaved(d) {
  return d.revision !== d.kept && !!(d.kept || d.presence || d.location || d.comment || d.boxes.length);
}
function set(kind, value) {
  const d = draft();
  d[kind] = d[kind] === value ? "" : value;
  changed();
  render();
}
function undo() {
  const d = draft();
  if (d.boxes.pop()) changed();
  render();
}

async function save() {
  const study = state.current,
    answer = study && study.active,
    d = draft(),
    v = viewer.view,
    reader = $("reader").value.trim();
  if (d.saving || (d.kept && d.kept === d.revision && d.reader === reader)) return; // on its way, or stored already: a second row would say the same
  const sent = d.revision,
    reading = {
      presence: d.presence,
      location: d.location,
      comment: d.comment,
      boxes: d.boxes.map((box) => [...box]),
      reader,
      display: {
        view: v.mode,
        opacity: v.opacity,
        threshold: v.threshold,
        colours: v.tableName,
        smooth: v.smooth,
      },
    };
  Object.assign(d, { saving: true, note: "saving …", error: "" });
  render();
  try {
    if (!answer) throw new Error("Ask a question and choose its answer before saving a reading.");
    await renew(study);
    const reply = await call("save", { ...reading, study: study.study, query: answer.query });
    const time = new Date(reply.saved).toLocaleTimeString([], {
      hour: "2-digit",
      minute: "2-digit",
      hour12: false,
    });
    Object.assign(d, {
      kept: sent,
      reader,
      note: `saved, ${time}` + (d.revision === sent ? "" : "; changed since, not saved yet"),
    });
    study.judged++;
  } catch (error) {
    Object.assign(d, { note: "", error: error.message });
  }
  d.saving = false;
  render();
}
window.addEventListener("beforeunload", (event) => {
  const drafts = [state.loose, ...state.studies.flatMap((study) => [...study.drafts.values()])];
  if (drafts.some(unsaved)) {
    event.preventDefault();
    event.returnValue = "";
  }
});

// --- past feedback
async function history() {
  const dialog = $("history-dialog");
  say("history-error");
  if (!dialog.open) dialog.showModal();
  try {
    const { rows, total } = await call("history", {});
    $("no-rows").hidden = rows.length > 0;
    say(
      "more-rows",
      rows.length < total
        ? `The newest ${rows.length} of ${total} are listed; CSV and JSON hold all of them.`
        : "",
    );
    $("rows").replaceChildren(
      ...rows.map((row) => {
        const line = node("tr");
        for (const cell of [
          row.created_at.slice(0, 16).replace("T", " "),
          row.reader,
          row.image_sha256.slice(0, 4),
          row.query,
          row.in_vocabulary ? short(row.probability) : "–",
          row.presence,
          row.location || "",
          row.boxes.length || "",
          row.comment,
        ])
          line.append(node("td", String(cell)));
        return line;
      }),
    );
  } catch (error) {
    say("history-error", error.message);
  }
}
async function download(kind) {
  try {
    const { text } = await call("export", { kind }),
      link = node("a", "", { download: "patch-clip-feedback." + kind });
    link.href = URL.createObjectURL(
      new Blob([text], { type: kind === "csv" ? "text/csv" : "application/json" }),
    );
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  } catch (error) {
    say("history-error", error.message);
  }
}
