"""The producer of the bridge's side: a real ROS 2 node that publishes serialized messages.

Serialized, because building and serializing Python messages would limit the load, not the bridge.
"""

from __future__ import annotations

import argparse

import rclpy
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import UInt8MultiArray
from std_srvs.srv import SetBool

from programs import producer
from programs.payload import SMALLEST, MessageMaker


def main() -> None:
    """Publishes until the harness ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    producer.add_arguments(parser)
    parser.add_argument("--latched", default="", help="a topic with one message that later subscribers get, too")
    args = parser.parse_args()

    rclpy.init(args=[])
    node = rclpy.create_node("bench_publisher")
    quality = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=max(25, args.window), reliability=ReliabilityPolicy.RELIABLE)
    publishers = {topic: node.create_publisher(UInt8MultiArray, topic, quality) for topic in producer.topics_of(args)}
    if args.latched:
        quality.durability = DurabilityPolicy.TRANSIENT_LOCAL
        node.create_publisher(UInt8MultiArray, args.latched, quality).publish(MessageMaker(SMALLEST).make(0))
    for index in range(args.idle_services):
        node.create_service(SetBool, f"/bench/service{index}", lambda _request, response: response)
    producer.run(args, lambda topic, message: publishers[topic].publish(message))
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
