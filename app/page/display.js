// How film and map are shown, as a reading is stored with it.
export function displayOf({ view, camera, look }) {
  const { zoom, rotation, flipX, flipY } = camera.place;
  const shown = look.current();
  return {
    view: view.mode,
    opacity: view.opacity,
    threshold: view.threshold,
    colours: view.tableName,
    smooth: view.smooth,
    zoom,
    rotation,
    flipped: flipX && flipY ? "both" : flipX ? "horizontal" : flipY ? "vertical" : "",
    window_centre: shown ? shown.transform.center : null,
    window_width: shown ? shown.transform.width : null,
    inverted: shown ? shown.inverted : null,
  };
}

export function noteShown(answer, view) {
  // What of an answer its reader has seen; a map that is dark is seen as well.
  if (!answer || !answer.in_vocabulary || view.exploration || view.mode === "image") return;
  if (view.opacity > 0) answer.mapShown = true;
  if (view.mode === "compare" && view.saliency) noteMethod(answer, "grad_cam");
}

export function noteMethod(answer, method) {
  // A saliency method that the reader saw beside the map, by the library's name of it.
  answer.saliencyShown = [...new Set([...(answer.saliencyShown || []), method])];
}
