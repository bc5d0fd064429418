// What stays in the browser: of this window until it is closed, and the key by which the server knows the browser again.
const WINDOW = "patch-clip-window";
const LEFT = "patch-clip-left"; // set while the window is on its way to being loaded again
const BROWSER = "patch-clip-browser";

export const kept = goesOn() ? read(sessionStorage, WINDOW) : null;

function goesOn() {
  // A window that is duplicated takes the storage of the first one along, but not its reader nor its studies.
  const left = read(sessionStorage, LEFT);
  drop(LEFT);
  if (!left) drop(WINDOW);
  return left;
}

let forgotten = false;

export function forgetWindow() {
  // Nothing of this window outlasts it.
  forgotten = true;
  drop(WINDOW);
}

export function keepAlways(describe) {
  const keep = () => forgotten || write(sessionStorage, WINDOW, describe());
  document.addEventListener("visibilitychange", () => document.hidden && keep());
  window.addEventListener("pageshow", () => drop(LEFT));
  window.addEventListener("pagehide", () => {
    keep();
    write(sessionStorage, LEFT, true);
  });
}

export function browserKey() {
  return read(localStorage, BROWSER) || "";
}

export function keepBrowserKey(key) {
  write(localStorage, BROWSER, key);
}

function read(storage, name) {
  try {
    return JSON.parse(storage.getItem(name));
  } catch {
    return null; // storage is switched off, or holds what another program wrote
  }
}

function write(storage, name, value) {
  try {
    storage.setItem(name, JSON.stringify(value));
  } catch {
    /* storage is switched off or full: the window does not outlast a reload */
  }
}

function drop(name) {
  try {
    sessionStorage.removeItem(name);
  } catch {
    /* storage is switched off */
  }
}
