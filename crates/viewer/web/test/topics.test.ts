import assert from "node:assert/strict";
import { test } from "node:test";
import { isNamespace, splitName, type TopicNode, topicTree } from "../src/app/topicTree";

/** The tree as text: namespaces with their counts, topics by their labels. */
function drawn(nodes: TopicNode[]): unknown[] {
  return nodes.map((node) =>
    isNamespace(node) ? { [`${node.label} ${node.count}`]: drawn(node.children) } : node.label,
  );
}

test("topics are in their namespaces, and what is below a topic is beside it", () => {
  const topics = ["/tf", "/camera/image/compressed", "/camera/image", "/lidar/points", "/tf_static"];
  assert.deepEqual(drawn(topicTree(topics)), [
    { "/camera 2": ["image", "image/compressed"] },
    "/lidar/points",
    "/tf",
    "/tf_static",
  ]);
});

test("namespaces with nothing else between them are one", () => {
  const topics = ["/a/b/c/x", "/a/b/c/y", "/a/b/d/x", "/a/b/d/y"];
  assert.deepEqual(drawn(topicTree(topics)), [{ "/a/b 4": [{ "c 2": ["x", "y"] }, { "d 2": ["x", "y"] }] }]);
  assert.deepEqual(drawn(topicTree([])), []);
});

test("every topic of many is there once", () => {
  const topics = Array.from({ length: 300 }, (_, index) => `/n${index % 7}/m${index % 11}/topic_${index}`);
  const leaves = (nodes: TopicNode[]): string[] =>
    nodes.flatMap((node) => (isNamespace(node) ? leaves(node.children) : [node.topic]));
  assert.deepEqual(leaves(topicTree(topics)).sort(), [...topics].sort());
});

test("the end of a long name is seen", () => {
  assert.deepEqual(splitName("/short"), ["/short", ""]);
  assert.deepEqual(splitName("/global_costmap/costmap/costmap_updates"), [
    "/global_costmap/costmap",
    "/costmap_updates",
  ]);
  const [start, end] = splitName(`/${"x".repeat(60)}`);
  assert.equal(start.length + end.length, 61);
  assert.equal(end.length, 14);
});
