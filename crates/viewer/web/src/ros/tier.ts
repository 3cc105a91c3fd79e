/** Which of two videos of a camera to watch: that of full or that of small size. */

export interface Size {
  width: number;
  height: number;
}

/** A view that shows the small video until it has grown by so much more than that. */
const GROWN = 1.25;
/** A frame that is so much older on arrival than the quickest was is late, in milliseconds. */
const LATE_MS = 700;
/** A shorter time between two frames is never a gap, in milliseconds. */
const GAP_MS = 300;
/** A time between two frames is a gap where it is so many times a short one. */
const GAP_FACTOR = 3;
/** A short one: of so many, this share are shorter. */
const INTERVALS = 50;
const SHORT_SHARE = 0.2;
/** A camera with longer times between its frames may be silent for a second. */
const SLOW_CAMERA_MS = 700;
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
 * late, in which the robot left frames out, or in which none came.
 */
export class VideoTier {
  #isSmall = false;
  #beganMs: number | undefined;
  #arrivals: Arrival[] = [];
  #lastMadeMs: number | undefined;
  #intervals: number[] = [];
  /** Also of clocks that differ. */
  #leastAgeMs = Number.POSITIVE_INFINITY;
  #smallSize: Size | undefined;
  #pauseMs = PAUSE_MS;
  #slowUntilMs = Number.NEGATIVE_INFINITY;

  /** Takes note of a frame of the large video; `ageMs` is how long ago it was made, if that is known. */
  push(madeMs: number, ageMs: number | undefined, nowMs: number): void {
    if (this.#isSmall) {
      // One that was on its way.
      return;
    }
    this.#beganMs ??= nowMs;
    if (ageMs !== undefined) {
      this.#leastAgeMs = Math.min(this.#leastAgeMs, ageMs);
    }
    if (this.#lastMadeMs !== undefined) {
      const intervalMs = Math.max(0, madeMs - this.#lastMadeMs);
      this.#intervals = [...this.#intervals, intervalMs].slice(-INTERVALS);
      const isLate = ageMs !== undefined && ageMs - this.#leastAgeMs > LATE_MS;
      this.#arrivals.push({ atMs: nowMs, intervalMs, isLate });
    }
    this.#lastMadeMs = madeMs;
  }

  /** Takes note of how large the small video really is. */
  seen(smallSize: Size): void {
    this.#smallSize = smallSize;
  }

  /**
   * Whether the small video is the one to watch, in a view of `view` pixels of the screen. It has at most the
   * size `most`.
   */
  isSmall(view: Size, most: Size, nowMs: number): boolean {
    const small = this.#smallSize ?? most;
    if (this.#beganMs !== undefined && nowMs - this.#beganMs > BEGINNING_MS) {
      this.#judge(nowMs);
    }
    const factor = this.#isSmall ? GROWN : 1;
    const fits = view.width <= small.width * factor && view.height <= small.height * factor;
    const isSmall = fits || this.isSlow(nowMs);
    if (isSmall !== this.#isSmall) {
      this.#isSmall = isSmall;
      this.rest();
      this.#beganMs = isSmall ? undefined : nowMs;
    }
    return isSmall;
  }

  /** Whether the network does not carry the large video. */
  isSlow(nowMs: number): boolean {
    return nowMs < this.#slowUntilMs;
  }

  /** Nobody watches for a while: silence means nothing. */
  rest(): void {
    this.#arrivals = [];
    this.#lastMadeMs = undefined;
    this.#beganMs = undefined;
  }

  #judge(nowMs: number): void {
    this.#arrivals = this.#arrivals.filter(({ atMs }) => atMs > nowMs - 1000 * SECONDS);
    const sorted = this.#intervals.toSorted((a, b) => a - b);
    const short = sorted[Math.floor(SHORT_SHARE * sorted.length)] ?? Number.POSITIVE_INFINITY;
    const gap = Math.max(GAP_MS, GAP_FACTOR * short);
    const age = nowMs - (this.#beganMs ?? nowMs);
    const seconds = Math.min(SECONDS, Math.floor(age / 1000));
    const bad = Array.from({ length: seconds }, (_, second) => {
      const [from, to] = [nowMs - 1000 * (second + 1), nowMs - 1000 * second];
      const all = this.#arrivals.filter(({ atMs }) => atMs > from && atMs <= to);
      const late = all.filter(({ isLate }) => isLate).length;
      const isSilent = all.length === 0 && short < SLOW_CAMERA_MS;
      return isSilent || 2 * late > all.length || all.some(({ intervalMs }) => intervalMs > gap);
    }).filter((isBad) => isBad);
    if (bad.length > MOST_BAD) {
      this.#slowUntilMs = nowMs + this.#pauseMs;
      this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
    } else if (age > LONGEST_PAUSE_MS) {
      this.#pauseMs = PAUSE_MS;
    }
  }
}
