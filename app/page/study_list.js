// The list of studies: a small picture, the file's name, which never leaves the browser, and what has been done.
import { node } from "./dom.js";
import { isUnsaved } from "./drafts.js";
import { state } from "./state.js";

const LONGEST_NAME = 24; // three lines of the narrowest list

export function studyNode(study) {
  const button = node("button", undefined, { title: study.name || study.sha256 });
  const picture = node("img", undefined, { className: "thumbnail", alt: "" });
  if (study.thumbnail) picture.src = study.thumbnail;
  const title = titleOf(study);
  const className = title.length < LONGEST_NAME ? "title" : "title long";
  button.append(node("span", `${markOf(study)}\u00a0${title}`, { className }), picture);
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
  return name ? shortened(name.split("/").pop()) : sha256.slice(0, 4);
}

export function shortened(name) {
  // What tells names of one series apart is mostly at their end, so that a long one loses its middle; the tooltip has it whole.
  const signs = [...name];
  if (signs.length <= LONGEST_NAME) return name;
  const half = (LONGEST_NAME - 1) / 2;
  return `${signs.slice(0, Math.floor(half)).join("")}…${signs.slice(-Math.ceil(half)).join("")}`;
}

function markOf({ judged, asked }) {
  return judged ? "✓" : asked ? "●" : "○";
}

function doneOf({ judged, asked, unseen }) {
  if (unseen) return "new";
  return judged ? "judged" : asked ? `asked ${asked}` : "not asked";
}
