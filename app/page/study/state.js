// What the page of studies knows: the person, their studies, the cases of the open one, and the case that is being read.
export const state = {
  person: null, // { name, role }
  studies: [], // as the server lists them
  desk: null, // the open study, see desk.js
  filter: "all", // which cases are listed
  reading: null, // the case on screen, see reading.js
  letter: "", // the map on the film, by its blinded name; none where it is empty
  tables: {}, // colours of maps
  methods: [], // saliency methods that a protocol may name
};

export function leads() {
  return !!state.person && ["lead", "admin"].includes(state.person.role);
}

export function markOf(reading = state.reading) {
  // What is said of the chosen finding.
  return reading ? reading.draft.marks[reading.chosen] : null;
}
