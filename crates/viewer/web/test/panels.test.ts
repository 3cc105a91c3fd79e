import assert from "node:assert/strict";
import { test } from "node:test";
import { Statuses } from "../src/panels/diagnostics/statuses";
import { Lines, levelName } from "../src/panels/rosout/lines";

const line = (level: number, name: string, msg: string) => ({
  stamp: { sec: 1, nanosec: 0 },
  level,
  name,
  msg,
  file: "a.cpp",
  function: "f",
  line: 7,
});

test("lines are found by level and text, the newest first", () => {
  const lines = new Lines();
  lines.add(line(20, "nav", "Started"));
  lines.add(line(40, "nav", "no path"));
  lines.add(line(30, "camera", "late Frame"));
  const texts = (level: number, text: string, most = 10) =>
    lines.find(level, text, most).map(({ msg }) => msg);
  assert.deepEqual(texts(10, ""), ["late Frame", "no path", "Started"]);
  assert.deepEqual(texts(30, ""), ["late Frame", "no path"]);
  assert.deepEqual(texts(10, "NAV"), ["no path", "Started"]);
  assert.deepEqual(texts(10, "frame"), ["late Frame"]);
  assert.deepEqual(texts(10, "", 1), ["late Frame"]);
  lines.clear();
  assert.deepEqual(texts(10, ""), []);
  assert.equal(levelName(30), "WARN");
  assert.equal(levelName(35), "WARN");
});

test("a robot that logs for ever does not fill the page's memory", () => {
  const lines = new Lines();
  for (let index = 0; index < 20_000; index += 1) {
    lines.add(line(20, "n", String(index)));
  }
  assert.equal(lines.count, 20_000);
  assert.equal(lines.find(0, "", 100_000).length < 7000, true);
  assert.equal(lines.find(0, "", 1)[0]?.msg, "19999");
});

test("the worst status comes first, and one that is not repeated is stale", () => {
  const statuses = new Statuses();
  const status = (name: string, level: number) => ({
    name,
    level,
    message: "m",
    hardware_id: "",
    values: [],
  });
  statuses.add(status("b", 0), 1000);
  statuses.add(status("a", 0), 1000);
  statuses.add(status("c", 2), 1000);
  statuses.add(status("a", 1), 2000);
  const found = (nowMs: number, text = "") =>
    statuses.find(text, nowMs).map(({ name, level }) => `${name}${level}`);
  assert.deepEqual(found(2000), ["c2", "a1", "b0"]);
  assert.deepEqual(found(2000, "B"), ["b0"]);
  assert.deepEqual(statuses.counts(2000), [1, 1, 1, 0]);
  assert.deepEqual(found(6500), ["b3", "c3", "a1"]);
});
