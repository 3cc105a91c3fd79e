import assert from "node:assert/strict";
import { test } from "node:test";
import { BINARY, FrameReader } from "../src/remote/frames";
import { decode, type RobotMessage } from "../src/remote/messages";
import { Robot } from "../src/remote/robot";

/** The answer to a request for a file. */
function assetAnswer(request: number, error: string, ...data: number[]): Uint8Array {
  const text = new TextEncoder().encode(error);
  const bytes = new Uint8Array(10 + text.length + data.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 4;
  view.setUint32(1, request, true);
  bytes[5] = error === "" ? 0 : 1;
  view.setUint32(6, text.length, true);
  bytes.set(text, 10);
  bytes.set(data, 10 + text.length);
  return bytes;
}

test("a file is fetched from the robot, or the reason why not is told", async () => {
  const bench = new Bench();
  bench.hello();
  const [good, bad] = [bench.robot.fetchAsset("package://a/b.stl"), bench.robot.fetchAsset("package://a/c")];
  const [first, second] = bench.sent.slice(-2) as { op: string; requestId: number; uri: string }[];
  assert.deepEqual([first?.op, first?.uri], ["fetchAsset", "package://a/b.stl"]);
  for (const answer of [
    assetAnswer(second?.requestId ?? 0, "no file"),
    assetAnswer(first?.requestId ?? 0, "", 7, 8),
  ]) {
    bench.robot.receive(decode({ opcode: BINARY, payload: answer }), answer.length);
  }
  assert.deepEqual([...(await good)], [7, 8]);
  await assert.rejects(bad, /no file/);
  assert.throws(
    () => decode({ opcode: BINARY, payload: assetAnswer(1, "no file").subarray(0, 12) }),
    /cut off/,
  );
});

/** A robot whose clock and link are the test's. */
class Bench {
  nowMs = 1000;
  sent: Record<string, unknown>[] = [];
  pings = 0;
  acks = 0;
  robot = new Robot("r", () => this.nowMs);

  constructor() {
    this.attach();
  }

  attach(): void {
    this.robot.attach({
      send: (bytes) => {
        for (const { payload } of new FrameReader().push(bytes)) {
          this.sent.push(
            payload[0] === 123 ? JSON.parse(new TextDecoder().decode(payload)) : { op: payload[0] },
          );
        }
        return true;
      },
      sendPing: () => {
        this.pings += 1;
      },
      sendAck: () => {
        this.acks += 1;
      },
    });
  }

  json(op: string, fields: Record<string, unknown>): void {
    this.robot.receive({ kind: "json", op, body: { op, ...fields } }, 10);
  }

  hello(sessionId = "one"): void {
    this.json("serverInfo", { name: "Robot", capabilities: [], supportedEncodings: [], sessionId });
  }

  advertise(...topics: [number, string][]): void {
    const channels = topics.map(([id, topic]) => ({
      id,
      topic,
      encoding: "cdr",
      schemaName: "a/B",
      schema: "",
    }));
    this.json("advertise", { channels });
  }

  data(channel: number, ...values: number[]): void {
    this.robot.receive({ kind: "data", channel, logTimeMs: 5, data: Uint8Array.from(values) }, values.length);
  }

  ops(op: string): unknown[] {
    return this.sent.filter((each) => each.op === op).map((each) => each.channelIds);
  }

  later(milliseconds: number): void {
    this.nowMs += milliseconds;
    this.robot.tick();
  }
}

test("what was forbidden is advertised again when it is allowed", () => {
  const bench = new Bench();
  const hello = (...capabilities: string[]) => bench.json("serverInfo", { capabilities, sessionId: "one" });
  hello("clientPublish");
  const channel = {
    topic: "/a",
    encoding: "cdr",
    schemaName: "a/msg/B",
    schemaEncoding: "ros2msg",
    schema: "",
  };
  bench.robot.advertise(channel);
  hello("clientPublish");
  assert.equal(bench.ops("advertise").length, 1);
  hello();
  hello("clientPublish");
  assert.equal(bench.ops("advertise").length, 2);
});

test("changes of parameters are kept, whoever made them", () => {
  const bench = new Bench();
  const values = (id: string | undefined, value: unknown) =>
    bench.json("parameterValues", { id, parameters: [{ name: "/a.b", value }] });
  bench.hello();
  values("page-all", 1);
  values(undefined, 1);
  assert.deepEqual(bench.robot.parameterChanges, []);
  values(undefined, 2);
  values("page-9", 3);
  const changes = bench.robot.parameterChanges.map(({ name, from, to }) => [name, from, to]);
  assert.deepEqual(changes, [
    ["/a.b", 1, 2],
    ["/a.b", 2, 3],
  ]);
  for (let value = 0; value < 500; value += 1) {
    values(undefined, value);
  }
  assert.equal(bench.robot.parameterChanges.length, 200);
});

test("a topic is subscribed while somebody watches it, once for all of them, and a little longer", () => {
  const bench = new Bench();
  bench.hello();
  bench.advertise([1, "/a"], [2, "/b"]);
  const [first, second] = [bench.robot.watch("/a"), bench.robot.watch("/a")];
  assert.deepEqual(bench.ops("subscribe"), [[1]]);
  first();
  bench.later(5000);
  assert.deepEqual(bench.ops("unsubscribe"), []);
  second();
  second();
  bench.later(100);
  bench.robot.watch("/a")();
  bench.later(500);
  assert.deepEqual(bench.ops("unsubscribe"), []);
  bench.later(1000);
  assert.deepEqual(bench.ops("unsubscribe"), [[1]]);
  assert.deepEqual(bench.ops("subscribe"), [[1]]);
});

test("a topic that is watched before it is there is subscribed when it comes", () => {
  const bench = new Bench();
  bench.robot.watch("/late");
  bench.hello();
  bench.advertise([1, "/a"]);
  assert.deepEqual(bench.ops("subscribe"), []);
  bench.advertise([7, "/late"]);
  assert.deepEqual(bench.ops("subscribe"), [[7]]);
  // It comes again under another id, with another type for example.
  bench.json("unadvertise", { channelIds: [7] });
  bench.advertise([8, "/late"]);
  assert.deepEqual(bench.ops("subscribe"), [[7], [8]]);
});

test("after a fresh start the same session goes on, and another one begins from nothing", () => {
  const bench = new Bench();
  bench.hello();
  bench.advertise([1, "/a"], [2, "/gone"]);
  bench.robot.watch("/a");
  bench.data(1, 42);
  bench.hello();
  bench.advertise([1, "/a"]);
  assert.deepEqual([...bench.robot.channels.keys()], [1]);
  assert.equal(bench.robot.channel("/a")?.latest?.[0], 42);
  assert.equal(bench.robot.channel("/gone"), undefined);
  assert.deepEqual(bench.ops("subscribe"), [[1], [1]]);
  bench.hello("two");
  bench.advertise([1, "/a"]);
  assert.equal(bench.robot.channel("/a")?.latest, undefined);
});

test("what is watched is subscribed on a fresh link, even if the robot does not introduce itself again", () => {
  const bench = new Bench();
  bench.hello();
  bench.advertise([1, "/a"], [2, "/b"]);
  bench.robot.watch("/b");
  bench.attach();
  bench.robot.resubscribe();
  assert.deepEqual(bench.ops("subscribe"), [[2], [2]]);
});

test("a sink gets every message, the channel keeps the newest", () => {
  const bench = new Bench();
  bench.hello();
  bench.advertise([1, "/a"]);
  const seen: number[] = [];
  const end = bench.robot.watch("/a", (_, data) => seen.push(data[0] ?? -1));
  bench.data(1, 1);
  bench.data(1, 2);
  bench.data(99, 3);
  end();
  // What still comes is on no screen.
  bench.data(1, 4);
  assert.deepEqual(seen, [1, 2]);
  assert.equal(bench.robot.channel("/a")?.latest?.[0], 2);
  assert.equal(bench.robot.channel("/a")?.count, 2);
});

test("every pong is acknowledged and gives the round trip", () => {
  const bench = new Bench();
  bench.later(0);
  assert.equal(bench.pings, 1);
  const sent = BigInt(bench.nowMs * 1000);
  bench.nowMs += 30;
  bench.robot.receive({ kind: "pong", sent, device: 1n }, 17);
  assert.equal(bench.acks, 1);
  assert.equal(bench.robot.rttMs, 30);
});

const SERVICE = {
  id: 3,
  name: "/lights",
  type: "std_srvs/srv/SetBool",
  request: { encoding: "cdr", schemaName: "", schemaEncoding: "ros2msg", schema: "bool data" },
  response: { encoding: "cdr", schemaName: "", schemaEncoding: "ros2msg", schema: "bool success" },
};

test("calls are answered, refused, forgotten by time and by a lost connection", async () => {
  const bench = new Bench();
  bench.hello();
  bench.json("advertiseServices", { services: [SERVICE, { id: "no" }] });
  const service = bench.robot.services.get(3);
  assert.ok(service);
  const calls = [0, 1, 2, 3].map(() => bench.robot.call(service, Uint8Array.of(0, 1, 0, 0, 1)));
  const response: RobotMessage = {
    kind: "response",
    service: 3,
    call: 1,
    encoding: "cdr",
    payload: Uint8Array.of(7),
  };
  bench.robot.receive(response, 20);
  assert.equal((await calls[0])?.payload[0], 7);
  bench.json("serviceCallFailure", { serviceId: 3, callId: 2, message: "not allowed" });
  await assert.rejects(calls[1] as Promise<unknown>, /not allowed/);
  bench.robot.attach(undefined);
  await assert.rejects(calls[2] as Promise<unknown>, /gone/);
  bench.attach();
  const late = bench.robot.call(service, Uint8Array.of());
  bench.later(31_000);
  await assert.rejects(late, /no answer/);
  await assert.rejects(calls[3] as Promise<unknown>);
});

test("parameters are asked once, followed, and set with an answer", async () => {
  const bench = new Bench();
  bench.hello();
  bench.robot.watchParameters();
  bench.robot.watchParameters();
  assert.equal(bench.sent.filter((each) => each.op === "getParameters").length, 1);
  bench.json("parameterValues", {
    id: "page-all",
    parameters: [
      { name: "/n.a", value: 1 },
      { name: "/n.b", value: 2 },
    ],
  });
  const set = bench.robot.setParameter({ name: "/n.a", value: 5 });
  const { id } = bench.sent.at(-1) as { id: string };
  bench.json("parameterValues", { id, parameters: [{ name: "/n.a", value: 4 }] });
  assert.deepEqual(await set, { name: "/n.a", value: 4 });
  bench.json("parameterValues", { parameters: [{ name: "/n.b" }] });
  assert.deepEqual([...bench.robot.parameters.values()], [{ name: "/n.a", value: 4 }]);
});

test("what is wrong is listed until it is over, and listed once however often it is told", () => {
  const bench = new Bench();
  bench.json("status", { level: 1, message: "1 dropped", id: "drops-1" });
  bench.json("status", { level: 1, message: "2 dropped", id: "drops-1" });
  assert.deepEqual(
    bench.robot.notices.map((each) => each.message),
    ["2 dropped"],
  );
  assert.equal(bench.robot.statuses.size, 1);
  bench.json("removeStatus", { statusIds: ["drops-1"] });
  assert.equal(bench.robot.statuses.size, 0);
  for (let count = 0; count < 500; count += 1) {
    bench.json("status", { level: 0, message: `note ${count}` });
  }
  assert.equal(bench.robot.notices.length, 100);
});

test("channels to publish on are advertised again after every fresh start", () => {
  const bench = new Bench();
  const channel = {
    topic: "/cmd_vel",
    encoding: "cdr",
    schemaName: "T",
    schemaEncoding: "ros2msg",
    schema: "",
  };
  const id = bench.robot.advertise(channel);
  bench.attach();
  assert.equal(bench.sent.filter((each) => each.op === "advertise").length, 2);
  bench.robot.unadvertise(id);
  bench.attach();
  assert.equal(bench.sent.filter((each) => each.op === "advertise").length, 2);
});

test("nonsense is survived", () => {
  const bench = new Bench();
  for (const op of [
    "serverInfo",
    "advertise",
    "unadvertise",
    "advertiseServices",
    "parameterValues",
    "status",
    "?",
  ]) {
    for (const value of [undefined, null, 3, "x", [null, 1, {}], { a: 1 }]) {
      bench.json(op, {
        channels: value,
        channelIds: value,
        services: value,
        parameters: value,
        message: value,
      });
    }
  }
  assert.equal(bench.robot.channels.size, 0);
});
