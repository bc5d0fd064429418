// Files on their way: listed at once, and opened one after the other, in their order. One that the reader chooses is next.
import { $, node, put, refill } from "./dom.js";
import { shortened } from "./study_list.js";

const waiting = []; // { item, place, open }
let places = 0;
let opening = null;

export function nextPlace() {
  // In the list of studies, which is in the order in which files were chosen.
  return ++places;
}

export function openInTurn(items, open, { first = false } = {}) {
  // `open(item, place)` is awaited for each, and reports what fails by itself; resolves once all were opened. `first`: before all others.
  return new Promise((done) => {
    let left = items.length;
    const entries = items.map((item) => {
      const place = nextPlace();
      const work = async () => {
        await open(item, place);
        if (!--left) done();
      };
      return { item, place, open: work };
    });
    waiting.splice(first ? 0 : waiting.length, 0, ...entries);
    render();
    if (!opening) goOn();
  });
}

async function goOn() {
  while (waiting.length) {
    opening = waiting.shift();
    render();
    await opening.open();
  }
  opening = null;
  render();
}

export function openNext(key) {
  const found = waiting.find(({ place }) => String(place) === key);
  if (!found) return;
  found.item.show = true; // the reader wants to see it
  waiting.unshift(...waiting.splice(waiting.indexOf(found), 1));
  render();
}

function render() {
  const entries = [...(opening ? [opening] : []), ...waiting];
  put($("arriving"), "hidden", !entries.length);
  refill($("arriving"), entries.map(entryNode));
}

function entryNode(entry) {
  const { item, place } = entry;
  const button = node("button", undefined, { title: `${item.name}: choose it to see it next` });
  button.append(node("span", `○\u00a0${shortened(item.name.split("/").pop())}`, { className: "title long" }));
  const now = entry === opening;
  button.append(node("small", now ? "opening …" : item.show ? "next" : "waiting"));
  button.dataset.key = String(place);
  if (now) button.setAttribute("aria-disabled", "true");
  const line = node("li");
  line.append(button);
  return line;
}
