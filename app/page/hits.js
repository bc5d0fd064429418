// A hit of the archive search, by the address that its page leads to, and what was looked for is asked of it.
import { ask } from "./asking.js";
import { say } from "./dom.js";
import { call } from "./server.js";
import { busy, state } from "./state.js";
import { openFiles } from "./studies.js";

export async function openHit() {
  const address = new URLSearchParams(location.hash.slice(1));
  const [hit, text] = [address.get("hit"), address.get("ask")];
  if (!hit) return;
  history.replaceState(null, "", location.pathname); // a reload opens the study, not the hit once more
  try {
    const content = await busy("fetching the film …", () => call("search_film", { hit }));
    const before = state.current;
    await openFiles([new File([content], "film")], { show: true });
    if (text && state.current !== before) await ask(text);
  } catch (error) {
    say("open-error", error.message);
  }
}
