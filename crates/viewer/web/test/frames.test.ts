import assert from "node:assert/strict";
import { test } from "node:test";
import { BINARY, FrameError, FrameReader, frame, MAX_PAYLOAD, TEXT } from "../src/remote/frames";

const bytes = (...values: number[]) => Uint8Array.from(values);

test("frames survive any cut", () => {
  const payloads = [
    bytes(),
    bytes(1),
    Uint8Array.from({ length: 40_000 }, (_, index) => index % 251),
    bytes(9, 8),
  ];
  const stream = payloads.flatMap((payload, index) => [...frame(index % 2 ? TEXT : BINARY, payload)]);
  for (const cut of [1, 2, 3, 5, 7, 1000, 15_000, stream.length]) {
    const reader = new FrameReader();
    const found = [];
    for (let at = 0; at < stream.length; at += cut) {
      found.push(...reader.push(Uint8Array.from(stream.slice(at, at + cut))));
    }
    assert.deepEqual(
      found.map((each) => [each.opcode, [...each.payload]]),
      payloads.map((payload, index) => [index % 2 ? TEXT : BINARY, [...payload]]),
      `cut every ${cut} bytes`,
    );
    assert.equal(reader.pending, 0);
  }
});

test("an unknown opcode is seen at its first byte", () => {
  assert.throws(() => new FrameReader().push(bytes(3)), FrameError);
});

test("a length over the limit is refused before its bytes arrive, and one at the limit reserves nothing", () => {
  const header = (length: number) => {
    const head = new Uint8Array(5);
    head[0] = BINARY;
    new DataView(head.buffer).setUint32(1, length, true);
    return head;
  };
  assert.throws(() => new FrameReader().push(header(MAX_PAYLOAD + 1)), FrameError);
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 50 }, () => {
    const reader = new FrameReader();
    assert.deepEqual(reader.push(header(MAX_PAYLOAD)), []);
    return reader;
  });
  assert.ok(
    process.memoryUsage().arrayBuffers - before < 1_000_000,
    `${readers.length} readers hold too much`,
  );
});

test("the numbers of a CDR message lie where a typed array can be laid over them", () => {
  const [only] = new FrameReader().push(frame(BINARY, new Uint8Array(17 + 4 + 80)));
  assert.ok(only);
  // After the message's header of 17 bytes and the CDR header of 4.
  assert.equal((only.payload.byteOffset + 17 + 4) % 8, 0);
});

test("a message that is too long is not sent", () => {
  assert.throws(() => frame(BINARY, new Uint8Array(MAX_PAYLOAD), bytes(1)), FrameError);
});
