/** Messages and bytes per second of a channel, over the last few seconds. */

const BUCKET_MS = 500;
const BUCKETS = 8;

export class Rate {
  #messages = new Float64Array(BUCKETS);
  #bytes = new Float64Array(BUCKETS);
  #bucket = Number.NaN;
  #began = Number.NaN;

  add(nowMs: number, bytes: number): void {
    this.#advance(nowMs);
    const slot = this.#bucket % BUCKETS;
    this.#messages[slot] = (this.#messages[slot] ?? 0) + 1;
    this.#bytes[slot] = (this.#bytes[slot] ?? 0) + bytes;
  }

  /** Messages per second. */
  messages(nowMs: number): number {
    return this.#perSecond(this.#messages, nowMs);
  }

  /** Bytes per second. */
  bytes(nowMs: number): number {
    return this.#perSecond(this.#bytes, nowMs);
  }

  /** Starts from nothing. */
  reset(): void {
    this.#messages.fill(0);
    this.#bytes.fill(0);
    this.#bucket = Number.NaN;
  }

  #perSecond(buckets: Float64Array, nowMs: number): number {
    if (Number.isNaN(this.#bucket)) {
      return 0;
    }
    this.#advance(nowMs);
    const span = Math.min(BUCKETS * BUCKET_MS, Math.max(BUCKET_MS, nowMs - this.#began));
    return (buckets.reduce((sum, count) => sum + count, 0) * 1000) / span;
  }

  #advance(nowMs: number): void {
    const bucket = Math.floor(nowMs / BUCKET_MS);
    if (Number.isNaN(this.#bucket)) {
      this.#bucket = bucket;
      this.#began = nowMs;
    }
    const steps = Math.min(BUCKETS, bucket - this.#bucket);
    for (let step = 1; step <= steps; step += 1) {
      const slot = (bucket - steps + step) % BUCKETS;
      this.#messages[slot] = 0;
      this.#bytes[slot] = 0;
    }
    this.#bucket = Math.max(this.#bucket, bucket);
  }
}
