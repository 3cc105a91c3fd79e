import assert from "node:assert/strict";
import { test } from "node:test";
import { type RawImage, toPixels } from "../src/ros/image";
import { numberAt, pathName } from "../src/ros/paths";
import { cloudPoints, pointsOf, scanPoints } from "../src/ros/pointcloud";
import { decoderFor, encode, messageType } from "../src/ros/schema";
import { emptyMessage, parseValue, toJson } from "../src/ros/template";
import { compose, invert, type Pose, Transforms, yaw } from "../src/ros/tf";
import { encodeTwist, twistSchema } from "../src/ros/twist";

function image(encoding: string, width: number, height: number, step: number, data: number[]): RawImage {
  return { encoding, width, height, step, is_bigendian: 0, data: Uint8Array.from(data) };
}

const pixels = (raw: RawImage) => [...toPixels(raw).rgba];

test("pictures of every encoding come out in their colours, padding left out", () => {
  const red = [255, 0, 0, 255];
  const blue = [0, 0, 255, 255];
  assert.deepEqual(pixels(image("rgb8", 1, 2, 5, [255, 0, 0, 9, 9, 0, 0, 255, 9, 9])), [...red, ...blue]);
  assert.deepEqual(pixels(image("bgr8", 2, 1, 6, [0, 0, 255, 255, 0, 0])), [...red, ...blue]);
  assert.deepEqual(pixels(image("bgra8", 1, 1, 4, [0, 0, 255, 3])), red);
  assert.deepEqual(pixels(image("rgba8", 1, 1, 4, [0, 0, 255, 3])), blue);
  assert.deepEqual(pixels(image("mono8", 2, 1, 2, [7, 200])), [7, 7, 7, 255, 200, 200, 200, 255]);
  const depth = pixels(image("16UC1", 3, 1, 6, [0, 0, 0, 2, 0, 4]));
  assert.deepEqual([depth[0], depth[4], depth[8]], [0, 128, 255]);
  assert.deepEqual(
    pixels(image("uyvy", 2, 1, 4, [128, 50, 128, 60])).filter((_, i) => i % 4 === 0),
    [50, 60],
  );
  assert.deepEqual(
    pixels(image("yuyv", 2, 1, 4, [50, 128, 60, 128])).filter((_, i) => i % 4 === 0),
    [50, 60],
  );
  const bayer = pixels(image("bayer_rggb8", 2, 2, 2, [200, 100, 50, 10]));
  assert.deepEqual(bayer.slice(0, 4), [200, 75, 10, 255]);
  const nv12 = pixels(image("nv12", 2, 2, 2, [10, 20, 30, 40, 128, 128]));
  assert.deepEqual(
    nv12.filter((_, index) => index % 4 === 0),
    [10, 20, 30, 40],
  );
});

test("a picture that cannot be right is refused with a reason", () => {
  assert.throws(() => toPixels(image("rgb8", 4, 4, 12, [1, 2])), /cut off/);
  assert.throws(() => toPixels(image("h264", 1, 1, 1, [1])), /h264/);
  assert.throws(() => toPixels(image("mono8", 0, 1, 1, [])), /empty/);
  assert.throws(() => toPixels(image("mono8", 1e5, 1e5, 1e5, [])), /too large/);
});

const FIELDS = [
  { name: "x", offset: 0, datatype: 7, count: 1 },
  { name: "y", offset: 4, datatype: 7, count: 1 },
  { name: "z", offset: 8, datatype: 7, count: 1 },
];

test("points are read by their fields, those that are no numbers left out", () => {
  const values = Float32Array.of(1, 2, 3, Number.NaN, 0, 0, 4, 5, 6);
  const cloud = {
    header: { frame_id: "lidar" },
    height: 1,
    width: 3,
    fields: FIELDS,
    is_bigendian: false,
    point_step: 12,
    row_step: 36,
    data: new Uint8Array(values.buffer),
  };
  const points = cloudPoints(cloud);
  assert.deepEqual([...points.positions], [1, 2, 3, 4, 5, 6]);
  assert.notDeepEqual([...points.colours.slice(0, 3)], [...points.colours.slice(3, 6)]);
  // Claims more points than there are bytes for.
  assert.equal(cloudPoints({ ...cloud, width: 1e9 }).count, 2);
  assert.throws(() => cloudPoints({ ...cloud, fields: [] }), /fields x and y/);
});

test("decoded points keep their colour when one before them is left out", () => {
  const positions = () => Float32Array.of(1, 2, 3, Number.NaN, 0, 0, 4, 5, 6);
  const packed = pointsOf(positions(), Uint32Array.of(0xff0000, 0, 0x7f0000ff), undefined);
  assert.deepEqual([...packed.positions], [1, 2, 3, 4, 5, 6]);
  assert.deepEqual([...packed.colours], [1, 0, 0, 0, 0, 1]);
  const shaded = pointsOf(positions(), undefined, Float32Array.of(7, 1000, 7));
  assert.deepEqual([...shaded.colours.slice(0, 3)], [...shaded.colours.slice(3, 6)]);
  const high = pointsOf(positions(), undefined, undefined);
  assert.notDeepEqual([...high.colours.slice(0, 3)], [...high.colours.slice(3, 6)]);
});

test("a scan's points lie at their angles", () => {
  const ranges = Float32Array.of(1, 99, 2);
  const scan = {
    header: { frame_id: "" },
    angle_min: 0,
    angle_increment: Math.PI / 2,
    range_min: 0,
    range_max: 10,
    ranges,
  };
  const { positions, count } = scanPoints(scan);
  assert.equal(count, 2);
  assert.deepEqual([...positions.slice(0, 6)].map(Math.round), [1, 0, 0, -2, 0, 0]);
});

const turned = (x: number, y: number, angle: number): Pose => ({
  position: { x, y, z: 0 },
  orientation: { x: 0, y: 0, z: Math.sin(angle / 2), w: Math.cos(angle / 2) },
});

test("frames are followed up and down the tree", () => {
  const transforms = new Transforms();
  const add = (parent: string, child: string, { position, orientation }: Pose) =>
    transforms.add([
      {
        header: { frame_id: parent, stamp: { sec: 0, nanosec: 0 } },
        child_frame_id: child,
        transform: { translation: position, rotation: orientation },
      },
    ]);
  add("odom", "base", turned(1, 2, Math.PI / 2));
  add("/base", "lidar", turned(1, 0, 0));
  add("map", "odom", turned(0, 10, 0));
  add("elsewhere", "thing", turned(0, 0, 0));
  const lidar = transforms.pose("lidar", "map");
  assert.ok(lidar);
  assert.deepEqual(
    [lidar.position.x, lidar.position.y].map((value) => Math.round(value * 1e6) / 1e6),
    [1, 13],
  );
  assert.ok(Math.abs(yaw(lidar.orientation) - Math.PI / 2) < 1e-9);
  const back = transforms.pose("map", "lidar");
  assert.ok(back);
  const identity = compose(lidar, back);
  assert.ok(Math.hypot(identity.position.x, identity.position.y) < 1e-9);
  assert.equal(transforms.pose("thing", "map"), undefined);
  assert.equal(transforms.mainRoot(), "map");
  // A loop does not hang.
  add("lidar", "map", turned(0, 0, 0));
  assert.doesNotThrow(() => transforms.pose("lidar", "map"));
});

test("a frame is found where it was at a time", () => {
  const transforms = new Transforms();
  const at = (sec: number, { position, orientation }: Pose) =>
    transforms.add([
      {
        header: { frame_id: "odom", stamp: { sec, nanosec: 0 } },
        child_frame_id: "base",
        transform: { translation: position, rotation: orientation },
      },
    ]);
  for (let second = 0; second < 1000; second += 1) {
    at(second, turned(second, 0, (second % 2) * 0.2));
  }
  const x = (timeS?: number) => transforms.pose("base", "odom", timeS)?.position.x;
  assert.equal(x(), 999);
  assert.equal(x(990), 990);
  assert.ok(Math.abs((x(990.25) ?? 0) - 990.25) < 1e-9);
  const half = transforms.pose("base", "odom", 990.5);
  assert.ok(half && Math.abs(yaw(half.orientation) - 0.1) < 1e-6);
  assert.equal(x(5000), 999);
  // Longer ago than is kept: the oldest that is.
  assert.equal(x(1), 800);
  // The clock was set back, by a simulation that starts again.
  at(3, turned(7, 0, 0));
  assert.equal(x(), 7);
});

test("a pose and its inverse cancel out", () => {
  const there = turned(3, -4, 0.7);
  const { position, orientation } = compose(invert(there), there);
  assert.ok(Math.hypot(position.x, position.y, position.z, yaw(orientation)) < 1e-9);
});

test("commands are CDR that the type's definition reads back", () => {
  for (const type of ["geometry_msgs/msg/Twist", "geometry_msgs/msg/TwistStamped"] as const) {
    const data = encodeTwist(type, { ahead: 0.5, left: 0, turn: -1 }, 1234.5);
    const decode = decoderFor({ encoding: "cdr", schemaEncoding: "ros2msg", schema: twistSchema(type) });
    const message = decode(data) as Record<string, unknown>;
    const prefix = type.endsWith("Stamped") ? ["twist"] : [];
    assert.equal(numberAt(message, [...prefix, "linear", "x"]), 0.5);
    assert.equal(numberAt(message, [...prefix, "angular", "z"]), -1);
    if (type.endsWith("Stamped")) {
      assert.equal(numberAt(message, ["header", "stamp"]), 1.2345);
    }
  }
});

const SCHEMA = `string name 'bob'
bool[2] flags
int64 big
pkg/Inner[] inners
pkg/Inner inner
int32 CONSTANT=3
${"=".repeat(80)}
MSG: pkg/Inner
float64 value
builtin_interfaces/Time stamp
`;

test("a message to fill in has every field, and survives the way to CDR and back", () => {
  const type = messageType({ schemaEncoding: "ros2msg", schema: SCHEMA });
  const message = emptyMessage(type);
  const inner = { value: 0, stamp: { sec: 0, nanosec: 0 } };
  assert.deepEqual({ ...message }, { name: "bob", flags: [false, false], big: 0n, inners: [], inner });
  message.big = 2n ** 60n;
  message.inners = [{ ...inner, value: 1.5 }];
  const decode = decoderFor({ encoding: "cdr", schemaEncoding: "ros2msg", schema: SCHEMA });
  assert.equal(toJson(decode(encode(type, message))), toJson(message));
});

test("texts are checked against the type of their field", () => {
  assert.equal(parseValue("uint8", "255"), 255);
  assert.equal(parseValue("int64", "-9007199254740993"), -9007199254740993n);
  assert.equal(parseValue("float64", "1e3"), 1000);
  assert.equal(parseValue("string", " a "), " a ");
  for (const [type, text] of [
    ["uint8", "256"],
    ["uint8", "-1"],
    ["int32", "1.5"],
    ["float32", ""],
    ["bool", "yes"],
  ]) {
    assert.throws(() => parseValue(type ?? "", text ?? ""), `${type} takes ${text}`);
  }
});

const RULE = "=".repeat(80);
const IDL = `${RULE}
IDL: pkg/msg/Outer
module pkg {
  module msg {
    struct Outer {
      int32 count;
      sequence<pkg::msg::Inner> inners;
    };
  };
};
${RULE}
IDL: pkg/msg/Inner
module pkg {
  module msg {
    struct Inner {
      double value;
    };
  };
};
`;

test("definitions in IDL are read as those in msg are", () => {
  const type = messageType({ schemaEncoding: "ros2idl", schema: IDL });
  const message = { count: 3, inners: [{ value: 1.5 }] };
  const decode = decoderFor({ encoding: "cdr", schemaEncoding: "ros2idl", schema: IDL });
  assert.equal(toJson(decode(encode(type, message))), toJson(message));
  assert.deepEqual(emptyMessage(type), { count: 0, inners: [] });
});

test("a schema that cannot be read says so", () => {
  assert.throws(
    () => decoderFor({ encoding: "protobuf", schemaEncoding: "protobuf", schema: "" }),
    /protobuf/,
  );
});

test("numbers are found by their path", () => {
  const message = { a: [{ b: 2n }], stamp: { sec: 1, nanosec: 500_000_000 }, on: true, text: "x" };
  assert.equal(numberAt(message, ["a", 0, "b"]), 2);
  assert.equal(numberAt(message, ["stamp"]), 1.5);
  assert.equal(numberAt(message, ["on"]), 1);
  assert.equal(numberAt(message, ["text"]), undefined);
  assert.equal(numberAt(message, ["a", 7, "b", "c"]), undefined);
  assert.equal(pathName(["a", 0, "b"]), "a[0].b");
});

test("wide strings are read and written as Fast DDS has them", () => {
  const schema = {
    encoding: "cdr",
    schemaEncoding: "ros2msg",
    schema: [
      "uint8 first\nwstring text\nwstring[] list\npkg/Inner[2] inner\nint64 last",
      "=".repeat(80),
      "MSG: pkg/Inner\nwstring[<=3] names\nstring plain",
    ].join("\n"),
  };
  const message = {
    first: 7,
    text: "Hellö ハロー 🤖",
    list: ["", "a"],
    inner: [
      { names: ["x"], plain: "p" },
      { names: [], plain: "" },
    ],
    last: -5n,
  };
  const bytes = encode(messageType(schema), message);
  // A byte, padding, the number of UTF-16 units, then the units in four bytes each.
  assert.deepEqual([...bytes.subarray(4, 20)], [7, 0, 0, 0, 12, 0, 0, 0, 0x48, 0, 0, 0, 0x65, 0, 0, 0]);
  assert.deepEqual(decoderFor(schema)(bytes), message);
});
