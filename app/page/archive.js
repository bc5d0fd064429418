// Films from elsewhere: found in the archive, or pushed here. What the archive answers is shown, and kept nowhere.
import { $, node, say } from "./dom.js";
import { call } from "./server.js";
import { busy, state } from "./state.js";
import { openFiles } from "./studies.js";

const FIELDS = ["study", "accession", "date", "modality"];
const ASK_AGAIN_MS = 4000;
let films = []; // that were pushed and wait

export function showArchive() {
  if (!state.archive) return;
  say("archive-error");
  if (!$("archive-dialog").open) $("archive-dialog").showModal();
  $("archive-accession").focus();
}

async function find(event) {
  event.preventDefault();
  say("archive-error");
  say("archive-more");
  $("archive-studies").replaceChildren();
  try {
    const criteria = Object.fromEntries(FIELDS.map((name) => [name, $("archive-" + name).value.trim()]));
    const { studies, more } = await busy("asking the archive …", () => call("archive_find", criteria));
    $("archive-studies").replaceChildren(...studies.map(studyNode));
    const many = `The newest ${studies.length} are listed; say more of the study to find others.`;
    say("archive-more", studies.length ? (more ? many : "") : "The archive has no such study.");
  } catch (error) {
    say("archive-error", error.message);
  }
}

function studyNode(study) {
  const line = node("li");
  const button = node("button", `${day(study.date)} ${clock(study.time)}`);
  button.append(node("small", `${study.modalities.join(", ")} ${study.description}`));
  button.onclick = () => list(study, line);
  line.append(button);
  return line;
}

async function list(study, line) {
  // A study of one film is opened at once; of others the films are listed below it.
  say("archive-error");
  try {
    const found = (await busy("asking the archive …", () => call("archive_films", { study: study.study })))
      .films;
    if (found.length === 1) return await open(study, found[0]);
    const films = node("ul");
    films.append(
      ...found.map((film, place) => filmNode(study, film, `film ${place + 1} (${film.modality})`)),
    );
    line.querySelector("ul")?.remove();
    line.append(films);
    return films.querySelector("button").focus();
  } catch (error) {
    return say("archive-error", error.message);
  }
}

function filmNode(study, film, name) {
  const line = node("li");
  const button = node("button", name);
  button.onclick = () => open(study, film).catch((error) => say("archive-error", error.message));
  line.append(button);
  return line;
}

async function open(study, { series, instance }) {
  const wanted = { study: study.study, series, instance };
  const content = await busy("fetching the film …", () => call("archive_film", wanted));
  $("archive-dialog").close();
  openFiles([new File([content], "film")], { show: true });
}

function day(date) {
  return date.replace(/^(\d{4})(\d\d)(\d\d)$/, "$1-$2-$3") || "no date";
}

function clock(time) {
  return time.replace(/^(\d\d)(\d\d).*$/, "$1:$2");
}

async function askForFilms() {
  // Whatever has arrived is listed, and takes nobody's film away.
  try {
    films = (await call("received")).films;
    renderFilms();
  } catch {
    /* the server is silent: what is done next says so, and the list stays as it is */
  }
}

function renderFilms() {
  $("received-part").hidden = !films.length;
  const before = $("received").querySelectorAll("button");
  const same =
    films.length === before.length && films.every((film, k) => before[k].dataset.key === film.film);
  if (!same) $("received").replaceChildren(...films.map(receivedNode));
}

function receivedNode({ film, arrived, kind }) {
  const time = new Date(arrived).toLocaleTimeString([], {
    hour: "2-digit",
    minute: "2-digit",
    hour12: false,
  });
  const button = node("button", `arrived ${time}`, { title: kind });
  button.append(node("small", kind));
  button.dataset.key = film;
  button.onclick = () => openReceived(film);
  const line = node("li");
  line.append(button);
  return line;
}

export async function openReceived(film = films.length ? films[0].film : null) {
  if (!film) return;
  say("open-error");
  try {
    const content = await busy("fetching the film …", () => call("received_film", { film }));
    await openFiles([Object.assign(new File([content], "film"), { received: film })], { show: true });
  } catch (error) {
    say("open-error", error.message);
  }
  askForFilms();
}

export function beginArchive({ archive, receives, searches }) {
  state.archive = archive;
  $("archive").hidden = !archive;
  $("archive-search").hidden = !searches;
  if (!receives) return;
  askForFilms();
  setInterval(askForFilms, ASK_AGAIN_MS);
}

export function bindArchive() {
  $("archive").onclick = showArchive;
  $("archive-form").onsubmit = find;
}
