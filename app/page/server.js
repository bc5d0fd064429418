// Asks the server. Every request carries a token that only a page of this server can get.
const HEADER = "x-patch-clip-window";
const OPTIONS_HEADER = "x-patch-clip-options"; // of a request whose body is a file: the rest of it
const SILENT = "The server does not answer; check that it is running, then try again.";
const UNSENT = "The file could not be sent; it may be too large or the server may have stopped. Try again.";
let token = null;

export function call(name, data = {}) {
  return send(name, JSON.stringify(data), "application/json", SILENT);
}

export function upload(name, file, options) {
  // The file's name stays here, whole: any part of it may identify a patient.
  const told = { [OPTIONS_HEADER]: JSON.stringify(options) };
  return send(name, file, "application/octet-stream", UNSENT, told);
}

async function send(name, body, type, failure, more = {}) {
  if (!token) await enter();
  let answer = await post(name, body, type, failure, more);
  if (answer.status === 401) {
    await enter(); // the server was restarted: to it this is a new window
    answer = await post(name, body, type, failure, more);
  }
  if (answer.reply.error) throw new Error(answer.reply.error);
  return answer.reply;
}

async function enter() {
  const { reply } = await post("window", "", "application/json", SILENT);
  if (reply.error) throw new Error(reply.error);
  token = reply.window;
}

async function post(name, body, type, failure, more = {}) {
  try {
    const headers = { "content-type": type, ...more, ...(token ? { [HEADER]: token } : {}) };
    const response = await fetch("api/" + name, { method: "POST", body, headers, cache: "no-store" });
    const isJson = response.headers.get("content-type").startsWith("application/json");
    return { status: response.status, reply: await (isJson ? response.json() : response.blob()) };
  } catch (error) {
    throw new Error(failure, { cause: error });
  }
}
