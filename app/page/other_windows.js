// What the windows of one browser tell one another: the name and the file of a film that is open in both. Neither goes to the server.
import { render } from "./render.js";
import { fileSource, lostSource } from "./revival.js";
import { state } from "./state.js";

const channel = new BroadcastChannel("patch-clip-films");
let person = ""; // who is signed in; another's films are no business of theirs

export function heedOtherWindows(signedIn) {
  person = signedIn;
  channel.onmessage = ({ data }) => {
    if (data.person !== person) return;
    const study = state.studies.find(({ sha256 }) => sha256 === data.sha256);
    if (study && data.wanted) tell(study);
    else if (study) take(study, data);
  };
}

export function askOtherWindows({ sha256 }) {
  channel.postMessage({ wanted: true, person, sha256 });
}

function tell({ sha256, name, source }) {
  const { file = null, image = null } = source;
  if (name || file) channel.postMessage({ wanted: false, person, sha256, name, file, image });
}

function take(study, { name, file, image }) {
  if (study.source.kind !== "lost") return;
  if (!study.name) study.name = name;
  study.source = file ? fileSource(file, image ?? undefined) : lostSource(study.name);
  render();
}
