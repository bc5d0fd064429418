// What tells the answers of a study apart, in the list and on the picture: a number and a colour each.
const COLOURS = ["#e69f00", "#56b4e9", "#2fbf8f", "#f0e442", "#d98bb9", "#ff8652", "#8fa8ff", "#e6e9ed"]; // after Okabe and Ito

export function numberOf(study, { query }) {
  // The same for as long as the study is open, whatever is asked later.
  if (!study.numbers.has(query)) study.numbers.set(query, study.numbers.size + 1);
  return study.numbers.get(query);
}

export function colourOf(number) {
  return COLOURS[(number - 1) % COLOURS.length];
}
