"""The robot of `bench/camera_link`: cameras and a state topic, as a real ROS 2 node.

A picture's stamp is the time at which it was published, its frame_id its number in the scene.
"""

from __future__ import annotations

import argparse
import array
import time

import rclpy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_msgs.msg import UInt8MultiArray

from programs import camera_load


def main() -> None:
    """Publishes until the harness ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    camera_load.add_arguments(parser)
    args = parser.parse_args()
    messages = []
    for number, picture in enumerate(camera_load.pictures(args)):
        message = Image(height=args.height, width=args.width, encoding="rgb8", step=3 * args.width)
        message.header.frame_id = str(number)
        message.data = array.array("B", picture.tobytes())
        messages.append(message)

    rclpy.init(args=[])
    node = rclpy.create_node("bench_cameras")
    cameras = {topic: node.create_publisher(Image, topic, qos_profile_sensor_data) for topic in args.camera}
    state = node.create_publisher(UInt8MultiArray, args.state.topic, 10)

    def show(topic: str, number: int) -> None:
        message = messages[number]
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(time.time_ns(), 10**9)
        cameras[topic].publish(message)

    camera_load.run(args, show, state.publish)
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
