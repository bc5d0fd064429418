// The sign-in page: by a password, or by a personal link, which stands behind the "#" and is never sent along.
import { askSignIn, submitted } from "./sign_in_requests.js";

const ELSEWHERE = "Sign in with your site's own sign-in, then reload this page.";
const BY_PASSWORD = "Sign in to go on.";
const $ = (id) => document.getElementById(id);
const fragment = location.hash;
const link = new URLSearchParams(fragment.slice(1)).get("link");

function goOn() {
  // To where somebody was on the way to, on this server alone.
  const asked = new URL(new URLSearchParams(location.search).get("next") || "/", location.origin);
  const path = asked.origin === location.origin ? asked.pathname : "/";
  location.replace(location.origin + path + (link ? "" : fragment));
}

function show(form, note) {
  $("note").textContent = note;
  if (!form) return;
  $(form).hidden = false;
  const field = $(form).querySelector("input:not([hidden]), button");
  field.focus();
}

function bind(form, work) {
  $(form).addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await submitted($(form), $("error"), () => work(new FormData($(form))))) goOn();
  });
}

bind("password-form", (data) =>
  askSignIn("sign_in", { name: data.get("name"), password: data.get("password") }),
);
bind("link-form", () => askSignIn("sign_in_by_link", { link }));
bind("choose-form", (data) => {
  if (data.get("password") !== data.get("again"))
    throw new Error("The two passwords differ; type them again.");
  return askSignIn("choose_password", { link, password: data.get("password") });
});

async function begin() {
  const { by, person, note, shortest } = await askSignIn("sign_in_state");
  if (by === "proxy") {
    if (person) goOn();
    else show(null, note || ELSEWHERE);
  } else if (link) {
    // Out of the address, so that it stands in no history of the browser.
    history.replaceState(null, "", location.pathname + location.search);
    await offerLink(shortest);
  } else if (person) goOn();
  else show("password-form", note || BY_PASSWORD);
}

async function offerLink(shortest) {
  try {
    const { name, chooses_password: chooses } = await askSignIn("sign_in_link", { link });
    $("choose-form").elements.username.value = name;
    if (chooses) show("choose-form", `Choose a password for ${name}: ${shortest} characters or more.`);
    else show("link-form", `This link signs you in as ${name}.`);
  } catch (error) {
    show("password-form", error.message);
  }
}

begin().catch((error) => show(null, error.message));
