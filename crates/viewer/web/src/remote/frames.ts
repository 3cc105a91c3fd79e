/**
 * Frames of a byte stream: `u8 opcode | u32 LE length | payload`, cut anywhere by the transport.
 */

/** The payload is UTF-8 JSON. */
export const TEXT = 1;
/** The payload is a binary message. */
export const BINARY = 2;
/** Bytes of a frame's header. */
const HEADER_SIZE = 5;
/** Largest payload, in bytes. A longer one ends the stream. */
export const MAX_PAYLOAD = 16 * 1024 * 1024;

/**
 * Where payloads begin modulo 8. A message's CDR data follow 17 bytes of message header and 4 of CDR
 * header, so that its numbers lie where typed arrays can be laid over them without a copy.
 */
const PAYLOAD_OFFSET = 3;

/** The stream cannot be read any further. */
export class FrameError extends Error {}

export interface Frame {
  opcode: typeof TEXT | typeof BINARY;
  payload: Uint8Array;
}

/**
 * Cuts the chunks of one stream into frames. Memory grows with what has arrived, never with the
 * length that a header announces.
 */
export class FrameReader {
  #header = new Uint8Array(HEADER_SIZE);
  #headerFill = 0;
  #length = 0;
  #parts: Uint8Array[] = [];
  #fill = 0;

  /** Bytes of a frame that is not complete yet. */
  get pending(): number {
    return this.#headerFill + this.#fill;
  }

  /** The frames that a chunk completes. Throws {@link FrameError}; the stream is lost then. */
  push(chunk: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#headerFill < HEADER_SIZE) {
        const taken = Math.min(HEADER_SIZE - this.#headerFill, chunk.length - at);
        this.#header.set(chunk.subarray(at, at + taken), this.#headerFill);
        this.#headerFill += taken;
        at += taken;
        this.#checkHeader();
      }
      if (this.#headerFill === HEADER_SIZE) {
        const taken = Math.min(this.#length - this.#fill, chunk.length - at);
        if (taken > 0) {
          this.#parts.push(chunk.subarray(at, at + taken));
          this.#fill += taken;
          at += taken;
        }
        if (this.#fill === this.#length) {
          frames.push(this.#take());
        }
      }
    }
    return frames;
  }

  #checkHeader(): void {
    const [opcode] = this.#header;
    if (opcode !== TEXT && opcode !== BINARY) {
      throw new FrameError(`unknown frame opcode ${opcode}: the robot speaks another protocol version`);
    }
    if (this.#headerFill === HEADER_SIZE) {
      this.#length = new DataView(this.#header.buffer).getUint32(1, true);
      if (this.#length > MAX_PAYLOAD) {
        throw new FrameError(`frame of ${this.#length} bytes is longer than the limit of ${MAX_PAYLOAD}`);
      }
    }
  }

  /** Forgets the frame that is not complete. */
  clear(): void {
    this.#headerFill = 0;
    this.#fill = 0;
    this.#parts = [];
  }

  #take(): Frame {
    const payload = new Uint8Array(new ArrayBuffer(PAYLOAD_OFFSET + this.#fill), PAYLOAD_OFFSET);
    let at = 0;
    for (const part of this.#parts) {
      payload.set(part, at);
      at += part.length;
    }
    const opcode = this.#header[0] === TEXT ? TEXT : BINARY;
    this.clear();
    return { opcode, payload };
  }
}

/** One frame, from the parts of its payload. */
export function frame(opcode: number, ...parts: Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length > MAX_PAYLOAD) {
    throw new FrameError(`a message of ${length} bytes is longer than the limit of ${MAX_PAYLOAD}`);
  }
  const bytes = new Uint8Array(HEADER_SIZE + length);
  bytes[0] = opcode;
  new DataView(bytes.buffer).setUint32(1, length, true);
  let at = HEADER_SIZE;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
