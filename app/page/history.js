// Past feedback: the list, and its files.
import { $, node, say, short } from "./dom.js";
import { call } from "./server.js";

export async function showHistory() {
  const dialog = $("history-dialog");
  say("history-error");
  if (!dialog.open) dialog.showModal();
  try {
    const { rows, total } = await call("history");
    const some = `The newest ${rows.length} of ${total} are listed; CSV and JSON hold all of them.`;
    $("no-rows").hidden = rows.length > 0;
    say("more-rows", rows.length < total ? some : "");
    $("rows").replaceChildren(...rows.map(rowNode));
  } catch (error) {
    say("history-error", error.message);
  }
}

function rowNode(row) {
  const line = node("tr");
  const cells = [
    row.created_at.slice(0, 16).replace("T", " "),
    row.reader,
    row.image_sha256.slice(0, 4),
    row.query,
    row.query_probability === null ? "–" : short(row.query_probability),
    row.presence,
    row.location || "",
    row.boxes.length + row.outlines.length || "",
    row.comment,
  ];
  line.append(...cells.map((cell) => node("td", String(cell))));
  return line;
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
