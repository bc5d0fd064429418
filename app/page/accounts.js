// The page of accounts: one's own password; for an admin everybody's account.
import { renderAccounts } from "./account_list.js";
import { forgetWindow } from "./memory.js";
import { call } from "./server.js";
import { rememberPerson } from "./sign_in_again.js";
import { askSignIn, submitted } from "./sign_in_requests.js";

const $ = (id) => document.getElementById(id);
const OF_ROLE = {
  reader: "You read, and see your own readings.",
  lead: "You lead studies, and see everybody's readings.",
  admin: "You lead studies, see everybody's readings, and run accounts.",
};
const ELSEWHERE = " You sign in by your site's own sign-in, so your password is not kept here.";
const NOBODY = " Nobody signs in to this server; it can be reached from its own machine alone.";

async function list() {
  const { person, by, shortest, searches, accounts } = await call("account_list");
  $("own").hidden = false;
  const signsIn = by === "password";
  const more = signsIn
    ? ` A password has ${shortest} characters or more.`
    : by === "proxy"
      ? ELSEWHERE
      : NOBODY;
  $("own-words").textContent = `${person.name}, ${person.role}. ${OF_ROLE[person.role]}${more}`;
  $("password-form").hidden = $("sign-out").hidden = !signsIn;
  $("password-form").elements.username.value = person.name;
  $("insights").hidden = $("models").hidden = person.role === "reader";
  $("archive-search").hidden = !searches;
  if (signsIn) rememberPerson(person);
  $("all").hidden = !accounts;
  if (accounts) renderAccounts(accounts, by, act);
}

async function act(name, request, data, done) {
  // One change of one account; what it gives is shown, and the list is made anew.
  fail("page-error");
  $("done").textContent = "";
  let failure = "";
  try {
    const made = await call(request, { name, ...data });
    showLink(made.link ? made : null);
  } catch (error) {
    failure = error.message;
  }
  await list().catch((error) => (failure ||= error.message));
  if (failure) fail("page-error", failure);
  else $("done").textContent = done;
  if (document.activeElement === document.body) toRow(name); // what was pressed is gone
}

function toRow(name) {
  // To what can be done to that account; the field for a new one where nothing can.
  const keys = ["personal link", "activate"].map((words) => `${words} ${name}`);
  const buttons = [...$("rows").querySelectorAll("[data-key]")];
  const found = buttons.find(({ dataset }) => keys.includes(dataset.key));
  (found || $("add-form").elements.name).focus();
}

function fail(id, words = "") {
  $(id).textContent = words;
  $(id).hidden = !words;
}

function showLink(made) {
  // Told by the server this once: when it is put away nobody can read it again.
  $("link").hidden = !made;
  $("link").dataset.name = made ? made.name : "";
  $("link-address").value = made ? `${location.origin}/sign-in#link=${made.link}` : "";
  if (!made) return;
  $("link-words").textContent =
    `Give this link to ${made.name}. It is shown once, is valid for ${made.days} days, ` +
    `and whoever has it is ${made.name}.`;
  $("link-address").focus();
  $("link-address").select();
}

async function copy() {
  $("link-address").select();
  try {
    await navigator.clipboard.writeText($("link-address").value);
    $("done").textContent = "The link is copied.";
  } catch {
    $("done").textContent =
      "The browser does not let the page copy; the link is selected, copy it with Ctrl+C.";
  }
}

function bindPassword() {
  const form = $("password-form");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    $("password-done").textContent = "";
    const data = new FormData(form);
    const changed = await submitted(form, $("password-error"), () => {
      if (data.get("password") !== data.get("again"))
        throw new Error("The two passwords differ; type them again.");
      return askSignIn("own_password", { current: data.get("current"), password: data.get("password") });
    });
    if (!changed) return;
    for (const field of ["current", "password", "again"]) form.elements[field].value = "";
    $("password-done").textContent =
      "Your password is changed. You stay signed in here, and are signed out everywhere else.";
  });
}

function bindAdding() {
  const form = $("add-form");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    $("done").textContent = "";
    const data = new FormData(form);
    const asked = { name: data.get("name"), role: data.get("role"), days: Number(data.get("days")) };
    await submitted(form, $("add-error"), async () => {
      const made = await call("account_create", asked);
      form.elements.name.value = "";
      showLink(made.link ? made : null);
      await list();
      $("done").textContent = `${made.name} has an account as ${asked.role}.`;
    });
  });
}

async function signOut() {
  try {
    await askSignIn("sign_out");
  } catch (error) {
    fail("page-error", error.message);
    return;
  }
  forgetWindow();
  location.assign("/sign-in");
}

bindPassword();
bindAdding();
$("link-copy").onclick = copy;
$("link-close").onclick = () => {
  const { name } = $("link").dataset;
  showLink(null);
  toRow(name);
};
$("sign-out").onclick = signOut;
list().catch((error) => fail("page-error", error.message));
