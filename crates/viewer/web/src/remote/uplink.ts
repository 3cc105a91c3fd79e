/** The page's byte stream to one robot. */

/** An open byte stream. */
export interface Writer {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** A write carries at most this many bytes: one packet of the transport. */
const MAX_WRITE = 15_000;
/** Bytes after which the stream is replaced; receivers end one at 5 GB. */
const ROTATE_BYTES = 2_000_000_000;
/** Most bytes that may wait for the network. */
const MAX_QUEUED = 32 * 1024 * 1024;

export interface UplinkOptions {
  open: () => Promise<Writer>;
  /** The stream could not be opened or written; the uplink is useless now. */
  failed: (error: unknown) => void;
  rotateBytes?: number;
}

/**
 * Writes frames in order, one write at a time, those that wait together in one. A newer ping or
 * acknowledgement takes the place of one that still waits.
 */
export class Uplink {
  readonly #options: UplinkOptions;
  readonly #rotateBytes: number;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #ping: Uint8Array | undefined;
  #ack: Uint8Array | undefined;
  #writer: Writer | undefined;
  #written = 0;
  #running = false;
  #closed = false;

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.#rotateBytes = options.rotateBytes ?? ROTATE_BYTES;
  }

  /** Bytes that wait for the network. */
  get queued(): number {
    return this.#queued;
  }

  /** Queues a frame. Says whether there was room for it. */
  send(frame: Uint8Array): boolean {
    if (this.#closed || this.#queued + frame.length > MAX_QUEUED) {
      return false;
    }
    this.#queue.push(frame);
    this.#queued += frame.length;
    void this.#run();
    return true;
  }

  sendPing(frame: Uint8Array): void {
    this.#ping = frame;
    void this.#run();
  }

  sendAck(frame: Uint8Array): void {
    this.#ack = frame;
    void this.#run();
  }

  /** Opens the stream, even with nothing to say. */
  start(): void {
    void this.#run();
  }

  /** Ends the stream after what is being written. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#queue = [];
    this.#queued = 0;
    if (!this.#running) {
      await this.#end();
    }
  }

  async #run(): Promise<void> {
    if (this.#running || this.#closed) {
      return;
    }
    this.#running = true;
    try {
      this.#writer ??= await this.#options.open();
      for (let bytes = this.#next(); bytes && !this.#closed; bytes = this.#next()) {
        await this.#rotate();
        this.#written += bytes.length;
        await this.#writer.write(bytes);
      }
    } catch (error) {
      if (!this.#closed) {
        this.#closed = true;
        this.#options.failed(error);
      }
    } finally {
      this.#running = false;
    }
    if (this.#closed) {
      await this.#end();
    }
  }

  /** Opens the next stream before the last one ends: a moment without one would ask for a resync. */
  async #rotate(): Promise<void> {
    if (this.#written >= this.#rotateBytes) {
      const last = this.#writer;
      this.#writer = await this.#options.open();
      this.#written = 0;
      await last?.close();
    }
  }

  /** The frames that go out next, in one piece. */
  #next(): Uint8Array | undefined {
    const frames = [this.#ack, this.#ping].filter((frame) => frame !== undefined);
    this.#ack = undefined;
    this.#ping = undefined;
    let length = frames.reduce((sum, frame) => sum + frame.length, 0);
    let count = 0;
    for (const frame of this.#queue) {
      if (length > 0 && length + frame.length > MAX_WRITE) {
        break;
      }
      frames.push(frame);
      length += frame.length;
      count += 1;
    }
    this.#queue.splice(0, count);
    this.#queued = this.#queue.reduce((sum, frame) => sum + frame.length, 0);
    return frames.length > 0 ? joined(frames, length) : undefined;
  }

  async #end(): Promise<void> {
    const last = this.#writer;
    this.#writer = undefined;
    // The other side may be gone already; the stream ends with it then.
    await last?.close().catch(() => {});
  }
}

function joined(parts: Uint8Array[], length: number): Uint8Array {
  const [first] = parts;
  if (first && parts.length === 1) {
    return first;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
