import assert from "node:assert/strict";
import { test } from "node:test";
import { TimeSeries } from "../src/panels/plot/series";
import { fromFragment, fromProgram } from "../src/remote/config";
import { Rate } from "../src/remote/rate";

const claims = Buffer.from(JSON.stringify({ video: { room: "größe" } })).toString("base64url");
const TOKEN = `head.${claims}.signature`;

test("a fragment names several rooms by several tokens", () => {
  const fields = new URLSearchParams([
    ["url", "wss://a"],
    ["url", "wss://b"],
    ["token", TOKEN],
    ["token", "two"],
    ["token", "three"],
    ["key", "k"],
  ]);
  assert.deepEqual(fromFragment(`#${fields}`)?.rooms, [
    { url: "wss://a", token: TOKEN, room: "größe", key: "k" },
    { url: "wss://b", token: "two", room: "", key: "k" },
    { url: "wss://b", token: "three", room: "", key: "k" },
  ]);
  assert.equal(fromFragment("#url=wss://a"), undefined);
  assert.equal(fromFragment("#token=x"), undefined);
  assert.equal(fromFragment(""), undefined);
});

test("the program's answer is taken as far as it makes sense", () => {
  const config = fromProgram({
    url: "ws://h",
    rooms: [{ room: "robot1", token: "t" }, { room: "no token" }, 3],
    robot: null,
    websocket: "ws://localhost:8765",
    error: null,
  });
  assert.deepEqual(config, {
    rooms: [{ url: "ws://h", token: "t", room: "robot1" }],
    robot: undefined,
    websocket: "ws://localhost:8765",
    error: undefined,
  });
  assert.equal(fromProgram({ rooms: [], error: "no key" }).error, "no key");
  assert.throws(() => fromProgram([]));
});

test("rates follow what arrives, and forget it", () => {
  const rate = new Rate();
  for (let time = 0; time < 10_000; time += 100) {
    rate.add(time, 1000);
  }
  assert.ok(Math.abs(rate.messages(10_000) - 10) < 1.5, `${rate.messages(10_000)} per second`);
  assert.ok(Math.abs(rate.bytes(10_000) - 10_000) < 1500);
  assert.equal(rate.messages(60_000), 0);
});

test("lines with times of their own share one list of times", () => {
  const [a, b] = [new TimeSeries(), new TimeSeries()];
  a.add(1, 10);
  a.add(2, 20);
  b.add(1.5, Number.NaN);
  b.add(2, 5);
  assert.deepEqual(TimeSeries.joined([a, b], 0), [
    [1, 1.5, 2],
    [10, null, 20],
    [null, null, 5],
  ]);
  assert.deepEqual(TimeSeries.joined([a], 1.5), [[2], [20]]);
  a.add(0.5, 1);
  assert.deepEqual(a.times, [0.5]);
  for (let count = 0; count < 100_000; count += 1) {
    a.add(count + 1, 0);
  }
  assert.ok(a.times.length <= 24_000);
});

test("of a line with too many points the peaks are drawn", () => {
  const line = new TimeSeries();
  for (let count = 0; count < 10_000; count += 1) {
    line.add(count / 1000, count === 4321 ? 7 : count === 8765 ? -9 : Math.sin(count));
  }
  const [times, values = []] = TimeSeries.joined([line], 0);
  assert.ok(times.length > 600 && times.length <= 1300, `${times.length} points`);
  assert.equal(Math.max(...(values as number[])), 7);
  assert.equal(Math.min(...(values as number[])), -9);
  assert.equal(values[times.indexOf(4.321)], 7);
  assert.deepEqual(
    times,
    [...times].sort((a, b) => a - b),
  );
  // It moves on without changing what was there.
  const before = new Set(times);
  line.add(10, 0);
  line.add(10.001, 0);
  const [after] = TimeSeries.joined([line], 0.002);
  assert.ok(after.filter((time) => before.has(time)).length > 0.9 * after.length);
});
