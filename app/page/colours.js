// Colours of the style sheet, for what is painted rather than styled.
const known = new Map(); // the style sheet does not change while the page is open

export function rgb(variable) {
  // A colour of the style sheet as [r, g, b] of 0 to 255.
  if (!known.has(variable)) known.set(variable, read(variable));
  return known.get(variable);
}

function read(variable) {
  const context = document.createElement("canvas").getContext("2d");
  context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(variable);
  return [1, 3, 5].map((at) => parseInt(context.fillStyle.slice(at, at + 2), 16));
}
