// Results as files: which forms, what stands in the way of some, and what is warned of before any leaves.
import { renew } from "./asking.js";
import { $, node, say } from "./dom.js";
import { alive } from "./revival.js";
import { busy, state } from "./state.js";

const FORMS = [
  ["sr", "Structured report", "DICOM SR: answers, regions, model and its hash"],
  ["seg", "Maps", "DICOM segmentation: patch maps as fractions"],
  ["regions", "Regions", "DICOM segmentation: what is outlined, as masks"],
  ["sc", "Pictures", "DICOM secondary capture: each map over the film, with legend"],
  ["coco", "COCO", "JSON: a box for each region"],
  ["csv", "CSV", "table: a row for each region or answer"],
];
const TABLES = ["coco", "csv"];
const NO_DICOM =
  "DICOM results refer to a DICOM file of the reader's or of an archive. This study is none: COCO and CSV are what there is.";
const PATIENT =
  "DICOM results carry the patient's name and numbers as the film has them, so that an archive files them with it. COCO and CSV name nobody, unless a query does.";
const BURNT_IN =
  "⚠ Text seems to be burned into the picture and may identify the patient. Pictures would carry it on: look before you choose them.";

export function showResults() {
  const study = state.current;
  say("results-error", study ? "" : "No radiograph is open; open a file or one of the examples first.");
  for (const id of ["results-done", "figure-done"]) $(id).textContent = ""; // of another time
  $("results-of").textContent = study ? summary(study) : "";
  say("results-text", study && study.burnt_in ? BURNT_IN : "");
  say("results-dicom", study ? (study.dicom ? PATIENT : NO_DICOM) : "");
  $("results-forms").replaceChildren(...FORMS.map((form) => formNode(form, study)));
  $("results-store").hidden = !(state.archive && study && study.dicom);
  if (!$("results-dialog").open) $("results-dialog").showModal();
  $("results-save").focus();
}

function summary(study) {
  const count = study.answers.length;
  const inverted = study.inverted ? ", inverted" : "";
  return `${count} answer${count === 1 ? "" : "s"} on ${study.sha256.slice(0, 4)} ${study.view}${inverted}`;
}

function formNode([kind, name, meaning], study) {
  const possible = !!study && (study.dicom || TABLES.includes(kind));
  const box = node("input", undefined, { type: "checkbox", value: kind, disabled: !possible });
  // A picture with writing in it leaves only if it is chosen.
  box.checked = possible && !(kind === "sc" && study.burnt_in);
  const label = node("label");
  label.append(box, node("span", name), node("small", meaning));
  const line = node("li");
  line.append(label);
  return line;
}

function chosen() {
  const kinds = [...$("results-forms").querySelectorAll("input:checked")].map((box) => box.value);
  if (!kinds.length) throw new Error("Choose at least one form of the results.");
  return kinds;
}

async function make(work) {
  const study = state.current;
  say("results-error");
  $("results-done").textContent = "making results …";
  try {
    if (!study) throw new Error("No radiograph is open; open a file or one of the examples first.");
    const kinds = chosen();
    await renew(study);
    $("results-done").textContent = await busy("making results …", () => work(study, kinds));
  } catch (error) {
    $("results-done").textContent = "";
    say("results-error", error.message);
  }
}

async function save(study, kinds) {
  const needsFile = kinds.some((kind) => !TABLES.includes(kind));
  const packed = await alive(study, (id) => study.source.send("results", { study: id, kinds }, needsFile));
  const link = node("a", "", { download: `patch-clip-${study.sha256.slice(0, 8)}.zip` });
  link.href = URL.createObjectURL(packed);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  return "downloaded";
}

async function store(study, kinds) {
  const { stored } = await alive(study, (id) =>
    study.source.send("store_results", { study: id, kinds }, true),
  );
  return stored
    ? `stored in the archive: ${stored} object${stored === 1 ? "" : "s"}`
    : "nothing to store: no map is lit";
}

export function bindResults() {
  $("results").onclick = showResults;
  $("results-save").onclick = () => make(save);
  $("results-store").onclick = () => make(store);
}
