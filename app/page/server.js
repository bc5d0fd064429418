// Asks the server. Every request carries a token that only a page of this server can get.
import { bodyOf } from "./body.js";
import { packedOf } from "./film/grey.js";
import { browserKey, keepBrowserKey, kept } from "./memory.js";
import { signInAgain } from "./sign_in_again.js";

const HEADER = "x-patch-clip-window";
const OPTIONS_HEADER = "x-patch-clip-options"; // of a request whose body is a file: the rest of it
const SILENT = "The server does not answer; check that it is running, then try again.";
const UNSENT = "The file could not be sent; it may be too large or the server may have stopped. Try again.";
const FILM = "application/x-patch-clip-film";
const FORGOTTEN = 410; // the status of a study that is no longer in the server's memory
let token = (kept && kept.token) || null;

export function windowToken() {
  return token;
}

export function call(name, data = {}, onFilm = () => {}) {
  // `onFilm({ size, film, preview, packed })` hears of the film of a study that is being opened as soon as its preview is there; `packed`
  // is a promise of the rest.
  return send(name, JSON.stringify(data), { type: "application/json", failure: SILENT, onFilm });
}

export function upload(name, file, options, onFilm = () => {}) {
  // The file's name stays here, whole: any part of it may identify a patient.
  const more = { [OPTIONS_HEADER]: JSON.stringify(options) };
  return send(name, file, { type: "application/octet-stream", failure: UNSENT, more, onFilm });
}

export function isForgotten(error) {
  return error.status === FORGOTTEN;
}

async function send(name, body, how) {
  if (!token) await enter();
  let answer = await post(name, body, how);
  if (answer.status === 401) {
    await enter(); // the server was restarted: to it this is a new window
    answer = await post(name, body, how);
  }
  if (answer.reply.error) throw Object.assign(new Error(answer.reply.error), { status: answer.status });
  return answer.reply;
}

async function enter() {
  const body = JSON.stringify({ browser: browserKey() });
  const { reply } = await post("window", body, { type: "application/json", failure: SILENT });
  if (reply.error) throw new Error(reply.error);
  token = reply.window;
  keepBrowserKey(reply.browser);
}

async function post(name, body, how) {
  for (;;) {
    const answer = await postOnce(name, body, how);
    if (!answer.reply.sign_in) return answer;
    await signInAgain(answer.reply.error); // over the page, so that nothing on it is lost
  }
}

async function postOnce(name, body, { type, failure, more = {}, onFilm }) {
  try {
    const headers = { "content-type": type, ...more, ...(token ? { [HEADER]: token } : {}) };
    const response = await fetch("api/" + name, { method: "POST", body, headers, cache: "no-store" });
    return { status: response.status, reply: await replyOf(response, onFilm) };
  } catch (error) {
    throw new Error(failure, { cause: error });
  }
}

async function replyOf(response, onFilm) {
  const type = response.headers.get("content-type");
  if (type.startsWith("application/json")) return response.json();
  if (!type.startsWith(FILM)) return response.blob();
  // An opened study: the length of its description, the description, the preview, the film, what the model says; see app/film.py.
  const body = bodyOf(response);
  const {
    preview_level: level,
    preview_bytes,
    ...head
  } = JSON.parse(new TextDecoder().decode(await body.take(await lengthIn(body))));
  if (preview_bytes === undefined) return { ...head, packed: await body.rest() };
  const preview = preview_bytes ? { level, bytes: await body.take(preview_bytes) } : null;
  const packed = filmIn(body);
  onFilm({ ...head, preview, packed });
  const film = await packed.catch(() => null); // why there is none stands in what follows
  return { ...head, packed: film, ...JSON.parse(await (await body.rest()).text()) };
}

async function lengthIn(body) {
  return new DataView((await body.take(4)).buffer).getUint32(0);
}

async function filmIn(body) {
  const length = await lengthIn(body);
  if (!length) throw new Error("the film could not be made");
  return packedOf(await body.take(length));
}
