// The list of studies: a small picture, the file's name, which never leaves the browser, and what has been done.
import { node } from "./dom.js";
import { isUnsaved } from "./drafts.js";
import { state } from "./state.js";

export function studyNode(study) {
  const button = node("button", undefined, { title: study.name || study.sha256 });
  const picture = node("img", undefined, { className: "thumbnail", alt: "" });
  if (study.thumbnail) picture.src = study.thumbnail;
  button.append(picture, node("span", `${markOf(study)} ${titleOf(study)}`, { className: "title" }));
  const facts = [study.sha256.slice(0, 4), study.synthetic ? "synthetic" : study.view, doneOf(study)];
  button.append(node("small", facts.filter(Boolean).join(" · ")));
  if ([...study.drafts.values()].some(isUnsaved))
    button.append(node("small", "● not saved", { className: "unsaved" }));
  button.setAttribute("aria-current", String(study === state.current));
  button.dataset.key = study.sha256;
  const line = node("li");
  line.append(button);
  return line;
}

function titleOf({ name, sha256 }) {
  return name ? name.split("/").pop() : sha256.slice(0, 4);
}

function markOf({ judged, asked }) {
  return judged ? "✓" : asked ? "●" : "○";
}

function doneOf({ judged, asked, unseen }) {
  if (unseen) return "new";
  return judged ? "judged" : asked ? `asked ${asked}` : "not asked";
}
