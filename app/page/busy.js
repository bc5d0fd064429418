// What the page is busy with, said over the film while it lasts.
import { $ } from "./dom.js";

let works = 0;

export async function busy(text, work) {
  works++;
  $("busy").textContent = text;
  $("busy").hidden = false;
  try {
    return await work();
  } finally {
    if (!--works) $("busy").hidden = true;
  }
}
