#!/usr/bin/env python3
"""A ROS 2 node that publishes what it is told to. A process of its own, driven by JSON lines.

Every line on stdin is ``{"do": …}``; every line on stdout is the answer, ``{}`` or ``{"error": …}``.
Ends when stdin ends.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from messages import build, message_class
from spinning import SpinThread

MATCH_SECONDS = 60.0


class PublisherNode(Node):
    """The node, one method per command."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._publishers_by_topic: dict[str, Publisher] = {}

    def advertise(self, topic: str, type_name: str, reliable: bool, latched: bool, depth: int) -> None:
        """Makes a publisher."""
        profile = QoSProfile(
            depth=depth,
            reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        )
        self._publishers_by_topic[topic] = self.create_publisher(message_class(type_name), topic, profile)

    def withdraw(self, topic: str) -> None:
        """Destroys a publisher."""
        self.destroy_publisher(self._publishers_by_topic.pop(topic))

    def publish(self, topic: str, type_name: str, first: int, count: int) -> None:
        """Publishes the messages numbered from `first`, one after the other."""
        publisher = self._publishers_by_topic[topic]
        for number in range(first, first + count):
            publisher.publish(build(type_name, number))

    def match(self, topic: str, count: int) -> None:
        """Waits until `count` subscriptions are matched, so that none misses what follows."""
        publisher = self._publishers_by_topic[topic]
        done = threading.Event()
        timer = self.create_timer(0.01, lambda: publisher.get_subscription_count() == count and done.set())
        try:
            if not done.wait(MATCH_SECONDS):
                raise TimeoutError(f"{publisher.get_subscription_count()} subscriptions on {topic}, not {count}")
        finally:
            self.destroy_timer(timer)


def _answer(node: PublisherNode, command: dict[str, Any]) -> dict[str, Any]:
    method = getattr(node, command.pop("do"))
    try:
        method(**command)
    except Exception as error:  # the test that asked sees it
        return {"error": repr(error)}
    return {}


def main() -> None:
    """Answers commands until stdin ends."""
    rclpy.init(args=sys.argv)
    node = PublisherNode("test_publisher")
    spinning = SpinThread(node)
    print("{}", flush=True)
    for line in sys.stdin:
        print(json.dumps(_answer(node, json.loads(line))), flush=True)
    spinning.close()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
