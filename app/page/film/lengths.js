// Lengths on the film: in millimetres where its header has the length of a pixel, and where that holds.
export const WHERE = {
  calibrated: "",
  detector: "at the detector",
  film: "on the scanned film",
  unknown: "by the header, not said where",
};

export function lengthOf(film, [fromX, fromY], [toX, toY]) {
  // In mm, or in pixels where nothing says how long one is.
  const pixels = Math.hypot(toX - fromX, toY - fromY);
  return film.spacing ? { value: pixels * film.spacing.mm, unit: "mm" } : { value: pixels, unit: "px" };
}

export function lengthWords(film, from, to) {
  if (!film) return "";
  const { value, unit } = lengthOf(film, from, to);
  const where = film.spacing ? WHERE[film.spacing.place] : "no pixel spacing in the file";
  const digits = unit === "mm" ? 1 : 0;
  return [`${value.toFixed(digits)} ${unit}`, where].filter(Boolean).join(", ");
}
