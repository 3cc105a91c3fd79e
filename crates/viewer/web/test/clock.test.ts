import assert from "node:assert/strict";
import { test } from "node:test";
import { RobotClock } from "../src/remote/clock";
import { madeMs } from "../src/ros/stamp";

test("the quickest answer of a second or two is the round trip", () => {
  const clock = new RobotClock();
  assert.equal(clock.rttMs(0), undefined);
  // Four pings that the robot answers together.
  for (const sent of [1000, 1100, 1200, 1300]) {
    clock.answered(sent, 9_000_000, 1340);
  }
  assert.equal(clock.rttMs(1340), 40);
  clock.answered(2100, 9_000_860, 2200);
  assert.equal(clock.rttMs(2200), 40);
  assert.equal(clock.rttMs(3100), 100);
  assert.equal(clock.rttMs(4100), undefined);
});

test("the robot's time is that of the quickest answer, whatever came later", () => {
  const clock = new RobotClock();
  clock.answered(1000, 500_020, 1040);
  assert.equal(clock.timeMs(1040), 500_040);
  clock.answered(2000, 501_900, 4000);
  assert.equal(clock.timeMs(4000), 503_000);
  clock.answered(5000, 1, 4000);
  assert.equal(clock.timeMs(4000), 503_000);
  // Clocks drift: what was long ago does not count.
  clock.answered(40_000, 700_000, 40_100);
  assert.equal(clock.timeMs(40_100), 700_050);
  clock.reset();
  assert.equal(clock.timeMs(40_100), undefined);
});

const header = {
  encoding: "cdr",
  schemaEncoding: "ros2msg",
  schema: "# A\n\nstd_msgs/Header header\nfloat64 x",
};

function stamped(sec: number, nanosec: number, littleEndian = true): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  view.setUint8(1, littleEndian ? 1 : 0);
  view.setInt32(4, sec, littleEndian);
  view.setUint32(8, nanosec, littleEndian);
  return new Uint8Array(view.buffer);
}

test("a message was made when its stamp says", () => {
  assert.equal(madeMs(header, stamped(100, 250_000_000), 100_400), 100_250);
  assert.equal(madeMs(header, stamped(100, 250_000_000, false), 100_400), 100_250);
  assert.equal(madeMs({ ...header, schema: "Header header" }, stamped(100, 0), 100_400), 100_000);
});

test("without a stamp that makes sense it was made when it was published", () => {
  assert.equal(madeMs(header, stamped(0, 0), 100_400), 100_400);
  assert.equal(madeMs(header, stamped(200, 0), 100_400), 100_400);
  assert.equal(madeMs(header, new Uint8Array(4), 100_400), 100_400);
  assert.equal(madeMs({ ...header, schema: "float64 x\nHeader header" }, stamped(100, 0), 100_400), 100_400);
  assert.equal(madeMs({ ...header, encoding: "json" }, stamped(100, 0), 100_400), 100_400);
});
