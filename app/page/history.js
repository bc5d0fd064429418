// Past feedback: the list, its files, and a reading that is opened again.
import { activate, ask } from "./asking.js";
import { $, node, say, short } from "./dom.js";
import { draftOf, isUnsaved, newDraft } from "./drafts.js";
import { isSignedIn } from "./person.js";
import { readUnasked, readerName, withdrawRow } from "./reading.js";
import { render } from "./render.js";
import { call } from "./server.js";
import { state } from "./state.js";
import { choose } from "./studies.js";

const NOT_OPEN =
  "The film of this reading is not open here; open its file, then open the reading from this list.";
const UNSAVED = "This film has an unsaved reading of the same finding; save it or clear it first.";
const UNASKED = "The question of this reading could not be asked again; see the message below the question.";
const NO_ROWS = "No feedback yet.";
const NO_NAME = "Type your name or initials as reader: your own readings are listed then.";
const NO_FILE =
  "Type your name or initials as reader to export your readings, or choose those of all readers.";
let rows = [];

export function showHistory() {
  // Where nobody signs in: one's own readings, by the name typed as reader; everybody's only when that is chosen, each time anew.
  const dialog = $("history-dialog");
  $("everybody").checked = false;
  $("everybody-label").hidden = isSignedIn();
  if (!dialog.open) dialog.showModal();
  return listHistory();
}

function whose() {
  // As the server wants it: nothing where it knows who asks, or where everybody's are wanted.
  return isSignedIn() || $("everybody").checked ? {} : { reader: readerName() };
}

export async function listHistory() {
  say("history-error");
  const asked = whose();
  const nobody = asked.reader === "";
  try {
    const reply = nobody ? { rows: [], total: 0 } : await call("history", asked);
    if (asked.reader !== whose().reader) return; // others were asked for meanwhile
    rows = reply.rows;
    const some = `The newest ${rows.length} of ${reply.total} are listed; CSV and JSON hold all of them.`;
    say("no-rows", rows.length ? "" : nobody ? NO_NAME : NO_ROWS);
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
  button.dataset.key = row.reading;
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

function withdrawButton({ id, reader, reading }) {
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
      await listHistory();
      $("rows").querySelector(`[data-key="${reading}"]`)?.focus(); // what was pressed is gone
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
    const asked = whose();
    if (asked.reader === "") throw new Error(NO_FILE);
    const { text } = await call("export", { kind, ...asked });
    const type = kind === "csv" ? "text/csv" : "application/json";
    const link = node("a", "", { download: "patch-clip-feedback." + kind });
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  } catch (error) {
    say("history-error", error.message);
  }
}
