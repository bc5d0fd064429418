// A note over the film that goes by itself.
import { say } from "./dom.js";

const NOTE_MS = 5000;

let noting = 0;

export function note(text) {
  say("note", text);
  clearTimeout(noting);
  noting = setTimeout(() => say("note"), NOTE_MS);
}
