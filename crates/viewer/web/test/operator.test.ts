import assert from "node:assert/strict";
import { test } from "node:test";
import { McapStreamReader } from "@mcap/core";
import { TimeSeries } from "../src/panels/plot/series";
import { Recorder } from "../src/panels/record/recorder";
import { History, hueOf } from "../src/panels/states/history";
import type { Channel } from "../src/remote/channel";
import type { ServiceInfo } from "../src/remote/messages";
import type { Robot } from "../src/remote/robot";
import { parseViewers } from "../src/remote/viewers";
import type { MessageSink } from "../src/remote/watches";
import { annotationShapes, ImageMarkers } from "../src/ros/annotations";
import { type Callable, describe, descriptorText, misfit } from "../src/ros/descriptors";
import { constantName } from "../src/ros/enums";
import { accuracyM, hasFix, metresFrom } from "../src/ros/geo";
import { encodeAim, GOAL, INITIAL_POSE } from "../src/ros/goals";
import { gridPixels, isCostmap } from "../src/ros/grid";
import { decoderFor, encode, messageType } from "../src/ros/schema";
import { templateProblem, tilesAround, tileUrl } from "../src/ros/tiles";
import { meaningOf } from "../src/ros/units";
import { Route } from "../src/route/route";

test("a goal and an initial pose are what Nav2 and AMCL take", () => {
  const aim = { x: 1.5, y: -2, yaw: Math.PI / 2 };
  const read = (kind: typeof GOAL) =>
    decoderFor({ encoding: "cdr", schemaEncoding: "ros2msg", schema: kind.schema })(
      encodeAim(kind, aim, "map", 1500),
    ) as Record<string, never>;
  const goal = read(GOAL) as unknown as {
    header: unknown;
    pose: { position: unknown; orientation: { z: number; w: number } };
  };
  assert.deepEqual(goal.header, { stamp: { sec: 1, nanosec: 500_000_000 }, frame_id: "map" });
  assert.deepEqual(goal.pose.position, { x: 1.5, y: -2, z: 0 });
  assert.ok(Math.abs(goal.pose.orientation.z - Math.SQRT1_2) < 1e-12);
  const initial = read(INITIAL_POSE) as unknown as { pose: { covariance: Float64Array; pose: unknown } };
  assert.equal(initial.pose.covariance.length, 36);
  assert.equal(initial.pose.covariance[7], 0.25);
  assert.deepEqual(initial.pose.pose, goal.pose);
});

test("a costmap lies over the map: free cells are not seen, obstacles are", () => {
  const origin = { position: { x: 0, y: 0, z: 0 }, orientation: { x: 0, y: 0, z: 0, w: 1 } };
  const info = { resolution: 1, width: 4, height: 1, origin };
  const grid = { header: { frame_id: "map" }, info, data: Int8Array.from([0, -1, 50, 100]) };
  const alpha = [0, 1, 2, 3].map((cell) => gridPixels(grid, true)[4 * cell + 3]);
  assert.deepEqual(alpha, [0, 0, 130, 190]);
  assert.equal(gridPixels(grid)[3], 255);
  assert.ok(isCostmap("/global_costmap/costmap") && !isCostmap("/map"));
});

test("a plot is saved with a row for each time and a column for each line", () => {
  const [a, b] = [new TimeSeries(), new TimeSeries()];
  a.add(1, 10);
  a.add(2, 20);
  b.add(2, -1);
  assert.equal(
    TimeSeries.table([a, b], ["/a.x", 'say "b"']),
    'time_s,"/a.x","say ""b"""\r\n1.000000,10,\r\n2.000000,20,-1\r\n',
  );
});

test("a recording is an MCAP file with every message, its time and its schema", async () => {
  const sinks = new Map<string, MessageSink>();
  const robot = {
    watch(topic: string, sink: MessageSink) {
      sinks.set(topic, sink);
      return () => sinks.delete(topic);
    },
  } as unknown as Robot;
  const channel = {
    topic: "/a",
    encoding: "cdr",
    schemaName: "std_msgs/msg/Int8",
    schemaEncoding: "ros2msg",
    schema: "int8 data",
  } as Channel;
  const recorder = await Recorder.start(robot, ["/a"]);
  for (let index = 0; index < 50; index += 1) {
    // Enough for several chunks of the file.
    const data = new Uint8Array(60_000).fill(index, 4);
    sinks.get("/a")?.(channel, data, 1_700_000_000_000.25 + index);
  }
  const file = await recorder.stop();
  assert.equal(sinks.size, 0);
  const reader = new McapStreamReader();
  reader.append(new Uint8Array(await file.arrayBuffer()));
  const records = [];
  for (let record = reader.nextRecord(); record; record = reader.nextRecord()) {
    records.push(record);
  }
  assert.ok(reader.done());
  const messages = records.flatMap((record) => (record.type === "Message" ? [record] : []));
  assert.deepEqual(
    messages.map(({ data }) => data.at(-1)),
    Array.from({ length: 50 }, (_, index) => index),
  );
  assert.equal(messages[0]?.logTime, 1_700_000_000_000_250_000n);
  const schema = records.find((record) => record.type === "Schema");
  assert.equal(schema?.type === "Schema" && schema.name, "std_msgs/msg/Int8");
  assert.equal(new TextDecoder().decode(schema?.type === "Schema" ? schema.data : undefined), "int8 data");
});

test("states are told from change to change", () => {
  const history = new History();
  for (const [timeS, value] of [
    [1, "idle"],
    [2, "idle"],
    [3, "moving"],
    [6, "idle"],
  ] as const) {
    history.add(timeS, value);
  }
  const spans = (from: number, to: number) =>
    history.between(from, to).map(({ beginS, endS, value }) => `${value} ${beginS}-${endS}`);
  assert.deepEqual(spans(0, 7), ["idle 1-3", "moving 3-6", "idle 6-7"]);
  assert.deepEqual(spans(4, 5), ["moving 4-5"]);
  assert.notEqual(hueOf("idle"), hueOf("moving"));
  // The clock was set back.
  history.add(2, "moving");
  assert.deepEqual(spans(0, 3), ["moving 2-3"]);
});

test("the list of viewers is taken for what it is", () => {
  const text = JSON.stringify({ viewers: [{ name: "anna", watches: ["/a"], drives: ["/cmd_vel"] }, 7] });
  assert.deepEqual(parseViewers(text), [
    { name: "anna", watches: ["/a"], publishes: [], drives: ["/cmd_vel"] },
  ]);
  assert.equal(parseViewers("hello"), undefined);
  assert.equal(parseViewers("{}"), undefined);
});

test("places on the earth are so many metres apart", () => {
  const origin = { latitude: 52, longitude: 13 };
  const near = (found: number, expected: number) =>
    assert.ok(Math.abs(found - expected) < 0.01 * expected, `${found}`);
  // A degree at 52 degrees north: 111.27 km along the meridian, 68.68 km across.
  near(metresFrom(origin, { latitude: 52.01, longitude: 13 }).north, 1112.7);
  near(metresFrom(origin, { latitude: 52, longitude: 13.01 }).east, 686.8);
  near(metresFrom({ latitude: 0, longitude: 179.999 }, { latitude: 0, longitude: -179.999 }).east, 222.6);
  const message = {
    status: { status: 0 },
    latitude: 1,
    longitude: 2,
    altitude: 0,
    position_covariance: [4, 0, 0, 0, 4],
  };
  assert.equal(accuracyM(message), 2);
  assert.equal(accuracyM({ ...message, position_covariance: [] }), undefined);
  assert.equal(hasFix(message), true);
  assert.equal(hasFix({ ...message, status: { status: -1 } }), false);
  assert.equal(hasFix({ ...message, latitude: Number.NaN }), false);
});

test("the definition tells the types of fields, their comments and their units", () => {
  const rule = "=".repeat(80);
  const schema = `std_msgs/Header header # when
float32 voltage   # Voltage in Volts (Mandatory)
float32 current   # Negative when discharging (A)  (If unmeasured NaN)
float32[] ranges  # range data [m]
float32 share     # from 0 to 1 [0, 1]
uint8 level       # of fear [m]
string label
geometry_msgs/TwistWithCovariance twist
${rule}
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id # [m]
${rule}
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
${rule}
MSG: geometry_msgs/TwistWithCovariance
Twist twist
float64[36] covariance
${rule}
MSG: geometry_msgs/Twist
Vector3 linear
Vector3 angular
${rule}
MSG: geometry_msgs/Vector3
float64 x
float64 y
float64 z`;
  const type = messageType({ schemaEncoding: "ros2msg", schema });
  const of = (...path: (string | number)[]) => meaningOf("a_msgs/msg/Thing", type, schema, path);
  assert.deepEqual(of("voltage"), { type: "float32", unit: "V", comment: "Voltage in Volts (Mandatory)" });
  assert.equal(of("current")?.unit, "A");
  assert.deepEqual([of("ranges")?.type, of("ranges", 3)?.unit], ["float32[]", "m"]);
  assert.equal(of("share")?.unit, undefined);
  assert.equal(of("level")?.unit, undefined);
  assert.deepEqual(of("label"), { type: "string", unit: undefined, comment: undefined });
  assert.equal(of("header", "frame_id")?.unit, undefined);
  assert.equal(of("header", "frame_id")?.comment, "[m]");
  assert.equal(of("twist")?.type, "geometry_msgs/TwistWithCovariance");
  assert.equal(of("twist", "twist", "linear", "x")?.unit, "m/s");
  assert.equal(of("twist", "twist", "angular", "z")?.unit, "rad/s");
  assert.deepEqual(
    [of("twist", "covariance")?.type, of("twist", "covariance", 0)?.unit],
    ["float64[36]", undefined],
  );
  assert.equal(of("none"), undefined);
  // The type itself has a name, too.
  const plain = messageType({ schemaEncoding: "ros2msg", schema: "float64 altitude" });
  assert.equal(meaningOf("sensor_msgs/msg/NavSatFix", plain, "float64 altitude", ["altitude"])?.unit, "m");
});

test("values are called what their definition calls them", () => {
  const rule = "=".repeat(80);
  const schema = `uint8 MODE_OFF=0
uint8 MODE_ON=1
uint8 other
uint8 mode
Status[] status
${rule}
MSG: a_msgs/Status
byte OK=0
byte ERROR=2
byte level
string text`;
  const type = messageType({ schemaEncoding: "ros2msg", schema });
  assert.equal(constantName(type, ["mode"], 1), "ON");
  assert.equal(constantName(type, ["mode"], 7), undefined);
  assert.equal(constantName(type, ["status", 3, "level"], 2), "ERROR");
  assert.equal(constantName(type, ["status", 3, "text"], "2"), undefined);
  assert.equal(constantName(type, ["none"], 0), undefined);
});

test("a robot goes on when it has stayed at a place of its route", () => {
  const route = new Route([
    { x: 0, y: 0, yaw: 0 },
    { x: 5, y: 0, yaw: 0 },
  ]);
  const far = { x: 3, y: 4 };
  assert.equal(route.distance(far), 5);
  assert.equal(route.distance(undefined), undefined);
  assert.equal(route.look(far, 0), false);
  assert.equal(route.look({ x: 0.2, y: 0 }, 100), false);
  // It only passed by.
  assert.equal(route.look(far, 600), false);
  assert.equal(route.look({ x: 0.2, y: 0 }, 1200), false);
  assert.equal(route.look(undefined, 1300), false);
  assert.equal(route.look({ x: 0.2, y: 0.1 }, 2000), false);
  assert.equal(route.at, 0);
  assert.equal(route.look({ x: 0.2, y: 0.1 }, 3000), true);
  assert.equal(route.at, 1);
  assert.equal(route.look({ x: 0.2, y: 0.1 }, 9000), false);
  route.skip();
  assert.equal(route.goal, undefined);
  assert.equal(route.look({ x: 5, y: 0 }, 9999), false);
});

test("annotations and image markers become shapes", () => {
  const red = { r: 1, g: 0, b: 0, a: 1 };
  const none = { r: 0, g: 0, b: 0, a: 0 };
  const at = { x: 3, y: 4 };
  const [circle, box, label] = annotationShapes({
    circles: [{ position: at, diameter: 10, thickness: 2, fill_color: none, outline_color: red }],
    points: [
      { type: 2, points: [at, at], outline_color: red, outline_colors: [], fill_color: red, thickness: 1 },
      { type: 9, points: [at], outline_color: red, outline_colors: [], fill_color: red, thickness: 1 },
    ],
    texts: [{ position: at, text: "cat", font_size: 12, text_color: red, background_color: none }],
  });
  assert.deepEqual([circle?.kind, circle?.radius, circle?.fill], ["circle", 5, undefined]);
  assert.deepEqual([box?.kind, box?.outline, box?.fill], ["loop", "rgb(255 0 0 / 1)", "rgb(255 0 0 / 1)"]);
  assert.deepEqual([label?.kind, label?.text, label?.size], ["text", "cat", 12]);

  const markers = new ImageMarkers();
  const marker = (id: number, action: number, sec: number) => ({
    ns: "a",
    id,
    type: 0,
    action,
    position: at,
    scale: 10,
    outline_color: red,
    filled: 1,
    fill_color: red,
    lifetime: { sec, nanosec: 0 },
    points: [],
    outline_colors: [],
  });
  markers.take(marker(1, 0, 0), 0);
  markers.take(marker(2, 0, 1), 0);
  assert.deepEqual(
    markers.shapes(999).map(({ radius }) => radius),
    [5, 5],
  );
  assert.equal(markers.shapes(1000).length, 1, "one has ended");
  markers.take(marker(1, 1, 0), 1000);
  assert.equal(markers.shapes(1000).length, 0, "and one was removed");
  for (let id = 0; id < 5000; id += 1) {
    markers.take(marker(id, 0, 0), 1000);
  }
  assert.equal(markers.shapes(1000).length, 2000);
});

test("tiles lie where they belong", () => {
  // Berlin at zoom 15: x 17601.67, y 10746.99 by the formula of the OpenStreetMap wiki.
  const berlin = { latitude: 52.5163, longitude: 13.3777 };
  const perMetre = (2 ** 15 * 256) / (2 * Math.PI * 6_378_137 * Math.cos((berlin.latitude * Math.PI) / 180));
  const tiles = tilesAround(berlin, perMetre, 300, 200);
  const middle = tiles.find(
    ({ left, top, size }) => left <= 0 && top <= 0 && left + size > 0 && top + size > 0,
  );
  assert.deepEqual([middle?.zoom, middle?.x, middle?.y], [15, 17601, 10746]);
  assert.ok(Math.abs((middle?.size ?? 0) - 256) < 1e-6);
  // The whole picture is covered.
  assert.ok(Math.min(...tiles.map(({ left }) => left)) <= -150);
  assert.ok(Math.max(...tiles.map(({ left, size }) => left + size)) >= 150);
  assert.ok(Math.min(...tiles.map(({ top }) => top)) <= -100);
  assert.equal(middle && tileUrl("https://a/{z}/{x}/{y}.png", middle), "https://a/15/17601/10746.png");
  // Beyond what servers have, tiles grow; across the date line they go round.
  assert.equal(tilesAround(berlin, 1000, 300, 200)[0]?.zoom, 19);
  const around = tilesAround({ latitude: 0, longitude: 180 }, perMetre, 300, 200).map(({ x }) => x);
  assert.ok(around.includes(0) && around.includes(2 ** 16 - 1));
  assert.ok(tilesAround(berlin, 1e-9, 9000, 9000).length <= 200);
  assert.equal(templateProblem("https://a.b/{z}/{x}/{y}.png"), undefined);
  for (const wrong of ["", "javascript:{z}{x}{y}", "https://a.b/{z}/{x}.png", "//a/{z}/{x}/{y}"]) {
    assert.match(templateProblem(wrong) ?? "", /is needed/);
  }
});

test("a node's description of its parameters is taken for what it is", async () => {
  const range = { from_value: 0, to_value: 3, step: 0 };
  const service = (id: number, name: string, request: string, response: string): ServiceInfo => {
    const part = (schema: string) => ({ encoding: "cdr", schemaEncoding: "ros2msg", schema, schemaName: "" });
    return { id, name, type: "", request: part(request), response: part(response) } as ServiceInfo;
  };
  const described = service(
    1,
    "/node/describe_parameters",
    "string[] names",
    `rcl_interfaces/ParameterDescriptor[] descriptors\n${"=".repeat(80)}\nMSG: rcl_interfaces/ParameterDescriptor
string name\nuint8 type\nstring description\nstring additional_constraints\nbool read_only\nbool dynamic_typing
rcl_interfaces/FloatingPointRange[<=1] floating_point_range\nrcl_interfaces/IntegerRange[<=1] integer_range
${"=".repeat(80)}\nMSG: rcl_interfaces/FloatingPointRange\nfloat64 from_value\nfloat64 to_value\nfloat64 step
${"=".repeat(80)}\nMSG: rcl_interfaces/IntegerRange\nint64 from_value\nint64 to_value\nuint64 step\n`,
  );
  const asked: unknown[] = [];
  const robot: Callable = {
    services: new Map([[1, described]]),
    call: async (to, request) => {
      asked.push(decoderFor({ ...to.request, encoding: "cdr" })(request));
      const rest = { additional_constraints: "", dynamic_typing: false };
      const one = { name: "speed", type: 3, description: "how fast", read_only: false, ...rest };
      const two = { name: "", type: 1, description: "", read_only: true, ...rest };
      const descriptors = [
        { ...one, floating_point_range: [range], integer_range: [] },
        { ...two, floating_point_range: [], integer_range: [] },
      ];
      return { encoding: "cdr", payload: encode(messageType(to.response), { descriptors }) };
    },
  };
  const found = await describe(robot, "/node", ["speed", "fixed"]);
  assert.deepEqual(asked, [{ names: ["speed", "fixed"] }]);
  const [speed, fixed] = [found?.get("speed"), found?.get("fixed")];
  assert.equal(speed && descriptorText(speed), "double, 0 to 3");
  assert.equal(fixed && descriptorText(fixed), "bool, read-only");
  assert.equal(misfit(speed, 3.5), "0 to 3 is possible");
  assert.equal(misfit(speed, 3), undefined);
  assert.equal(misfit(fixed, true), undefined);
  assert.equal(await describe(robot, "/other", ["a"]), undefined);
});
