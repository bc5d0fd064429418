// Asks whoever is no longer signed in to sign in again, over the page that they are on, of which nothing is lost.
import { askSignIn, submitted } from "./sign_in_requests.js";

const ELSEWHERE = "I have signed in in another window: go on";
const STILL_OUT = "Nobody is signed in yet; sign in, then go on.";
let before = null; // who was signed in when the page began
let under = null; // the way back in that is open

export function rememberPerson(person) {
  before = person;
}

export function signInAgain(reason) {
  // Done when somebody is signed in again; all who wait for it wait for the same dialog.
  if (!under) under = ask(reason).finally(() => (under = null));
  return under;
}

async function ask(reason) {
  await styled();
  const dialog = made(reason);
  document.body.append(dialog.element);
  dialog.element.showModal();
  window.addEventListener("keydown", keepKey, { capture: true });
  const person = await dialog.answered;
  window.removeEventListener("keydown", keepKey, { capture: true });
  dialog.element.remove();
  if (before && person.name !== before.name) {
    location.reload(); // what is on this page is another person's
    await new Promise(() => {});
  }
}

function keepKey(event) {
  event.stopPropagation(); // the keys of the page beneath are not meant
}

function styled() {
  if (document.querySelector('link[href$="page/sign_in.css"]')) return Promise.resolve();
  return new Promise((loaded) => {
    const style = make("link", { rel: "stylesheet", href: "/page/sign_in.css" });
    style.onload = style.onerror = loaded; // without its style the dialog is still one
    document.head.append(style);
  });
}

function made(reason) {
  const element = make("dialog", { className: "sign-in-again" });
  element.setAttribute("aria-labelledby", "sign-in-again-head");
  const form = make("form");
  const name = make("input", { name: "name", autocomplete: "username", required: true });
  const password = make("input", {
    name: "password",
    type: "password",
    autocomplete: "current-password",
    required: true,
  });
  if (before) Object.assign(name, { value: before.name, readOnly: true });
  const error = make("p", { className: "error", hidden: true });
  error.setAttribute("role", "alert");
  const elsewhere = make("button", { type: "button", textContent: ELSEWHERE });
  form.append(labelled("Name ", name), labelled("Password ", password));
  form.append(make("button", { className: "primary", textContent: "Sign in" }), elsewhere);
  element.append(
    make("h2", { id: "sign-in-again-head", textContent: "Sign in again" }),
    make("p", { className: "notice", textContent: "Research use only, not for clinical use" }),
    make("p", { textContent: reason }),
    form,
    error,
  );
  // Without an answer nothing goes on, so that it stays whatever is pressed.
  element.addEventListener("cancel", (event) => event.preventDefault());
  element.addEventListener("close", () => element.isConnected && element.showModal());
  const answered = new Promise((done) => {
    form.onsubmit = async (event) => {
      event.preventDefault();
      const told = { name: name.value, password: password.value };
      await submitted(form, error, async () => done(await askSignIn("sign_in", told)));
    };
    elsewhere.onclick = () => submitted(form, error, async () => done(await whoIsIn()));
  });
  if (before) password.autofocus = true;
  return { element, answered };
}

async function whoIsIn() {
  const { person, note } = await askSignIn("sign_in_state");
  if (!person) throw new Error(note || STILL_OUT);
  return person;
}

function labelled(text, field) {
  const label = make("label", { textContent: text });
  label.append(field);
  return label;
}

function make(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}
