/** Which of two videos of a camera to watch: that of full or that of small size. */

export interface Size {
  width: number;
  height: number;
}

/** A view that shows the small video until it has grown by so much more than that. */
const GROWN = 1.25;
/** A frame that is older on arrival is late, in milliseconds. */
const LATE_MS = 700;
/** A shorter time between two frames is never a gap, in milliseconds. */
const GAP_MS = 300;
/** A time between two frames is a gap where it is so many times that between most. */
const GAP_FACTOR = 3;
/** So long after it began the large video is not judged: its bit rate comes down first. */
const BEGINNING_MS = 4000;
/** Seconds that are looked at, and how many of them may be bad. */
const SECONDS = 8;
const MOST_BAD = 3;
/** How long the small video is watched before the large one is tried again; twice as long after each failure. */
const PAUSE_MS = 20_000;
const LONGEST_PAUSE_MS = 320_000;

interface Arrival {
  atMs: number;
  /** Since the frame before was made, by the robot's clock. */
  intervalMs: number;
  isLate: boolean;
}

/**
 * Chooses by the size of the view and by how the large video comes. One second is bad in which most frames were
 * late, or in which the robot left frames out.
 */
export class VideoTier {
  #isSmall = false;
  #beganMs: number | undefined;
  #arrivals: Arrival[] = [];
  #lastMadeMs: number | undefined;
  #pauseMs = PAUSE_MS;
  #slowUntilMs = Number.NEGATIVE_INFINITY;

  /** Takes note of a frame of the large video; `ageMs` is how long ago it was made, if that is known. */
  push(madeMs: number, ageMs: number | undefined, nowMs: number): void {
    if (this.#isSmall) {
      // One that was on its way.
      return;
    }
    this.#beganMs ??= nowMs;
    if (this.#lastMadeMs !== undefined) {
      const intervalMs = Math.max(0, madeMs - this.#lastMadeMs);
      this.#arrivals.push({ atMs: nowMs, intervalMs, isLate: (ageMs ?? 0) > LATE_MS });
    }
    this.#lastMadeMs = madeMs;
    const oldest = nowMs - 1000 * SECONDS;
    this.#arrivals = this.#arrivals.filter(({ atMs }) => atMs > oldest);
  }

  /** Whether the small video is the one to watch, in a view of `view` pixels of the screen. */
  isSmall(view: Size, small: Size, nowMs: number): boolean {
    if (this.#beganMs !== undefined && nowMs - this.#beganMs > BEGINNING_MS) {
      this.#judge(nowMs);
    }
    const factor = this.#isSmall ? GROWN : 1;
    const fits = view.width <= small.width * factor && view.height <= small.height * factor;
    const isSmall = fits || this.isSlow(nowMs);
    if (isSmall !== this.#isSmall) {
      this.#isSmall = isSmall;
      this.#forget();
    }
    return isSmall;
  }

  /** Whether the network does not carry the large video. */
  isSlow(nowMs: number): boolean {
    return nowMs < this.#slowUntilMs;
  }

  #judge(nowMs: number): void {
    const intervals = this.#arrivals.map(({ intervalMs }) => intervalMs).sort((a, b) => a - b);
    const usual = intervals[Math.floor(intervals.length / 2)] ?? 0;
    const gap = Math.max(GAP_MS, GAP_FACTOR * usual);
    const seconds = new Map<number, Arrival[]>();
    for (const arrival of this.#arrivals) {
      const second = Math.floor(arrival.atMs / 1000);
      seconds.set(second, [...(seconds.get(second) ?? []), arrival]);
    }
    const bad = [...seconds.values()].filter(
      (all) =>
        all.some(({ intervalMs }) => intervalMs > gap) ||
        2 * all.filter(({ isLate }) => isLate).length > all.length,
    );
    if (bad.length > MOST_BAD) {
      this.#slowUntilMs = nowMs + this.#pauseMs;
      this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    } else if (nowMs - (this.#beganMs ?? nowMs) > LONGEST_PAUSE_MS) {
      this.#pauseMs = PAUSE_MS;
    }
  }

  #forget(): void {
    this.#arrivals = [];
    this.#lastMadeMs = undefined;
    this.#beganMs = undefined;
  }
}
