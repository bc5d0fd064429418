// The insights page: a click on a point of a plot leads to its case, whose number the server is asked for.
const NUMBER = "#insights-case-number input";

function lead(event) {
  const cases = event.points?.[0]?.customdata;
  const field = document.querySelector(NUMBER);
  if (!field || !Array.isArray(cases) || cases.length === 0) return;
  // Of a point that stands for several cases, each click leads to the next.
  const place = cases.indexOf(Number(field.value));
  field.value = String(cases[(place + 1) % cases.length]);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

// Plotly drops its listeners where a plot is drawn anew, so each press makes sure of exactly one.
document.addEventListener(
  "pointerdown",
  (event) => {
    const plot = event.target.closest?.(".js-plotly-plot");
    plot?.removeListener?.("plotly_click", lead);
    plot?.on?.("plotly_click", lead);
  },
  { capture: true },
);
