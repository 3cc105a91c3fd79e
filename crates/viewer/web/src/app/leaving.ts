/**
 * What happens when the page goes: robots are stopped first, then the rooms are left.
 *
 * A browser calls the listeners of a window in the order in which they were added, whatever phase
 * they ask for, and what one has begun goes on before it calls the next. So these two are added once,
 * when the page starts, and a stop is with the network before its connection ends.
 */

/** What stops a robot says whether there was anything to stop. */
type Stop = () => boolean;

/**
 * A page that has stopped a robot goes so much later, in milliseconds. The network works in threads
 * of its own, which end with the page, and the server forgets what comes from somebody who has left.
 */
const FAREWELL_MS = 100;

const stops = new Set<Stop>();
const ends = new Set<() => void>();

/** Stops something whenever the page goes, until the returned function is called. */
export function stopOnLeaving(stop: Stop): () => void {
  stops.add(stop);
  return () => stops.delete(stop);
}

/** Ends something for good when the page goes. It may come back all the same. */
export function endOnLeaving(end: () => void): void {
  ends.add(end);
}

/** To be called once, before anything else listens. */
export function watchLeaving(): void {
  let stoppedMs = Number.NEGATIVE_INFINITY;
  const stopAll = () => {
    if ([...stops].filter((stop) => stop()).length > 0) {
      stoppedMs = performance.now();
    }
  };
  const linger = () => {
    while (performance.now() - stoppedMs < FAREWELL_MS) {
      // Nothing else keeps a page that goes.
    }
  };
  const endAll = () => {
    for (const end of ends) {
      end();
    }
  };
  // The user may still stay: nothing ends yet.
  for (const run of [stopAll, linger]) {
    window.addEventListener("beforeunload", run);
  }
  for (const run of [stopAll, linger, endAll]) {
    window.addEventListener("pagehide", run);
    document.addEventListener("freeze", run);
  }
}
