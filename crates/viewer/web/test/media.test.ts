import assert from "node:assert/strict";
import { test } from "node:test";
import { decodePng } from "../src/lazy/png";
import { channelInfo } from "../src/remote/parse";
import {
  cameraInfoOf,
  cameraOf,
  camerasOf,
  isVideo,
  pictureKind,
  pictureSize,
  smallerVideo,
} from "../src/ros/cameras";
import { codecOf, isKeyFrame } from "../src/ros/h264";
import { measuredImage, measuredPng } from "../src/ros/png";
import { madeMs } from "../src/ros/stamp";
import { VideoTier } from "../src/ros/tier";

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

test("a camera's small video is known by its source and its size", () => {
  const source = { source_topic: "/front/image" };
  const large = channel("/front/image/video", VIDEO, { ...source, max_width: "640", max_height: "480" });
  const small = channel("/front/image/video_small", VIDEO, {
    ...source,
    max_width: "480",
    max_height: "360",
  });
  const other = channel("/rear/image/video_small", VIDEO, {
    source_topic: "/rear/image",
    max_width: "480",
    max_height: "360",
  });
  const png = channel("/depth/png", COMPRESSED, { source_topic: "/depth" });
  const all = [small, png, other, large];
  assert.equal(smallerVideo(large, all), small);
  assert.equal(smallerVideo(small, all), undefined);
  assert.equal(smallerVideo(channel("/front/image/video", VIDEO), all), undefined);
  assert.deepEqual(camerasOf(all, true)[1], { name: "/front/image", channels: [large, small] });
  assert.deepEqual([large, small, png].map(pictureKind), ["video", "small video", "lossless"]);
});

const SMALL = { width: 480, height: 360 };
const LARGE_VIEW = { width: 1000, height: 700 };

/** Seconds of a video at 30 Hz from `at`; of each second the last `dropped` ms are missing. Returns the decision after each. */
function watch(
  tier: VideoTier,
  at: number,
  seconds: number,
  dropped: number,
  ageMs: number | undefined,
): boolean[] {
  return Array.from({ length: seconds }, (_, second) => {
    for (let made = 0; made < 1000 - dropped; made += 33) {
      tier.push(at + 1000 * second + made, ageMs, at + 1000 * second + made);
    }
    return tier.isSmall(LARGE_VIEW, SMALL, at + 1000 * second + 999);
  });
}

test("a small view gets the small video, and does not change to and fro", () => {
  const tier = new VideoTier();
  const isSmall = (width: number, height: number) => tier.isSmall({ width, height }, SMALL, 0);
  assert.equal(isSmall(481, 100), false);
  assert.equal(isSmall(480, 360), true);
  assert.equal(isSmall(590, 440), true);
  assert.equal(isSmall(610, 440), false);
  assert.equal(isSmall(590, 440), false);
});

test("a network that does not carry the large video gets the small one, for a while", () => {
  const good = new VideoTier();
  assert.ok(!watch(good, 0, 60, 0, 80).includes(true));
  // One gap every ten seconds is no reason.
  assert.ok(
    !Array.from({ length: 5 }, (_, ten) => watch(good, 60_000 + 10_500 * ten, 10, 0, 80))
      .flat()
      .includes(true),
  );
  for (const [dropped, ageMs] of [
    [500, 80],
    [0, 900],
    [500, undefined],
    // Nothing at all.
    [1000, 80],
  ] as const) {
    const tier = new VideoTier();
    // How it is when it comes quickly; the rest is judged by that.
    watch(tier, -10_000, 10, 0, 80);
    const first = watch(tier, 0, 20, dropped, ageMs).indexOf(true);
    assert.ok(first >= 3 && first <= 8, `${dropped}, ${ageMs}: after ${first} s`);
    assert.ok(tier.isSlow(first * 1000 + 1000));
    // The next try, and then a longer pause.
    const tried = (first + 22) * 1000;
    assert.equal(tier.isSmall(LARGE_VIEW, SMALL, tried), false);
    const again = watch(tier, tried, 20, dropped, ageMs).indexOf(true);
    assert.ok(again >= 3 && again <= 8);
    assert.equal(tier.isSmall(LARGE_VIEW, SMALL, tried + 1000 * (again + 35)), true);
    assert.equal(tier.isSmall(LARGE_VIEW, SMALL, tried + 1000 * (again + 45)), false);
  }
});

test("a clock that differs is no slow network, and the small video's real size counts", () => {
  const tier = new VideoTier();
  assert.ok(!watch(tier, 0, 30, 0, 30_000).includes(true));
  const view = { width: 400, height: 300 };
  assert.equal(tier.isSmall(view, SMALL, 30_000), true);
  tier.seen({ width: 320, height: 240 });
  assert.equal(tier.isSmall(view, SMALL, 30_500), true);
  assert.equal(tier.isSmall({ width: 410, height: 300 }, SMALL, 31_000), false);
  assert.equal(tier.isSmall(view, SMALL, 31_500), false);
});

test("a camera that is slow itself is not taken for a slow network", () => {
  const tier = new VideoTier();
  for (let at = 0; at < 60_000; at += 1000) {
    tier.push(at, 100, at);
    assert.equal(tier.isSmall(LARGE_VIEW, SMALL, at), false);
  }
});

/** A PNG with 3 x 2 values. */
const DEPTHS =
  "iVBORw0KGgoAAAANSUhEUgAAAAMAAAACEAAAAADoj+WFAAAAFUlEQVR4nGNgYGBgZPgPxEIm//8DAAv3A0Z78RgIAAAAAElFTkSuQmCC";

test("depths of 16 bits come out of a PNG as they were", () => {
  const file = Uint8Array.from(atob(DEPTHS), (letter) => letter.charCodeAt(0));
  const framed = Uint8Array.from([...new Array(12).fill(7), ...file]);
  assert.equal(measuredPng("16UC1; png compressed", file), file);
  assert.deepEqual(measuredPng("16UC1; compressedDepth png", framed), file);
  assert.equal(measuredPng("16UC1; compressedDepth rvl", framed.subarray(0, 30)), undefined);
  assert.equal(measuredPng("jpeg", Uint8Array.from([0xff, 0xd8, 0xff, 0])), undefined);
  // One in colours is for the browser.
  const colours = Uint8Array.from(file);
  colours[25] = 2;
  assert.equal(measuredPng("png", colours), undefined);
  const image = measuredImage(decodePng(file));
  assert.deepEqual([image.width, image.height, image.encoding, image.step], [3, 2, "16UC1", 6]);
  const values = new Uint16Array(image.data.buffer, image.data.byteOffset, 6);
  assert.deepEqual([...values], [0, 1, 255, 256, 4660, 65535]);
});
