// What is on screen as a figure for a paper or a mail, and the maps as numbers. Both say what they are and what they are not.
import { $, floored, node, say, short } from "./dom.js";
import { keysOnScreen } from "./compared.js";
import { PATCH_MAP } from "./maps.js";
import { note } from "./note.js";
import { panesOnScreen } from "./panes.js";
import { renew } from "./asking.js";
import { callOn } from "./revival.js";
import { rgb } from "./colours.js";
import { drawMarks } from "./film/marks.js";
import { sidesTitle, sideWords } from "./sides.js";
import { busy, state, viewer } from "./state.js";

const NOTICE = "Research use only, not for clinical use";
const NOT_COPIED =
  "This browser lets no page copy a picture here (it does on this machine and by https); save the figure instead.";
const NOTHING = "Nothing was asked yet, so there is no map; ask a question first.";

export function figure() {
  // A canvas: the films on screen with a title and a caption each, below them legend, query, model and label.
  const study = state.current;
  const answer = study && study.active;
  if (!study) throw new Error("No radiograph is open; open a file or one of the examples first.");
  const first = drawMarks(viewer, viewer.snapshot());
  const own = { canvas: first, title: titleHere(), words: wordsHere() };
  const films = [own, ...panesOnScreen()];
  const ratio = window.devicePixelRatio || 1;
  const type = 13 * ratio;
  const line = Math.round(1.45 * type);
  const columns = films.length === 1 ? 1 : 2;
  const rows = Math.ceil(films.length / columns);
  const cell = { width: first.width, height: first.height + 4 * line };
  const picture = node("canvas");
  Object.assign(picture, { width: columns * cell.width, height: rows * cell.height + 5 * line });
  const context = picture.getContext("2d");
  context.fillStyle = css("--film");
  context.fillRect(0, 0, picture.width, picture.height);
  context.textBaseline = "top";
  films.forEach((film, k) => {
    const [x, y] = [(k % columns) * cell.width, Math.floor(k / columns) * cell.height];
    write(context, [film.title], x + 8, y + 4, `600 ${type}px system-ui, sans-serif`, css("--text"));
    context.drawImage(film.canvas, x, y + line + 4);
    const words = wrap(context, film.words, cell.width - 16, `${type}px system-ui, sans-serif`).slice(0, 3);
    write(
      context,
      words,
      x + 8,
      y + line + 4 + first.height,
      `${type}px system-ui, sans-serif`,
      css("--text"),
    );
  });
  const below = rows * cell.height;
  drawLegend(context, 8, below + 6, 12 * type, 0.8 * type);
  const plain = `${type}px system-ui, sans-serif`;
  write(context, [`0 to 1 (${viewer.view.tableName})`], 16 + 12 * type, below + 4, plain, css("--text"));
  const facts = [queryWords(answer), `${$("model").textContent}; SHA-256 ${$("model").title}`, NOTICE];
  const lines = facts.flatMap((text) => wrap(context, text, picture.width - 16, plain));
  write(context, lines.slice(0, 4), 8, below + line + 6, plain, css("--text"));
  return picture;
}

function titleHere() {
  const { mode } = viewer.view;
  if (mode === "image") return "film";
  return mode === "compare" ? sidesTitle() : "patch map";
}

function wordsHere() {
  const said = [...$("caption").children].map(({ textContent }) => textContent);
  return [...said, ...(viewer.view.mode === "compare" ? sideWords() : [])].join("; ");
}

function queryWords(answer) {
  if (!answer) return "nothing asked";
  const number = answer.probability === null ? "no probability" : `P ${floored(answer.probability)}`;
  return `“${answer.query}”: ${number}; lit from ${short(viewer.view.threshold)}`;
}

function drawLegend(context, x, y, width, height) {
  const { table } = viewer.view;
  for (let k = 0; table && k < width; k++) {
    context.fillStyle = `rgb(${table[Math.round((255 * k) / width)].join()})`;
    context.fillRect(x + k, y, 1, height);
  }
}

function wrap(context, text, width, font) {
  context.font = font;
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (lines.at(-1) && context.measureText(longer).width > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

function write(context, lines, x, y, font, colour) {
  Object.assign(context, { font, fillStyle: colour });
  const step = parseFloat(font.match(/[\d.]+px/)[0]) * 1.45;
  lines.forEach((text, k) => context.fillText(text, x, y + k * step));
}

const png = () => new Promise((resolve) => figure().toBlob(resolve, "image/png"));

async function copy() {
  if (!navigator.clipboard || !window.ClipboardItem) throw new Error(NOT_COPIED);
  try {
    await navigator.clipboard.write([new window.ClipboardItem({ "image/png": await png() })]);
  } catch (error) {
    throw new Error(NOT_COPIED, { cause: error });
  }
  return "figure copied";
}

async function save() {
  hand(await png(), "png");
  return "figure saved";
}

async function maps() {
  const study = state.current;
  const answer = study && study.active;
  if (!answer) throw new Error(NOTHING);
  await renew(study);
  const methods = answer.in_vocabulary ? keysOnScreen().filter((key) => key !== PATCH_MAP) : [];
  const request = { query: answer.query, methods };
  hand(await busy("making a file of the maps …", () => callOn(study, "maps", request)), "npz");
  return "maps saved";
}

function hand(content, end) {
  const link = node("a", "", { download: `patch-clip-${state.current.sha256.slice(0, 8)}.${end}` });
  link.href = URL.createObjectURL(content);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function run(work) {
  say("figure-error");
  $("figure-done").textContent = "";
  try {
    $("figure-done").textContent = await work();
  } catch (error) {
    say("figure-error", error.message);
  }
  // By a key the dialog is closed.
  if (!$("results-dialog").open) note($("figure-done").textContent || $("figure-error").textContent);
}

export const copyFigure = () => run(copy);
export const saveFigure = () => run(save);

export function bindFigure() {
  $("copy-figure").onclick = copyFigure;
  $("save-figure").onclick = saveFigure;
  $("save-maps").onclick = () => run(maps);
}

function css(variable) {
  // A colour of the style sheet, as a canvas takes it.
  return `rgb(${rgb(variable).join()})`;
}
