import assert from "node:assert/strict";
import { test } from "node:test";
import { Member } from "../src/remote/member";

/** A robot in the room that has introduced itself, and how often a stream to it was opened. */
class Bench {
  nowMs = 1000;
  opened = 0;
  member = new Member(
    "robot",
    async () => {
      this.opened += 1;
      return { write: async () => {}, close: async () => {} };
    },
    () => this.nowMs,
  );

  constructor() {
    this.member.begin("PA_1");
    this.member.start();
    const body = { op: "serverInfo", name: "Robot", capabilities: [], sessionId: "one" };
    this.member.robot.receive({ kind: "json", op: "serverInfo", body }, 10);
  }

  pong(): void {
    this.member.robot.receive({ kind: "pong", sent: 1n, device: 1n }, 17);
  }

  async wait(milliseconds: number): Promise<void> {
    for (const end = this.nowMs + milliseconds; this.nowMs < end; this.nowMs += 100) {
      this.member.tick();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

test("a robot that never answers on a stream soon gets another one", async () => {
  const bench = new Bench();
  await bench.wait(3900);
  assert.equal(bench.opened, 1);
  await bench.wait(300);
  assert.equal(bench.opened, 2);
});

test("a robot that has answered on a stream may be silent for longer", async () => {
  const bench = new Bench();
  bench.pong();
  await bench.wait(9900);
  assert.equal(bench.opened, 1);
  await bench.wait(300);
  assert.equal(bench.opened, 2);
});
