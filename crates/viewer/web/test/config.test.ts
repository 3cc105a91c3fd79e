import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePanels } from "../src/app/layout";
import { TimeSeries } from "../src/panels/series";
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
  ]);
  assert.deepEqual(fromFragment(`#${fields}`)?.rooms, [
    { url: "wss://a", token: TOKEN, room: "größe" },
    { url: "wss://b", token: "two", room: "" },
    { url: "wss://b", token: "three", room: "" },
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

test("panels that somebody else stored are not taken", () => {
  assert.equal(parsePanels(null), undefined);
  assert.equal(parsePanels("{"), undefined);
  const good = { id: "1", kind: "tree", topic: "/a" };
  assert.deepEqual(
    parsePanels(JSON.stringify([good, { id: 2, kind: "tree" }, { id: "3", kind: "x" }, null])),
    [good],
  );
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
  assert.ok(TimeSeries.joined([a], 0)[0].length <= 3001);
});
