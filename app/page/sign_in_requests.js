// Asks the server to sign in; needs nothing of any page, and no window.
const SILENT = "The server does not answer; check that it is running, then try again.";

export async function askSignIn(name, data = {}) {
  // The server's reply; an error of it is thrown as its sentence.
  let reply;
  try {
    const body = JSON.stringify(data);
    const headers = { "content-type": "application/json" };
    const response = await fetch("/api/" + name, { method: "POST", body, headers, cache: "no-store" });
    reply = await response.json();
  } catch (error) {
    throw new Error(SILENT, { cause: error });
  }
  if (reply.error) throw new Error(reply.error);
  return reply;
}

export async function submitted(form, place, work) {
  // Runs what a form is for, once at a time; what fails is said at its place. True if it was done.
  if (form.getAttribute("aria-busy") === "true") return false;
  form.setAttribute("aria-busy", "true");
  place.hidden = true;
  try {
    await work();
    return true;
  } catch (error) {
    place.textContent = error.message;
    place.hidden = false;
    return false;
  } finally {
    form.setAttribute("aria-busy", "false");
  }
}
