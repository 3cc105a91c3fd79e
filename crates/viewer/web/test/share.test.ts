import assert from "node:assert/strict";
import { test } from "node:test";
import { age, bytes, duration, hertz, number, pace, rate } from "../src/app/format";
import { packText, unpackText } from "../src/app/share";
import { Rate } from "../src/remote/rate";

test("a layout survives the way through a link, which needs no escapes", async () => {
  const text = JSON.stringify({ pages: [{ name: "Küche ↗ 🤖", panels: [] }] });
  const packed = await packText(text);
  assert.match(packed, /^[\w-]+$/);
  assert.equal(await unpackText(packed), text);
});

test("what is no layout in a link is refused, and so is one that unpacks without end", async () => {
  await assert.rejects(unpackText("%%%"));
  await assert.rejects(unpackText("AAAA"));
  const packed = await packText("x".repeat(10_000_000));
  assert.ok(packed.length < 20_000);
  await assert.rejects(unpackText(packed), /more than 200000 characters/);
});

test("figures are short and say their unit", () => {
  assert.deepEqual([0, 999, 1000, 854_321, 12_345_678].map(bytes), [
    "0 B",
    "999 B",
    "1.00 kB",
    "854 kB",
    "12.3 MB",
  ]);
  // Never "1000 kB".
  assert.equal(bytes(999_700), "1.00 MB");
  assert.equal(rate(854_000), "854 kB/s");
  assert.deepEqual([0.5, 9.94, 24.6].map(hertz), ["0.5 Hz", "9.9 Hz", "25 Hz"]);
  assert.deepEqual([-5, 14, 994, 995, 1500, 59_999, 7_300_000].map(duration), [
    "0 ms",
    "10 ms",
    "990 ms",
    "1.0 s",
    "1.5 s",
    "1 min",
    "2 h",
  ]);
  assert.deepEqual([age(undefined), age(2600)], ["–", "2.6 s old"]);
  assert.deepEqual([3, 0.1 + 0.2, 1234.56789, 0.00001234, Number.NaN].map(number), [
    "3",
    "0.3",
    "1234.568",
    "1.2340e-5",
    "NaN",
  ]);
});

test("a topic without messages has no rate, and one that is latched says so", () => {
  const channel = { id: 1, topic: "/a", encoding: "cdr", schemaName: "", schemaEncoding: "", schema: "" };
  const silent = { ...channel, latest: undefined, logTimeMs: 0, arrivedMs: 0, count: 0, rate: new Rate() };
  assert.equal(pace(silent, 1000), "–");
  assert.equal(pace({ ...silent, isLatched: true }, 1000), "latched");
  for (let now = 0; now <= 2000; now += 100) {
    silent.rate.add(now, 10);
  }
  assert.match(pace(silent, 2000), /^1[01] Hz$/);
});
