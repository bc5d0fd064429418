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
