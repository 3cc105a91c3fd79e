import assert from "node:assert/strict";
import { test } from "node:test";
import { ageMs } from "../src/app/age";
import { Driver } from "../src/drive/driver";
import { readPad } from "../src/drive/gamepad";
import { Grip, type Key } from "../src/drive/grip";
import { staleReason } from "../src/drive/lock";
import { parseSettings } from "../src/drive/settings";
import { wheelOf } from "../src/drive/wheel";
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
  const status = (id: string, message: string, wheel?: unknown) =>
    robot.receive({ kind: "json", op: "status", body: { op: "status", level: 1, id, message, wheel } }, 10);
  assert.equal(driver.refusal, undefined);
  status("driven-/other/cmd_vel", "Eve drives", { driver: "Eve", mayTake: false });
  assert.equal(driver.refusal, undefined);
  // Names are free texts, which mean nothing by themselves.
  const name = "Ada; your command takes the wheel";
  status("driven-/cmd_vel", `/cmd_vel is driven by ${name}`, { driver: name, mayTake: false });
  assert.equal(driver.refusal, `Driven by ${name}`);
  driver.takesWheel = true;
  assert.equal(driver.refusal, `Driven by ${name}`);
  const body = { op: "removeStatus", statusIds: ["driven-/cmd_vel"] };
  robot.receive({ kind: "json", op: "removeStatus", body }, 10);
  assert.equal(driver.refusal, undefined);
  // What comes without fields, or with others, is shown as it is.
  for (const wheel of [undefined, null, "Ada", { driver: 7 }]) {
    status("driven-/cmd_vel", "somebody drives", wheel);
    assert.equal(driver.refusal, "somebody drives");
  }
});

test("the wheel is asked for, taken by right, and its questions have an end", () => {
  const robot = new Robot("r", () => 1000);
  const driver = new Driver(robot, "/cmd_vel", "geometry_msgs/msg/Twist");
  const json = (op: string, body: Record<string, unknown>) =>
    robot.receive({ kind: "json", op, body: { op, ...body } }, 10);
  const status = (id: string, wheel: unknown, message = "in words") =>
    json("status", { level: 0, id, message, wheel });
  const wheel = (nowMs = 1000) => wheelOf(robot, "/cmd_vel", nowMs);
  status("driven-/cmd_vel", { driver: "Ada", mayTake: false });
  assert.equal(wheel().canAsk, false, "an older robot cannot be asked");
  json("serverInfo", { name: "R", capabilities: [], sessionId: "s", metadata: { wheel: "true" } });
  status("driven-/cmd_vel", { driver: "Ada", mayTake: false });
  driver.takesWheel = true;
  assert.equal(driver.refusal, "Driven by Ada");
  assert.deepEqual([wheel().canAsk, wheel().canTake], [true, false]);
  // By right, and only on purpose.
  status("driven-/cmd_vel", { driver: "Ada", mayTake: true });
  assert.equal(driver.refusal, undefined);
  driver.takesWheel = false;
  assert.equal(driver.refusal, "Driven by Ada");
  assert.equal(wheel().canTake, true);
  status("driven-/cmd_vel", { heir: "Eve" });
  assert.equal(driver.refusal, "Handed to Eve");
  assert.equal(wheel().canAsk, false);
  status("asked-/cmd_vel", { asker: "Eve" });
  assert.equal(wheel().asker, "Eve");
  json("removeStatus", { statusIds: ["asked-/cmd_vel"] });
  assert.equal(wheel().asker, undefined);
  status("wheel-/cmd_vel", undefined, "Ada keeps the wheel of /cmd_vel");
  assert.equal(wheel().answer, "Ada keeps the wheel of /cmd_vel");
  assert.equal(wheel(12_000).answer, undefined);
});

test("no command goes out that the check before it has stopped", async () => {
  let frames = 0;
  const robot = new Robot("r", () => 0);
  robot.attach({
    send: () => {
      frames += 1;
      return true;
    },
    sendPing: () => {},
    sendAck: () => {},
  });
  const driver: Driver = new Driver(robot, "/cmd_vel", "geometry_msgs/msg/Twist", () => driver.stop());
  driver.drive({ ahead: 1, left: 0, turn: 0 });
  assert.equal(frames, 2, "the channel and a command");
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.equal(driver.isDriving, false);
  assert.equal(frames, 5, "three stops");
});

test("who may not drive is told so", () => {
  const robot = new Robot("r", () => 0);
  const driver = new Driver(robot, "/cmd_vel", "geometry_msgs/msg/Twist");
  const body = { op: "status", level: 2, id: "refused-driving-/cmd_vel", message: "no right to drive" };
  robot.receive({ kind: "json", op: "status", body }, 10);
  assert.equal(driver.refusal, "no right to drive");
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

const rest = { axes: [0, 0, 0, 0], buttons: Array.from({ length: 17 }, () => ({ pressed: false })) };
const pressed = (...which: number[]) => rest.buttons.map((_, index) => ({ pressed: which.includes(index) }));

test("a gamepad drives only while its dead-man's switch is held", () => {
  const ahead = { ...rest, axes: [0, -1, 0, 0] };
  assert.equal(readPad(ahead).stick, undefined);
  assert.deepEqual(readPad({ ...ahead, buttons: pressed(5) }).stick, { ahead: 1, turn: 0 });
  assert.deepEqual(readPad({ ...ahead, buttons: pressed(4) }).stick, { ahead: 1, turn: 0 });
  assert.equal(readPad({ ...ahead, buttons: pressed(0) }).stick, undefined);
});

test("a gamepad's sticks rest near their middle, and either turns", () => {
  const at = (...axes: number[]) => readPad({ axes, buttons: pressed(5) }).stick;
  assert.deepEqual(at(0.1, 0.1, -0.1, 0), { ahead: 0, turn: 0 });
  assert.deepEqual(at(1, 0, 0.1, 0), { ahead: 0, turn: -1 });
  assert.deepEqual(at(0, 0, -1, 0), { ahead: 0, turn: 1 });
  assert.deepEqual(at(), { ahead: 0, turn: 0 });
  assert.equal(readPad({ axes: [], buttons: pressed(1) }).stop, true);
});

test("settings that were stored are within their ranges", () => {
  const first = parseSettings(null);
  assert.deepEqual(parseSettings("{"), first);
  assert.deepEqual(parseSettings('{"speed": 99, "turnSpeed": "1", "maxAgeMs": 1, "topic": ""}'), first);
  const mine = { ...first, topic: "/base/cmd_vel", speed: 0.2, maxAgeMs: 5000 };
  assert.deepEqual(parseSettings(JSON.stringify(mine)), mine);
});

/** A robot that publishes odometry and two sizes of a video, 20 ms old on arrival, on a page whose time is the test's. */
function robotToDrive() {
  const clock = { nowMs: 1000 };
  const robot = new Robot("r", () => clock.nowMs);
  robot.attach({ send: () => true, sendPing: () => {}, sendAck: () => {} });
  const say = (op: string, body: object) => robot.receive({ kind: "json", op, body: { ...body } }, 1);
  say("serverInfo", { name: "r", capabilities: ["clientPublish"], sessionId: "s" });
  const channel = { id: 1, topic: "/odom", encoding: "cdr", schemaName: "nav_msgs/msg/Odometry", schema: "" };
  const video = (id: number, topic: string, width: string) => ({
    ...channel,
    id,
    topic,
    schemaName: "foxglove_msgs/msg/CompressedVideo",
    metadata: { source_topic: "/image", max_width: width, max_height: width },
  });
  const videos = [video(2, "/image/video", "640"), video(3, "/image/video_small", "480")];
  say("advertise", { channels: [channel, ...videos] });
  const hear = (id = 1) => {
    const robotMs = 5e12 + clock.nowMs;
    const sent = BigInt(1000 * (clock.nowMs - 40));
    robot.receive({ kind: "pong", sent, device: BigInt(robotMs - 20) }, 1);
    robot.receive({ kind: "data", channel: id, logTimeMs: robotMs - 20, data: new Uint8Array(16) }, 16);
  };
  return { clock, robot, hear };
}

test("driving is locked while what one sees is too old, or the robot does not answer", () => {
  const { clock, robot, hear } = robotToDrive();
  const unwatch = robot.watch("/odom");
  hear();
  assert.equal(staleReason(robot, 1000, clock.nowMs), undefined);
  clock.nowMs += 970;
  assert.equal(staleReason(robot, 1000, clock.nowMs), undefined);
  robot.receive({ kind: "pong", sent: BigInt(1000 * clock.nowMs), device: BigInt(5e12 + clock.nowMs) }, 1);
  clock.nowMs += 100;
  assert.equal(staleReason(robot, 1000, clock.nowMs), "Locked: the odometry of /odom is 1.0 s old");
  hear();
  assert.equal(staleReason(robot, 1000, clock.nowMs), undefined);
  unwatch();
  clock.nowMs += 2500;
  assert.equal(staleReason(robot, 1000, clock.nowMs), "Locked: the robot has not answered for 2.5 s");
});

test("a panel that changes to another size of a video locks nothing while its last picture is new", () => {
  const { clock, robot, hear } = robotToDrive();
  const stale = () => staleReason(robot, 1000, clock.nowMs);
  const end = robot.watch("/image/video");
  hear(2);
  end();
  const endSmall = robot.watch("/image/video_small");
  clock.nowMs += 5000;
  hear(3);
  assert.equal(stale(), undefined);
  // Back to the large one, of which there is an old picture. The small one, which nobody sees, goes on for a while.
  endSmall();
  robot.watch("/image/video");
  assert.equal(stale(), undefined);
  clock.nowMs += 900;
  hear(3);
  assert.equal(stale(), undefined);
  clock.nowMs += 200;
  hear(3);
  assert.equal(stale(), "Locked: the picture of /image/video is 1.1 s old");
  // Where both are shown, each has to be new.
  hear(2);
  clock.nowMs += 900;
  robot.watch("/image/video_small");
  hear(2);
  assert.equal(stale(), "Locked: the picture of /image/video_small is 2.0 s old");
});

test("an age counts from when a message was made, on the robot's clock", () => {
  const { clock, robot, hear } = robotToDrive();
  robot.watch("/odom");
  hear();
  const channel = robot.channel("/odom");
  assert.ok(channel);
  assert.equal(ageMs(robot, channel, clock.nowMs), 20);
  assert.equal(ageMs(robot, channel, clock.nowMs + 300), 320);
});
