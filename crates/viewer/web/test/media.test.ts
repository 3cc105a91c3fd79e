import assert from "node:assert/strict";
import { test } from "node:test";
import { channelInfo } from "../src/remote/parse";
import { cameraInfoOf, cameraOf, camerasOf, isVideo, pictureKind, pictureSize } from "../src/ros/cameras";
import { codecOf, isKeyFrame } from "../src/ros/h264";
import { madeMs } from "../src/ros/stamp";

const channel = (topic: string, schemaName: string, metadata: Record<string, string> = {}) => {
  const info = channelInfo({ id: 1, topic, encoding: "cdr", schemaName, metadata });
  assert.ok(info);
  return info;
};
const IMAGE = "sensor_msgs/msg/Image";
const COMPRESSED = "sensor_msgs/msg/CompressedImage";
const VIDEO = "foxglove_msgs/msg/CompressedVideo";

test("the topics of a camera are together, the one that needs least of the network first", () => {
  const source = { source_topic: "/front/image" };
  const channels = [
    channel("/front/image", IMAGE),
    channel("/front/image/jpeg", COMPRESSED, source),
    channel("/front/image/video", VIDEO, source),
    channel("/rear/compressed", COMPRESSED),
    channel("/odom", "nav_msgs/msg/Odometry"),
  ];
  const found = (canDecode: boolean) =>
    camerasOf(channels, canDecode).map(({ name, channels: all }) => [name, all.map(pictureKind)]);
  assert.deepEqual(found(true), [
    ["/front/image", ["video", "compressed", "raw"]],
    ["/rear", ["compressed"]],
  ]);
  assert.deepEqual(found(false)[0], ["/front/image", ["compressed", "raw"]]);
  assert.equal(cameraOf(channel("/x", VIDEO, { source_topic: "/y" })), "/y");
  assert.equal(cameraOf(channel("/y/compressed/video", VIDEO, { source_topic: "/y/compressed" })), "/y");
  assert.ok(channels[2] && isVideo(channels[2]));
});

test("annotations lie where the camera's own pictures have them, however small those are made", () => {
  const video = channel("/front/image_raw/video", VIDEO, { source_topic: "/front/image_raw" });
  assert.equal(cameraInfoOf(video), "/front/camera_info");
  assert.equal(cameraInfoOf(channel("/rear/compressed", COMPRESSED)), "/camera_info");
  const info = { width: 1280, height: 960, binning_x: 0, binning_y: 0, roi: { width: 0, height: 0 } };
  assert.deepEqual(pictureSize(info), { width: 1280, height: 960 });
  assert.deepEqual(pictureSize({ ...info, binning_x: 2, binning_y: 2 }), { width: 640, height: 480 });
  assert.deepEqual(pictureSize({ ...info, roi: { width: 320, height: 240 } }), { width: 320, height: 240 });
  assert.equal(pictureSize({ ...info, width: 0, height: 0 }), undefined);
  assert.equal(pictureSize(undefined), undefined);
});

/** Units of H.264 with their start codes. */
function annexB(...units: number[][]): Uint8Array {
  return Uint8Array.from(units.flatMap((unit) => [0, 0, 0, 1, ...unit]));
}

test("a decoder begins with a picture that refers to no other, and is told the profile", () => {
  const key = annexB([0x67, 0x42, 0xe0, 0x1f, 9], [0x68, 1, 2], [0x65, 3, 0, 0, 3, 1]);
  const delta = annexB([0x41, 1, 2, 3]);
  assert.equal(isKeyFrame(key), true);
  assert.equal(codecOf(key), "avc1.42E01F");
  assert.equal(isKeyFrame(delta), false);
  assert.equal(codecOf(delta), undefined);
  for (const broken of [annexB([0x67]), annexB([]), new Uint8Array(), Uint8Array.from([0, 0, 1])]) {
    assert.equal(isKeyFrame(broken), false);
    assert.equal(codecOf(broken), undefined);
  }
});

test("a video is as old as its timestamp says", () => {
  const data = new Uint8Array(16);
  const view = new DataView(data.buffer);
  data[1] = 1;
  view.setInt32(4, 1000, true);
  view.setUint32(8, 500_000_000, true);
  const schema = "builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\nstring format";
  const described = { encoding: "cdr", schemaEncoding: "ros2msg", schema };
  assert.equal(madeMs(described, data, 1_000_800), 1_000_500);
});
