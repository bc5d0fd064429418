// What a folder or a file of several images holds: the reader chooses.
import { $, node, say } from "./dom.js";

const MOST = 1000; // lines that the list shows

export function pathOf(file) {
  return file.path || file.webkitRelativePath || file.name;
}

export function isHidden(path) {
  return path.split("/").some((part) => part.startsWith(".") || part.toUpperCase() === "DICOMDIR");
}

export function contentsOf(file, reply) {
  const items = reply.images.map((inner, image) => ({ file, image, name: file.name + join(inner) }));
  return { items, total: reply.total, leftOut: reply.left_out };
}

function join(inner) {
  return inner.startsWith("#") ? `, image ${inner.slice(1)}` : ` / ${inner.replace("#", ", image ")}`;
}

export function offer(groups, open) {
  const items = groups.flatMap((group) => group.items);
  const total = groups.reduce((sum, group) => sum + (group.total || group.items.length), 0);
  const leftOut = groups.flatMap((group) => group.leftOut);
  const lines = items.slice(0, MOST).map(lineOf);
  $("contents").replaceChildren(...lines.map((line) => line.whole));
  say("contents-more", total > lines.length ? `The first ${lines.length} of ${total} are listed.` : "");
  say("contents-left", leftOut.map(({ name, reason }) => `${name}: ${reason}`).join(" "));
  $("contents-open").onclick = () => {
    $("contents-dialog").close();
    open(items.filter((_, place) => place < MOST && lines[place].box.checked));
  };
  if (!$("contents-dialog").open) $("contents-dialog").showModal();
  if (lines.length) lines[0].box.focus();
}

function lineOf({ name }) {
  const box = node("input", undefined, { type: "checkbox" });
  const label = node("label");
  label.append(box, " " + name);
  const whole = node("li");
  whole.append(label);
  return { whole, box };
}

export async function filesOf(transfer) {
  // Dropped folders are walked; their files come with a path.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.());
  const files = [...transfer.files];
  if (!entries.some((entry) => entry?.isDirectory)) return { files, folder: false };
  const walked = await Promise.all(entries.filter(Boolean).map(walk));
  return { files: walked.flat(), folder: true };
}

async function walk(entry) {
  if (entry.isFile) {
    const file = await new Promise((take, fail) => entry.file(take, fail));
    return [Object.assign(file, { path: entry.fullPath.slice(1) })];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((take, fail) => reader.readEntries(take, fail));
    if (!some.length) break;
    found.push(...some);
  }
  return (await Promise.all(found.map(walk))).flat();
}
