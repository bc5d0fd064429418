// Who is signed in: shown in the header, and the reader of every reading.
import { $, say } from "./dom.js";
import { hasUnsaved } from "./drafts.js";
import { forgetWindow } from "./memory.js";
import { askSignIn } from "./sign_in_requests.js";
import { rememberPerson } from "./sign_in_again.js";
import { askBeforeLeaving } from "./reading.js";
import { state } from "./state.js";

const UNSAVED = "Readings on this page are not saved; sign out all the same?";

export function isSignedIn() {
  return !$("person").hidden;
}

export function showPerson(person) {
  // Where nobody needs to sign in, readers type their names.
  rememberPerson(person);
  $("person").hidden = !person;
  $("insights").hidden = !!person && person.role === "reader";
  if (!person) return;
  $("person-name").textContent = person.name;
  $("person-name").title = `${person.name}, signed in as ${person.role}; your account, and your password`;
  Object.assign($("reader"), { value: person.name, readOnly: true });
  $("sign-out").onclick = signOut;
}

async function signOut() {
  if (hasUnsaved(state) && !window.confirm(UNSAVED)) return;
  try {
    await askSignIn("sign_out");
  } catch (error) {
    say("open-error", error.message);
    return;
  }
  window.removeEventListener("beforeunload", askBeforeLeaving); // asked already
  forgetWindow(); // nothing of this person stays for the next one at this browser
  location.assign("/sign-in");
}
