/** Writes what arrives from a robot into an MCAP file, in memory. */
import type { McapWriter } from "../../lazy/mcap";
import type { Channel } from "../../remote/channel";
import type { Robot } from "../../remote/robot";

/** Bytes of a recording; then it ends by itself. A tab has not much more memory. */
export const MAX_BYTES = 500e6;
/** Bytes that may wait to be written. */
const MAX_WAITING = 64e6;
const NS_PER_MS = 1_000_000n;

interface Waiting {
  channel: Channel;
  data: Uint8Array;
  logTimeMs: number;
}

export class Recorder {
  messages = 0;
  bytes = 0;
  /** Messages that could not be kept. */
  lost = 0;

  #writer: McapWriter;
  #parts: Uint8Array<ArrayBuffer>[] = [];
  #position = 0n;
  #ids = new Map<string, number>();
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #work: Promise<void> = Promise.resolve();
  #ends: (() => void)[];

  /** Subscribes to these topics until {@link stop}. */
  static async start(robot: Robot, topics: string[]): Promise<Recorder> {
    const { McapWriter } = await import("../../lazy/mcap");
    const recorder = new Recorder(McapWriter, robot, topics);
    await recorder.#writer.start({ profile: "ros2", library: "remote_access_bridge page" });
    return recorder;
  }

  private constructor(Writer: typeof McapWriter, robot: Robot, topics: string[]) {
    const writable = {
      write: async (part: Uint8Array) => {
        // A copy of the writer's, in memory of its own.
        this.#parts.push(part as Uint8Array<ArrayBuffer>);
        this.#position += BigInt(part.length);
      },
      position: () => this.#position,
    };
    this.#writer = new Writer({ writable, useStatistics: true });
    this.#ends = topics.map((topic) => robot.watch(topic, (...message) => this.#take(...message)));
  }

  get isFull(): boolean {
    return this.bytes >= MAX_BYTES;
  }

  /** Ends the recording and gives the file. */
  async stop(): Promise<Blob> {
    for (const end of this.#ends.splice(0)) {
      end();
    }
    await this.#work;
    await this.#writer.end();
    return new Blob(this.#parts, { type: "application/octet-stream" });
  }

  #take(channel: Channel, data: Uint8Array, logTimeMs: number): void {
    if (this.isFull || this.#waitingBytes + data.length > MAX_WAITING) {
      this.lost += 1;
      return;
    }
    this.messages += 1;
    this.bytes += data.length;
    this.#waitingBytes += data.length;
    this.#waiting.push({ channel, data, logTimeMs });
    // The writer does one thing at a time.
    if (this.#waiting.length === 1) {
      this.#work = this.#work.then(() => this.#write());
    }
  }

  async #write(): Promise<void> {
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const { channel, data, logTimeMs } = next;
      const channelId = await this.#idOf(channel);
      const time = BigInt(Math.round(logTimeMs * 1000)) * (NS_PER_MS / 1000n);
      await this.#writer.addMessage({ channelId, sequence: 0, logTime: time, publishTime: time, data });
      this.#waiting.shift();
      this.#waitingBytes -= data.length;
    }
  }

  async #idOf({ topic, encoding, schemaName, schemaEncoding, schema }: Channel): Promise<number> {
    const key = `${topic}\n${schemaName}\n${schema}`;
    const known = this.#ids.get(key);
    if (known !== undefined) {
      return known;
    }
    const schemaId = await this.#writer.registerSchema({
      name: schemaName,
      encoding: schemaEncoding,
      data: new TextEncoder().encode(schema),
    });
    const id = await this.#writer.registerChannel({
      topic,
      schemaId,
      messageEncoding: encoding,
      metadata: new Map(),
    });
    this.#ids.set(key, id);
    return id;
  }
}
