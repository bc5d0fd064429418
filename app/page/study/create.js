// A new study: a form whose fields write the protocol, which may also be written by hand.
import { $, node, say } from "../dom.js";
import { busy } from "../busy.js";
import { call } from "../server.js";
import { followCreations } from "./creations.js";
import { render } from "./render.js";
import { state } from "./state.js";

const FINDINGS = ["Effusion", "Nodule", "Cardiomegaly"];
const ARCHIVE = "DICOMWEB:"; // begins the place of films that lie there
const PATCH_MAP = { key: "patch", title: "patch map" };
const FIELDS = [
  "name",
  "findings",
  "arms",
  "washout",
  "map-a",
  "map-b",
  "order",
  "seed",
  "confidence",
  "boxes",
  "probability",
];

export function bindCreating() {
  $("new").onclick = () => show().catch((error) => say("open-error", error.message));
  $("new-form").onsubmit = (event) => {
    event.preventDefault();
    create();
  };
  for (const field of FIELDS) $(`new-${field}`).addEventListener("input", write);
  $("new-folder").addEventListener("input", place);
}

function options(names) {
  return names.map((name) => node("option", name === "." ? "the whole folder" : name, { value: name }));
}

function group(label, names) {
  const made = node("optgroup", undefined, { label });
  made.append(...options(names));
  return made;
}

function place() {
  // What else must be known of where the cases are.
  const chosen = $("new-folder").selectedOptions[0];
  const fromArchive = !!chosen && chosen.value === ARCHIVE;
  $("new-archive-label").hidden = !fromArchive;
  $("new-archive").required = fromArchive;
  $("new-truth").disabled = !!chosen && chosen.parentElement.label === "manifests";
}

async function show() {
  say("open-error");
  say("new-error");
  const { folders, tables, archive, readers } = await call("study_choices");
  const places = [group("folders", folders), group("manifests", tables)];
  if (archive) places.push(node("option", "the archive", { value: ARCHIVE }));
  $("new-folder").replaceChildren(...places.filter(({ childElementCount: any, value }) => any || value));
  for (const table of ["truth", "boxes-table"])
    $(`new-${table}`).replaceChildren(node("option", "none", { value: "" }), ...options(tables));
  $("new-people").replaceChildren(...readers.map((name) => node("option", undefined, { value: name })));
  if (!$("new-readers").value) $("new-readers").value = readers.join(", ");
  if (!$("new-findings").value) $("new-findings").value = FINDINGS.join("\n");
  const methods = [PATCH_MAP, ...state.methods];
  for (const [letter, key] of Object.entries({ a: PATCH_MAP.key, b: "grad_cam" })) {
    const none = node("option", "none", { value: "" });
    $(`new-map-${letter}`).replaceChildren(
      ...methods.map(({ key: value, title }) => node("option", title, { value })),
      none,
    );
    $(`new-map-${letter}`).value = key;
  }
  place();
  write();
  if (!folders.length && !archive)
    say("new-error", "The server has no folder of cases; name one with --study-cases when it is started.");
  $("new-dialog").showModal();
}

function write() {
  // The protocol as its fields have it.
  const field = (name) => $(`new-${name}`);
  const arms = field("arms").value.split(",");
  const maps = ["a", "b"].filter((letter) => field(`map-${letter}`).value);
  const aided = arms.some((arm) => arm !== "unaided");
  field("washout").disabled = arms.length < 2;
  for (const letter of ["a", "b"]) field(`map-${letter}`).disabled = !aided;
  const lines = [
    ["title", text(field("name").value.trim())],
    ["findings", `[${namesOf("findings", "\n").map(text).join(", ")}]`],
    ["arms", `[${arms.map(text).join(", ")}]`],
    ["seed", String(field("seed").valueAsNumber || 0)],
    ["washout_days", String(arms.length < 2 ? 0 : field("washout").valueAsNumber || 0)],
    ["confidence", String(field("confidence").checked)],
    ["probability", String(field("probability").checked)],
    ["boxes", text(field("boxes").checked ? "optional" : "none")],
    ["order", text(field("order").value)],
  ];
  if (aided && maps.length) {
    const named = maps.map((letter) => `${letter.toUpperCase()} = ${text(field(`map-${letter}`).value)}`);
    lines.push(["maps", `{ ${named.join(", ")} }`]);
  }
  field("protocol").value = lines.map(([key, value]) => `${key} = ${value}\n`).join("");
}

function namesOf(name, separator) {
  return $(`new-${name}`)
    .value.split(separator)
    .map((part) => part.trim())
    .filter(Boolean);
}

function text(value) {
  return JSON.stringify(value); // a basic string of TOML has the same escapes
}

async function create() {
  say("new-error");
  const films = $("new-folder").value;
  try {
    await busy("beginning …", () =>
      call("study_create", {
        name: $("new-name").value.trim(),
        folder: films === ARCHIVE ? ARCHIVE + $("new-archive").value.trim() : films,
        truth: $("new-truth").disabled ? "" : $("new-truth").value,
        boxes: $("new-boxes-table").value,
        protocol: $("new-protocol").value,
        readers: namesOf("readers", ","),
      }),
    );
    $("new-dialog").close();
    followCreations();
  } catch (error) {
    say("new-error", error.message);
  }
  render();
}
