// Films on their way: what is asked before the first one is there waits for it.
import { state } from "./state.js";

const waiting = [];
let works = 0;

export async function coming(work) {
  works++;
  try {
    return await work();
  } finally {
    works--;
    if (state.current || !works) for (const go of waiting.splice(0)) go();
  }
}

export function whenOne() {
  // Until a film can be asked, or none is to be expected any more.
  return !works ? Promise.resolve() : new Promise((go) => waiting.push(go));
}
