// "Show it anyway": the raw likeness of each patch to a query out of scope. It is no answer, and stored nowhere.
import { renew } from "./asking.js";
import { render } from "./render.js";
import { callOn } from "./revival.js";
import { busy, state } from "./state.js";

export async function explore() {
  const study = state.current;
  const answer = study && study.active;
  if (!answer || answer.in_vocabulary || answer.exploring) return;
  if (answer.exploration) {
    answer.explored = !answer.explored;
    return render();
  }
  Object.assign(answer, { exploring: true, exploreError: "" });
  try {
    await renew(study);
    const request = { query: answer.query };
    answer.exploration = await busy("comparing …", () => callOn(study, "explore", request));
    answer.explored = true;
  } catch (error) {
    answer.exploreError = error.message;
  }
  answer.exploring = false;
  return render();
}
