import assert from "node:assert/strict";
import { test } from "node:test";
import { endOnLeaving, stopOnLeaving, watchLeaving } from "../src/app/leaving";
import { emergencyStop } from "../src/drive/emergency";
import { FrameReader } from "../src/remote/frames";
import { Robot } from "../src/remote/robot";
import { encode, messageType } from "../src/ros/schema";

const TRIGGERED = "bool success\nstring message";

/** A robot that names its emergency stop, and what is sent to it. */
class Bench {
  sent: unknown[] = [];
  robot = new Robot("r", () => 1000);

  constructor(emergency_stop?: string) {
    const send = (bytes: Uint8Array) => {
      for (const { payload } of new FrameReader().push(bytes)) {
        this.sent.push(payload[0] === 123 ? JSON.parse(new TextDecoder().decode(payload)) : payload.slice());
      }
      return true;
    };
    this.robot.attach({ send, sendPing: () => {}, sendAck: () => {} });
    const metadata = emergency_stop === undefined ? {} : { emergency_stop };
    this.json("serverInfo", { name: "R", capabilities: ["clientPublish"], sessionId: "s", metadata });
  }

  json(op: string, body: Record<string, unknown>): void {
    this.robot.receive({ kind: "json", op, body: { op, ...body } }, 10);
  }

  service(name: string, type: string): void {
    const part = (schema: string) => ({
      encoding: "cdr",
      schemaName: "",
      schemaEncoding: "ros2msg",
      schema,
    });
    const [request, response] = [part(type.includes("SetBool") ? "bool data" : ""), part(TRIGGERED)];
    this.json("advertiseServices", { services: [{ id: 3, name, type, request, response }] });
  }

  /** The robot answers the newest call. */
  answer(call: number, success: boolean, message: string): void {
    const type = messageType({ schemaEncoding: "ros2msg", schema: TRIGGERED });
    const payload = encode(type, { success, message });
    this.robot.receive({ kind: "response", service: 3, call, encoding: "cdr", payload }, 10);
  }
}

test("a robot without an emergency stop of its own is asked for nothing", async () => {
  const bench = new Bench();
  assert.equal(await emergencyStop(bench.robot), undefined);
  assert.deepEqual(bench.sent, []);
});

test("STOP calls the robot's service and says what it answers", async () => {
  const bench = new Bench("/halt");
  bench.service("/halt", "std_srvs/srv/SetBool");
  const [obeyed, refused] = [emergencyStop(bench.robot), emergencyStop(bench.robot)];
  // The request is the truth: the last byte of its CDR.
  assert.deepEqual(
    bench.sent.map((each) => each instanceof Uint8Array && each.at(-1)),
    [1, 1],
  );
  bench.answer(1, true, "brakes are on");
  assert.equal(await obeyed, "/halt answered: brakes are on");
  bench.answer(2, false, "");
  await assert.rejects(refused, /\/halt refused: no reason was given/);
});

test("a service that STOP cannot call is named with its type", async () => {
  const bench = new Bench("/halt");
  bench.service("/halt", "nav_msgs/srv/GetMap");
  await assert.rejects(emergencyStop(bench.robot), /\/halt has the type nav_msgs\/srv\/GetMap/);
  assert.deepEqual(bench.sent, []);
});

test("STOP publishes on the robot's topic, on one channel for all", async () => {
  const bench = new Bench("/halt");
  for (const _ of [1, 2]) {
    assert.equal(await emergencyStop(bench.robot), "/halt was published");
  }
  const [opened, ...messages] = bench.sent as [
    { op: string; channels: { schemaName: string }[] },
    ...unknown[],
  ];
  assert.deepEqual([opened.op, opened.channels[0]?.schemaName], ["advertise", "std_msgs/msg/Bool"]);
  assert.deepEqual(
    messages.map((each) => each instanceof Uint8Array && each.at(-1)),
    [1, 1],
  );
  bench.robot.attach(undefined);
  await assert.rejects(emergencyStop(bench.robot), /there is no connection to the robot/);
});

test("a page that goes stops its robots before it leaves their rooms, and waits only if one was driven", () => {
  const [window, document] = [new EventTarget(), new EventTarget()];
  Object.assign(globalThis, { window, document });
  watchLeaving();
  const order: string[] = [];
  let isDriven = true;
  const note = (what: string) => {
    order.push(what);
    return isDriven;
  };
  const stay = stopOnLeaving(() => note("one stops"));
  stopOnLeaving(() => note("another stops"));
  let waitedMs = 0;
  const began = performance.now();
  endOnLeaving(() => {
    waitedMs = performance.now() - began;
    order.push("the room is left");
  });
  // The user may stay after all.
  window.dispatchEvent(new Event("beforeunload"));
  assert.deepEqual(order.splice(0), ["one stops", "another stops"]);
  isDriven = false;
  window.dispatchEvent(new Event("pagehide"));
  assert.deepEqual(order.splice(0), ["one stops", "another stops", "the room is left"]);
  assert.ok(waitedMs >= 100, `${waitedMs} ms are too few for a stop to leave`);
  stay();
  document.dispatchEvent(new Event("freeze"));
  assert.deepEqual(order, ["another stops", "the room is left"]);
});
