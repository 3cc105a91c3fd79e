import assert from "node:assert/strict";
import { test } from "node:test";
import { discard, PendingBytes, readStream } from "../src/remote/downlink";
import { BINARY, frame, MAX_PAYLOAD, TEXT } from "../src/remote/frames";
import type { RobotMessage } from "../src/remote/messages";

async function* chunksOf(...chunks: (Uint8Array | Error)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    if (chunk instanceof Error) {
      throw chunk;
    }
    yield chunk;
  }
}

const text = (value: string) => frame(TEXT, new TextEncoder().encode(value));
const status = text('{"op":"status","level":1,"message":"m"}');

async function read(chunks: AsyncIterable<Uint8Array>, pending = new PendingBytes()) {
  const messages: RobotMessage[] = [];
  const skipped: unknown[] = [];
  const { error } = await readStream(
    chunks,
    pending,
    (message) => messages.push(message),
    (reason) => skipped.push(reason),
  );
  return { messages, skipped, error, pending };
}

test("a message that cannot be read is skipped, the stream goes on", async () => {
  const bad = [
    text("{"),
    text("[]"),
    text('{"no":"op"}'),
    frame(BINARY, new Uint8Array()),
    frame(BINARY, Uint8Array.of(1, 2)),
  ];
  const latin1 = frame(TEXT, Uint8Array.of(123, 0xff, 125));
  const { messages, skipped, error } = await read(chunksOf(...bad, latin1, status));
  assert.equal(skipped.length, 6);
  assert.deepEqual(
    messages.map((each) => each.kind),
    ["json"],
  );
  assert.equal(error, undefined);
});

test("a broken stream is told, and what still comes of it is thrown away", async () => {
  const { messages, error } = await read(chunksOf(status, Uint8Array.of(9), status, status));
  assert.equal(messages.length, 1);
  assert.match(error ?? "", /opcode 9/);
});

test("an abnormal end is told, and so is one inside of a message", async () => {
  assert.match((await read(chunksOf(status, new Error("missing chunk")))).error ?? "", /missing chunk/);
  assert.match((await read(chunksOf(status.subarray(0, 9)))).error ?? "", /inside a message/);
});

test("incomplete messages of all streams together are bounded", async () => {
  const pending = new PendingBytes();
  const large = frame(BINARY, new Uint8Array(MAX_PAYLOAD)).subarray(0, MAX_PAYLOAD - 1);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  async function* waiting(): AsyncGenerator<Uint8Array> {
    yield large;
    await held;
  }
  const reads = Array.from({ length: 12 }, () => read(waiting(), pending));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(pending.used <= 128 * 1024 * 1024, `${pending.used} bytes are held`);
  release();
  const broken = (await Promise.all(reads)).filter(({ error }) => error?.includes("too many bytes"));
  assert.ok(broken.length >= 3, `${broken.length} streams were given up`);
  assert.equal(pending.used, 0);
});

test("a stream that nobody wants is read to its end", async () => {
  let taken = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for (; taken < 5; taken += 1) {
      yield status;
    }
    throw new Error("gone");
  }
  await discard(counted());
  assert.equal(taken, 5);
});
