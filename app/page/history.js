// Past feedback: the list, its files, and a reading that is opened again.
import { activate, ask } from "./asking.js";
import { $, node, say, short } from "./dom.js";
import { draftOf, isUnsaved, newDraft } from "./drafts.js";
import { readUnasked, readerName, withdrawRow } from "./reading.js";
import { render } from "./render.js";
import { call } from "./server.js";
import { state } from "./state.js";
import { choose } from "./studies.js";

const NOT_OPEN =
  "The film of this reading is not open here; open its file, then open the reading from this list.";
const UNSAVED = "This film has an unsaved reading of the same finding; save it or clear it first.";
const UNASKED = "The question of this reading could not be asked again; see the message below the question.";
let rows = [];

export async function showHistory() {
  const dialog = $("history-dialog");
  say("history-error");
  if (!dialog.open) dialog.showModal();
  try {
    const reply = await call("history");
    rows = reply.rows;
    const some = `The newest ${rows.length} of ${reply.total} are listed; CSV and JSON hold all of them.`;
    $("no-rows").hidden = rows.length > 0;
    say("more-rows", rows.length < reply.total ? some : "");
    $("rows").replaceChildren(...rows.map(rowNode));
  } catch (error) {
    say("history-error", error.message);
  }
}

function rowNode(row) {
  const line = node("tr", undefined, { className: row.current ? "" : "superseded" });
  const cells = [
    row.created_at.slice(0, 16).replace("T", " "),
    row.reader,
    row.image_sha256.slice(0, 4),
    row.asked ? row.query : `${row.finding} (read without asking)`,
    row.query_probability === null ? "–" : short(row.query_probability),
    row.presence,
    row.confidence === null ? "" : row.confidence,
    row.location || "",
    row.boxes.length + row.outlines.length || "",
    row.comment,
    stateOf(row),
  ];
  line.append(...cells.map((cell) => node("td", String(cell))));
  const button = node("button", "open", { className: "flat", title: "Open this reading to revise it" });
  button.onclick = () => openReading(row).catch((error) => say("history-error", error.message));
  const last = node("td");
  last.append(button);
  if (row.current && row.reader === readerName()) last.append(withdrawButton(row));
  line.append(last);
  return line;
}

function stateOf({ revision, current, withdrawn }) {
  if (withdrawn) return `${revision}, withdrawn`;
  return current ? String(revision) : `${revision}, superseded`;
}

function withdrawButton({ id, reader }) {
  const button = node("button", "withdraw", {
    className: "flat",
    title: "Take this reading back: asked twice",
  });
  button.onclick = async () => {
    if (button.textContent === "withdraw") {
      button.textContent = "really withdraw?";
      return;
    }
    try {
      await withdrawRow(id, reader);
      render();
      await showHistory();
    } catch (error) {
      say("history-error", error.message);
    }
  };
  return button;
}

async function openReading(chosen) {
  // Of a reading that was revised, the newest revision is what can be revised again, one that withdraws it too.
  const revisions = rows.filter(({ reading }) => reading === chosen.reading);
  const newest = revisions.reduce((one, other) => (other.revision > one.revision ? other : one), chosen);
  const before = revisions.find(({ id }) => id === newest.supersedes);
  const row = newest.withdrawn && before ? { ...before, id: newest.id, withdrawn: true } : newest;
  const study = state.studies.find(({ sha256 }) => sha256 === row.image_sha256);
  if (!study) throw new Error(NOT_OPEN);
  if (study !== state.current) choose(study);
  if (row.asked) await showAnswer(study, row.query);
  else readUnasked(row.finding);
  const draft = draftOf(study, state.loose);
  if (isUnsaved(draft)) throw new Error(UNSAVED);
  Object.assign(draft, draftFrom(row));
  $("history-dialog").close();
  render();
}

async function showAnswer(study, query) {
  const find = () => study.answers.find((answer) => answer.query === query);
  if (!find()) await ask(query);
  if (!find()) throw new Error(UNASKED);
  activate(find(), study);
}

function draftFrom(row) {
  const { presence, confidence, location, comment, reader, id, revision, withdrawn } = row;
  const boxes = row.boxes.map((points) => ({ kind: "box", points }));
  const others = row.outlines.map(({ kind, points }) => ({
    kind,
    points: kind === "point" ? points[0] : points,
  }));
  const own = reader === readerName();
  const stored = withdrawn ? "withdrawn; saving takes it up again" : `revision ${revision}, saved`;
  const note = own ? stored : `read by ${reader}: saving makes a reading of your own`;
  return Object.assign(newDraft(), {
    presence,
    confidence,
    location: location || "",
    comment,
    shapes: [...boxes, ...others],
    revision: 1,
    stored: 1,
    row: id,
    reader,
    note,
    withdrawn: !!withdrawn,
  });
}

export async function download(kind) {
  try {
    const { text } = await call("export", { kind });
    const type = kind === "csv" ? "text/csv" : "application/json";
    const link = node("a", "", { download: "patch-clip-feedback." + kind });
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  } catch (error) {
    say("history-error", error.message);
  }
}
