import assert from "node:assert/strict";
import { test } from "node:test";
import { unaskedLayers } from "../src/panels/unasked";
import { channelInfo } from "../src/remote/parse";

const TYPES = { "foxglove_msgs/CompressedPointCloud": 1, "sensor_msgs/PointCloud2": 1 };
const CLOUD = "sensor_msgs/msg/PointCloud2";
const COMPRESSED = "foxglove_msgs/msg/CompressedPointCloud";

function channel(topic: string, schemaName: string, metadata: Record<string, string> = {}) {
  const info = channelInfo({ id: 1, topic, encoding: "cdr", schemaName, metadata });
  assert.ok(info);
  return info;
}

test("a cloud is shown compressed where the robot does that", () => {
  const source = { source_topic: "/points" };
  const raw = [channel("/points", CLOUD), channel("/points/reduced", CLOUD, source)];
  assert.deepEqual(unaskedLayers(raw, TYPES), ["/points"]);
  const all = [...raw, channel("/points/draco", COMPRESSED, source)];
  assert.deepEqual(unaskedLayers(all, TYPES), ["/points/draco"]);
  assert.deepEqual(unaskedLayers(all, { "sensor_msgs/PointCloud2": 2 }), ["/points/reduced"]);
});
