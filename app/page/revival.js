// A study that the server no longer knows is made anew from its file, without a word; what was asked is asked again.
import { renew } from "./asking.js";
import { call, isForgotten, upload } from "./server.js";
import { busy } from "./state.js";

export function fileSource(file, image) {
  // Where a picture comes from, to be read again: the page keeps the file, the server does not.
  return {
    kind: "file",
    file,
    image,
    open: (reading, onFilm) => upload("open_upload", file, { image, ...reading }, onFilm),
    send: (name, options, whole) => upload(name, whole ? file : "", options),
  };
}

export function exampleSource(name) {
  return {
    kind: "example",
    name,
    open: (reading, onFilm) => call("open_example", { name, ...reading }, onFilm),
    send: (request, options) => upload(request, "", options),
  };
}

export function lostSource(name) {
  // After a reload the page has no file any more: as long as the server knows the study, nobody needs it.
  const lost = async () => {
    throw new Error(
      `${name || "This film"} must be chosen once more, since this window was opened anew; its readings are kept.`,
    );
  };
  return {
    kind: "lost",
    open: lost,
    send: (request, options, whole) => (whole ? lost() : upload(request, "", options)),
  };
}

export async function alive(study, work) {
  // `work` is given the server's name of the study; where the server has forgotten it, it is made anew and the work done again.
  try {
    return await work(study.study);
  } catch (error) {
    if (!isForgotten(error)) throw error;
    await revive(study);
    return work(study.study);
  }
}

export function callOn(study, name, data = {}) {
  return alive(study, (id) => call(name, { ...data, study: id }));
}

function revive(study) {
  if (!study.revival) study.revival = remake(study).finally(() => (study.revival = null));
  return study.revival;
}

async function remake(study) {
  const again = await busy("reading and encoding …", () => study.source.open(study.reading));
  const { study: id, sha256, model } = again;
  if (sha256 !== study.sha256)
    throw new Error("The file has changed since it was opened; open it again as another study.");
  Object.assign(study, { study: id, model }); // another model may answer by now
  await renew(study);
}
