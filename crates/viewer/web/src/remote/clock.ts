/** The robot's clock and the way to it, as the answers to pings tell. */

const BUCKET_MS = 1000;
/** The round trip is the shortest of so many buckets. */
const RTT_BUCKETS = 2;
/** The clocks' difference is taken from the quickest answer of so many buckets. */
const OFFSET_BUCKETS = 30;
const MAX_RTT_MS = 60_000;

interface Sample {
  bucket: number;
  rttMs: number;
  offsetMs: number;
}

/**
 * Some answers are put off by the robot, and any may wait on its way: only the quickest of each
 * second counts.
 */
export class RobotClock {
  #samples: Sample[] = [];

  /** Takes an answer to a ping: when it was sent, what the robot's clock said then, and now. */
  answered(sentMs: number, robotMs: number, nowMs: number): void {
    const rttMs = nowMs - sentMs;
    if (!(rttMs >= 0 && rttMs < MAX_RTT_MS)) {
      return;
    }
    const bucket = Math.floor(nowMs / BUCKET_MS);
    const sample = { bucket, rttMs, offsetMs: robotMs - (sentMs + rttMs / 2) };
    const last = this.#samples.at(-1);
    if (last?.bucket !== bucket) {
      this.#samples.push(sample);
    } else if (rttMs < last.rttMs) {
      this.#samples[this.#samples.length - 1] = sample;
    }
    while ((this.#samples[0]?.bucket ?? bucket) <= bucket - OFFSET_BUCKETS) {
      this.#samples.shift();
    }
  }

  /** Shortest round trip of the last one to two seconds, in milliseconds. */
  rttMs(nowMs: number): number | undefined {
    const since = Math.floor(nowMs / BUCKET_MS) - RTT_BUCKETS;
    return this.#quickest((sample) => sample.bucket > since)?.rttMs;
  }

  /** The robot's time, in milliseconds since 1970. Off by half of the quickest round trip at most. */
  timeMs(nowMs: number): number | undefined {
    const best = this.#quickest(() => true);
    return best && nowMs + best.offsetMs;
  }

  reset(): void {
    this.#samples = [];
  }

  #quickest(counts: (sample: Sample) => boolean): Sample | undefined {
    let best: Sample | undefined;
    for (const sample of this.#samples) {
      if (counts(sample) && sample.rttMs < (best?.rttMs ?? Number.POSITIVE_INFINITY)) {
        best = sample;
      }
    }
    return best;
  }
}
