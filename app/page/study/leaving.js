// Signing out: the next person at this browser finds nothing of this one on the page.
import { $, say } from "../dom.js";
import { forgetWindow } from "../memory.js";
import { rememberPerson } from "../sign_in_again.js";
import { askSignIn } from "../sign_in_requests.js";
import { keepDraft } from "./reading.js";
import { state } from "./state.js";

const UNSAVED =
  "The case on screen is not saved; it stays in this browser until you sign in here again. Sign out?";

export function offerSignOut(person) {
  // `person` is null where nobody needs to sign in.
  rememberPerson(person);
  $("sign-out").hidden = !person;
  $("sign-out").onclick = signOut;
}

async function signOut() {
  keepDraft();
  if (state.reading && state.reading.draft.changes && !window.confirm(UNSAVED)) return;
  try {
    await askSignIn("sign_out");
  } catch (error) {
    say(state.desk ? "case-error" : "open-error", error.message);
    return;
  }
  forgetWindow();
  location.assign("/sign-in?next=%2Fstudy");
}
