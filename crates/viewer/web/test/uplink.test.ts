import assert from "node:assert/strict";
import { test } from "node:test";
import { Uplink, type Writer } from "../src/remote/uplink";

/** A transport that writes when it is told to. */
class Wire {
  events: string[] = [];
  written: number[][] = [];
  release: (() => void) | undefined;
  isSlow = false;
  opened = 0;

  open = async (): Promise<Writer> => {
    const number = this.opened;
    this.opened += 1;
    this.events.push(`open ${number}`);
    return {
      write: (bytes) => {
        this.written.push([...bytes]);
        this.events.push(`write ${bytes.length} on ${number}`);
        return this.isSlow ? new Promise((resolve) => (this.release = resolve)) : Promise.resolve();
      },
      close: async () => {
        this.events.push(`close ${number}`);
      },
    };
  };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
const fail = (error: unknown) => assert.fail(String(error));

test("frames go out in order, those that wait together in one write", async () => {
  const wire = new Wire();
  wire.isSlow = true;
  const uplink = new Uplink({ open: wire.open, failed: fail });
  uplink.send(Uint8Array.of(1));
  await settle();
  uplink.send(Uint8Array.of(2));
  uplink.send(Uint8Array.of(3, 3));
  wire.isSlow = false;
  wire.release?.();
  await settle();
  assert.deepEqual(wire.written, [[1], [2, 3, 3]]);
});

test("of pings and acknowledgements that wait only the newest goes out, before everything else", async () => {
  const wire = new Wire();
  wire.isSlow = true;
  const uplink = new Uplink({ open: wire.open, failed: fail });
  uplink.send(Uint8Array.of(1));
  await settle();
  for (let count = 10; count < 20; count += 1) {
    uplink.sendPing(Uint8Array.of(count));
    uplink.sendAck(Uint8Array.of(count + 100));
  }
  uplink.send(Uint8Array.of(2));
  wire.isSlow = false;
  wire.release?.();
  await settle();
  assert.deepEqual(wire.written, [[1], [119, 19, 2]]);
});

test("what waits is bounded", async () => {
  const wire = new Wire();
  wire.isSlow = true;
  const uplink = new Uplink({ open: wire.open, failed: fail });
  const megabyte = new Uint8Array(1_000_000);
  let taken = 0;
  for (let count = 0; count < 100; count += 1) {
    taken += uplink.send(megabyte) ? 1 : 0;
  }
  assert.ok(taken > 10 && taken < 40, `${taken} MB wait`);
});

test("the next stream is open before the last one ends", async () => {
  const wire = new Wire();
  const uplink = new Uplink({ open: wire.open, failed: fail, rotateBytes: 100 });
  for (let count = 0; count < 3; count += 1) {
    uplink.send(new Uint8Array(60));
    await settle();
  }
  assert.deepEqual(wire.events, [
    "open 0",
    "write 60 on 0",
    "write 60 on 0",
    "open 1",
    "close 0",
    "write 60 on 1",
  ]);
});

test("a stream that fails is told once", async () => {
  let failures = 0;
  const uplink = new Uplink({
    open: () => Promise.reject(new Error("no")),
    failed: () => {
      failures += 1;
    },
  });
  uplink.send(Uint8Array.of(1));
  await settle();
  assert.equal(uplink.send(Uint8Array.of(1)), false);
  uplink.sendPing(Uint8Array.of(1));
  await settle();
  assert.equal(failures, 1);
});

test("closing ends the stream after the write that is under way", async () => {
  const wire = new Wire();
  wire.isSlow = true;
  const uplink = new Uplink({ open: wire.open, failed: fail });
  uplink.send(Uint8Array.of(1));
  await settle();
  await uplink.close();
  assert.ok(!wire.events.includes("close 0"));
  wire.release?.();
  await settle();
  assert.equal(wire.events.at(-1), "close 0");
});
