import assert from "node:assert/strict";
import { test } from "node:test";
import { Driver } from "../src/panels/driver";
import { Grip, type Key } from "../src/panels/grip";
import { Robot } from "../src/remote/robot";

const PLAIN = { type: "keydown", repeat: false, ctrlKey: false, metaKey: false, altKey: false };
const key = (code: string, how: Partial<Key> = {}): Key => ({ ...PLAIN, code, ...how });

test("keys hold the stick until they come up", () => {
  const grip = new Grip();
  assert.equal(grip.key(key("ArrowUp")), true);
  assert.equal(grip.key(key("KeyA")), true);
  assert.deepEqual(grip.keys, { ahead: 1, turn: 1 });
  grip.key(key("ArrowUp", { type: "keyup" }));
  assert.deepEqual(grip.keys, { ahead: 0, turn: 1 });
  grip.key(key("KeyA", { type: "keyup" }));
  assert.equal(grip.keys, undefined);
  assert.equal(grip.key(key("KeyX")), false);
});

test("shortcuts do not drive", () => {
  for (const modifier of ["ctrlKey", "metaKey", "altKey"] as const) {
    const grip = new Grip();
    assert.equal(grip.key(key("KeyS", { [modifier]: true })), false);
    assert.equal(grip.owns(key("KeyS", { [modifier]: true })), false);
    assert.equal(grip.keys, undefined);
  }
});

test("a shortcut lets go of the keys: with Command none tells that it came up", () => {
  const grip = new Grip();
  grip.key(key("KeyW"));
  assert.equal(grip.key(key("MetaLeft", { metaKey: true })), true);
  assert.equal(grip.keys, undefined);
  // The key is still down, and repeats when Command is up again.
  assert.equal(grip.key(key("KeyW", { repeat: true })), false);
  assert.equal(grip.keys, undefined);
  grip.key(key("KeyW"));
  assert.deepEqual(grip.keys, { ahead: 1, turn: 0 });
});

test("what the page let go of does not hold again until it is pressed anew", () => {
  const grip = new Grip();
  grip.key(key("KeyW"));
  grip.press(7);
  assert.equal(grip.isHeldBy(7), true);
  grip.release();
  grip.key(key("KeyW", { repeat: true }));
  assert.equal(grip.keys, undefined);
  assert.equal(grip.isHeldBy(7), false);
});

test("who is refused is told who drives, until the robot is free", () => {
  const robot = new Robot("r", () => 0);
  const driver = new Driver(robot, "/cmd_vel", "geometry_msgs/msg/Twist");
  const status = (id: string, message: string) =>
    robot.receive({ kind: "json", op: "status", body: { op: "status", level: 1, id, message } }, 10);
  assert.equal(driver.refusal, undefined);
  status("driven-/other/cmd_vel", "/other/cmd_vel is driven by Eve; it is free when Eve stops");
  assert.equal(driver.refusal, undefined);
  status("driven-/cmd_vel", "/cmd_vel is driven by Ada L.; it is free when Ada L. stops");
  assert.equal(driver.refusal, "Driven by Ada L.");
  const body = { op: "removeStatus", statusIds: ["driven-/cmd_vel"] };
  robot.receive({ kind: "json", op: "removeStatus", body }, 10);
  assert.equal(driver.refusal, undefined);
  // Another wording is shown as it is.
  status("driven-/cmd_vel", "somebody drives");
  assert.equal(driver.refusal, "somebody drives");
});

test("a channel that the robot refuses does not drive", () => {
  const robot = new Robot("r", () => 0);
  const driver = new Driver(robot, "/cmd_vel", "geometry_msgs/msg/Twist");
  driver.drive({ ahead: 1, left: 0, turn: 0 });
  const body = { op: "status", level: 2, id: "client-channel-1", message: "cannot publish on /cmd_vel: no" };
  robot.receive({ kind: "json", op: "status", body }, 10);
  assert.equal(driver.refusal, "cannot publish on /cmd_vel: no");
  driver.dispose();
  assert.equal(driver.refusal, undefined);
});
