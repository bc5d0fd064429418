// Asks the server. Every request carries a token that only a page of this server can get.
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

export function call(name, data = {}) {
  return send(name, JSON.stringify(data), "application/json", SILENT);
}

export function upload(name, file, options) {
  // The file's name stays here, whole: any part of it may identify a patient.
  const told = { [OPTIONS_HEADER]: JSON.stringify(options) };
  return send(name, file, "application/octet-stream", UNSENT, told);
}

export function isForgotten(error) {
  return error.status === FORGOTTEN;
}

async function send(name, body, type, failure, more = {}) {
  if (!token) await enter();
  let answer = await post(name, body, type, failure, more);
  if (answer.status === 401) {
    await enter(); // the server was restarted: to it this is a new window
    answer = await post(name, body, type, failure, more);
  }
  if (answer.reply.error) throw Object.assign(new Error(answer.reply.error), { status: answer.status });
  return answer.reply;
}

async function enter() {
  const { reply } = await post(
    "window",
    JSON.stringify({ browser: browserKey() }),
    "application/json",
    SILENT,
  );
  if (reply.error) throw new Error(reply.error);
  token = reply.window;
  keepBrowserKey(reply.browser);
}

async function post(name, body, type, failure, more = {}) {
  for (;;) {
    const answer = await postOnce(name, body, type, failure, more);
    if (!answer.reply.sign_in) return answer;
    await signInAgain(answer.reply.error); // over the page, so that nothing on it is lost
  }
}

async function postOnce(name, body, type, failure, more) {
  try {
    const headers = { "content-type": type, ...more, ...(token ? { [HEADER]: token } : {}) };
    const response = await fetch("api/" + name, { method: "POST", body, headers, cache: "no-store" });
    return { status: response.status, reply: await replyOf(response) };
  } catch (error) {
    throw new Error(failure, { cause: error });
  }
}

async function replyOf(response) {
  const type = response.headers.get("content-type");
  if (type.startsWith("application/json")) return response.json();
  const content = await response.blob();
  if (!type.startsWith(FILM)) return content;
  // An opened study: the length of its description, the description, the deflated film; see app/film.py.
  const length = new DataView(await content.slice(0, 4).arrayBuffer()).getUint32(0);
  const reply = JSON.parse(await content.slice(4, 4 + length).text());
  return { ...reply, packed: content.slice(4 + length) };
}
