import assert from "node:assert/strict";
import { test } from "node:test";
import { type ByteStreamReader, Room } from "livekit-client";
import { guardStreams, StreamGuard, type StreamPacket } from "../src/remote/guard";

const TOPIC = "ws-protocol";

/** What LiveKit's client does with packets, guarded. */
class Bench {
  guard = new StreamGuard(TOPIC);
  readers: { reader: ByteStreamReader; identity: string }[] = [];
  #manager: { setConnected(on: boolean): void; handleDataStreamPacket(packet: unknown, encryption: 0): void };

  constructor(isConnected = true) {
    const room = new Room();
    guardStreams(room, (packet) => this.guard.passes(packet));
    room.registerByteStreamHandler(TOPIC, (reader, { identity }) => this.readers.push({ reader, identity }));
    this.#manager = (room as unknown as { incomingDataStreamManager: never }).incomingDataStreamManager;
    this.#manager.setConnected(isConnected);
  }

  connect(): void {
    this.#manager.setConnected(true);
  }

  open(sender: string, streamId: string, fields: object = {}): void {
    const contentHeader = { case: "byteHeader", value: { name: "s" } };
    this.#packet(sender, "streamHeader", {
      topic: TOPIC,
      contentHeader,
      compression: 0,
      attributes: {},
      timestamp: 0n,
      streamId,
      ...fields,
    });
  }

  chunk(sender: string, streamId: string, index: number, ...bytes: number[]): void {
    const content = Uint8Array.from(bytes);
    this.#packet(sender, "streamChunk", { streamId, chunkIndex: BigInt(index), content, version: 0 });
  }

  close(sender: string, streamId: string): void {
    this.#packet(sender, "streamTrailer", { streamId, reason: "", attributes: {} });
  }

  /** All that a stream brought, when it has ended. */
  async bytes(number: number): Promise<number[]> {
    const bytes: number[] = [];
    for await (const chunk of this.readers[number]?.reader ?? []) {
      bytes.push(...chunk);
    }
    return bytes;
  }

  #packet(participantIdentity: string, kind: string, value: object): void {
    const packet: StreamPacket = { participantIdentity, value: { case: kind, value } };
    this.#manager.handleDataStreamPacket(packet, 0);
  }
}

test("what another participant writes into the robot's stream is not read", async () => {
  const bench = new Bench();
  bench.open("robot", "a");
  bench.chunk("robot", "a", 0, 1, 2);
  bench.chunk("viewer", "a", 1, 66);
  bench.close("viewer", "a");
  bench.open("viewer", "a");
  bench.chunk("robot", "a", 1, 3);
  bench.close("robot", "a");
  assert.deepEqual(await bench.bytes(0), [1, 2, 3]);
  assert.equal(bench.readers.length, 1);
  // The id is free again.
  bench.open("viewer", "a");
  bench.chunk("robot", "a", 0, 66);
  bench.chunk("viewer", "a", 0, 4);
  bench.close("viewer", "a");
  assert.deepEqual(await bench.bytes(1), [4]);
  assert.equal(bench.readers[1]?.identity, "viewer");
});

test("what came before the connection was complete is guarded, too", async () => {
  const bench = new Bench(false);
  bench.open("robot", "a");
  bench.chunk("viewer", "a", 0, 66);
  bench.chunk("robot", "a", 0, 1);
  bench.close("robot", "a");
  assert.equal(bench.readers.length, 0);
  bench.connect();
  assert.deepEqual(await bench.bytes(0), [1]);
});

test("other streams, compressed ones and too many are not taken", () => {
  const bench = new Bench();
  bench.open("robot", "a", { topic: "other" });
  bench.open("robot", "b", { contentHeader: { case: "textHeader", value: {} } });
  bench.open("robot", "c", { compression: 1 });
  assert.equal(bench.readers.length, 0);
  for (let number = 0; number < 9000; number += 1) {
    bench.open("flood", `${number}`);
  }
  assert.equal(bench.readers.length, 8192);
  bench.open("robot", "mine");
  assert.equal(bench.readers.length, 8193);
  // Who is gone has nothing open.
  bench.guard.forget("flood");
  bench.open("flood", "again");
  assert.equal(bench.readers.length, 8194);
});

test("a room that cannot be guarded is not used", () => {
  assert.throws(() => guardStreams({}, () => true), /cannot guard/);
});
