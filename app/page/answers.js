// What tells the answers of a study apart, in the list and on the picture: a number and a colour each.
import { rgb } from "./colours.js";

const COLOURS = 8; // that the style sheet has
const known = new Map();

export function numberOf(study, { query }) {
  // The same for as long as the study is open, whatever is asked later.
  if (!study.numbers.has(query)) study.numbers.set(query, study.numbers.size + 1);
  return study.numbers.get(query);
}

export function colourOf(number) {
  const place = ((number - 1) % COLOURS) + 1;
  if (!known.has(place)) known.set(place, `rgb(${rgb("--answer-" + place).join()})`);
  return known.get(place);
}
