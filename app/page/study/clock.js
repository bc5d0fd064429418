// Active time: it rests while the window is hidden, and once nothing has been touched for a minute.
const IDLE_MS = 60_000;
const TICK_MS = 250;
const LONGEST_TICK_MS = 5_000; // a machine that was asleep has not been reading
const TOUCHES = ["pointermove", "pointerdown", "keydown", "wheel", "touchstart"];

export function makeClock({ passed, changed }) {
  // `passed(ms)` hears of active time, `changed(kind)` of "hidden", "shown", "paused" and "resumed".
  let [touchedAt, tickedAt, idle] = [performance.now(), performance.now(), false];

  function touch() {
    tick();
    touchedAt = performance.now();
    if (idle) changed("resumed");
    idle = false;
  }

  function tick() {
    const now = performance.now();
    const gone = Math.min(now - tickedAt, LONGEST_TICK_MS);
    tickedAt = now;
    if (document.hidden || idle) return;
    passed(gone);
    if (now - touchedAt < IDLE_MS) return;
    idle = true;
    changed("paused");
  }

  setInterval(tick, TICK_MS);
  for (const kind of TOUCHES) document.addEventListener(kind, touch, { capture: true, passive: true });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) tickedAt = performance.now(); // what went by unseen
    changed(document.hidden ? "hidden" : "shown");
  });

  return { rests: () => document.hidden || idle };
}

export function clockWords(ms) {
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
