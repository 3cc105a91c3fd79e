"""A raw ROS 2 subscriber in the bridge's place: shows what the producer and the middleware can do alone."""

from __future__ import annotations

import argparse
import os
import socket
import threading
import time

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import UInt8MultiArray

from programs.pacing import StopSignal, emit
from programs.tally import Tally

CONFIRM_EVERY = 0.002


def main() -> None:
    """Counts until the harness ends it, confirming to the producer as a viewer does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--depth", type=int, default=25)
    parser.add_argument("--confirm-port", type=int, required=True)
    args = parser.parse_args()

    rclpy.init(args=[])
    node = rclpy.create_node("bench_sink")
    tally = Tally()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    confirmed = 0.0

    def confirm() -> None:
        done = max((topic.next for topic in tally.topics.values()), default=0)
        udp.sendto(f"{os.getpid()} {done}".encode(), ("127.0.0.1", args.confirm_port))

    def take(message: bytes) -> None:
        nonlocal confirmed
        if not tally.messages:
            emit("first")
        tally.message(args.topic, memoryview(message))
        now = time.monotonic()
        if now - confirmed >= CONFIRM_EVERY:
            confirmed = now
            confirm()

    quality = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=args.depth, reliability=ReliabilityPolicy.RELIABLE)
    node.create_subscription(UInt8MultiArray, args.topic, take, quality, raw=True)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    threading.Thread(target=executor.spin, daemon=True).start()
    stop = StopSignal()
    while not stop.wait(0.05):
        if node.count_publishers(args.topic):
            confirm()
    executor.shutdown()
    emit("report", **tally.report())


if __name__ == "__main__":
    main()
