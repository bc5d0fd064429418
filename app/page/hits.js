// A hit of the archive search, by the address that its page leads to.
import { say } from "./dom.js";
import { call } from "./server.js";
import { busy } from "./state.js";
import { openFiles } from "./studies.js";

const PARAMETER = "hit";

export async function openHit() {
  const hit = new URLSearchParams(location.hash.slice(1)).get(PARAMETER);
  if (!hit) return;
  history.replaceState(null, "", location.pathname); // a reload opens the study, not the hit once more
  try {
    const content = await busy("fetching the film …", () => call("search_film", { hit }));
    await openFiles([new File([content], "film")], { show: true });
  } catch (error) {
    say("open-error", error.message);
  }
}
