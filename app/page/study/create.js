// A new study: a form whose fields write the protocol, which may also be written by hand.
import { $, node, say } from "../dom.js";
import { busy } from "../busy.js";
import { call } from "../server.js";
import { listStudies } from "./desk.js";
import { render } from "./render.js";
import { state } from "./state.js";

const FINDINGS = ["Effusion", "Nodule", "Cardiomegaly"];
const FOLLOW_MS = 2000;
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
}

async function show() {
  say("open-error");
  say("new-error");
  const { folders, readers } = await call("study_choices");
  $("new-folder").replaceChildren(...folders.map((name) => node("option", name, { value: name })));
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
  write();
  if (!folders.length)
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
  try {
    const {
      study,
      cases,
      left_out: out,
    } = await busy("making the study …", () =>
      call("study_create", {
        name: $("new-name").value.trim(),
        folder: $("new-folder").value,
        protocol: $("new-protocol").value,
        readers: namesOf("readers", ","),
      }),
    );
    await listStudies();
    const left = out.map(({ name, reason }) => ` Left out: ${name}. ${reason}`).join("");
    const words = `Made, with ${cases} case${cases === 1 ? "" : "s"}.${left}`;
    $("home-note").textContent = words;
    followCases(study, words).catch((error) => say("open-error", error.message));
    $("new-dialog").close();
  } catch (error) {
    say("new-error", error.message);
  }
  render();
}

async function followCases(study, words) {
  // Until every case is decoded and asked; readers may begin before, and wait a little at each.
  for (;;) {
    const { cases } = await call("study_cases", { study });
    const ready = cases.filter((one) => one.ready).length;
    const all = ready === cases.length;
    $("home-note").textContent =
      `${words} ${all ? "All are ready." : `Made ready: ${ready} of ${cases.length}.`}`;
    if (all) return;
    await new Promise((done) => setTimeout(done, FOLLOW_MS));
  }
}
