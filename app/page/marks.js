// Which films the reader on this page has judged. Another reader's marks are shown to nobody: before a name is typed there are none.
import { say } from "./dom.js";
import { readerName } from "./reading.js";
import { render } from "./render.js";
import { call } from "./server.js";
import { state } from "./state.js";

const AT_ONCE = 1000; // films that are asked about
let stored = 0; // readings stored or withdrawn here: what was counted before is out of date

export function takeFacts(study, facts) {
  // What the server says of a film. Where nobody signs in it does not say how often it was judged: that is asked for the name typed here.
  const before = study.sha256 === facts.sha256 ? study.judged : 0;
  Object.assign(study, facts, { judged: facts.judged ?? before });
  if (facts.judged === null) countJudged([study]);
}

export function judgedMore(study, by) {
  study.judged += by;
  stored++;
}

export async function countJudged(studies = state.studies) {
  const [reader, then, counted] = [readerName(), stored, [...studies]];
  try {
    const counts = reader ? await countsOf(reader, counted) : counted.map(() => 0);
    if (reader !== readerName()) return; // another name counts anew
    if (then !== stored) await countJudged(counted);
    else counted.forEach((study, k) => (study.judged = counts[k]));
    render();
  } catch (error) {
    say("open-error", error.message);
  }
}

async function countsOf(reader, studies) {
  const counts = [];
  for (let start = 0; start < studies.length; start += AT_ONCE) {
    const images = studies.slice(start, start + AT_ONCE).map(({ sha256 }) => sha256);
    counts.push(...(await call("judged", { reader, images })).judged);
  }
  return counts;
}
