"""The robot of `bench/camera_link`: cameras and a state topic, as a real ROS 2 node.

A picture's stamp is the time at which it was published, its frame_id its number in the scene.
"""

from __future__ import annotations

import argparse
import array
import time

import numpy as np
import rclpy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_msgs.msg import UInt8MultiArray

from camera_scene import scene
from programs.pacing import StopSignal, Stream, emit
from programs.payload import MessageMaker

# Pictures of the scene, shown to and fro.
PICTURES = 60


def main() -> None:
    """Publishes until the harness ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--rate", type=float, default=30.0, help="pictures per second of each camera")
    parser.add_argument("--camera", action="append", required=True, help="a topic")
    parser.add_argument("--state", type=Stream.parse, required=True, help="TOPIC:BYTES:HZ")
    parser.add_argument("--scene", required=True, help="file for the pictures, as numpy writes them")
    args = parser.parse_args()
    pictures = [scene(number, args.width, args.height) for number in range(PICTURES)]
    np.save(args.scene, np.stack(pictures))

    rclpy.init(args=[])
    node = rclpy.create_node("bench_cameras")
    cameras = [node.create_publisher(Image, topic, qos_profile_sensor_data) for topic in args.camera]
    state = node.create_publisher(UInt8MultiArray, args.state.topic, 10)
    maker = MessageMaker(args.state.size)
    messages = []
    for number, picture in enumerate(pictures):
        message = Image(height=args.height, width=args.width, encoding="rgb8", step=3 * args.width)
        message.header.frame_id = str(number)
        message.data = array.array("B", picture.tobytes())
        messages.append(message)

    stop = StopSignal()
    counts = dict.fromkeys([*args.camera, args.state.topic], 0)
    start = time.perf_counter()
    due = dict.fromkeys(counts, start)
    intervals = dict.fromkeys(args.camera, 1 / args.rate) | {args.state.topic: 1 / args.state.rate}
    emit("ready")
    while not stop.is_set():
        topic = min(due, key=due.__getitem__)
        time.sleep(max(0.0, due[topic] - time.perf_counter()))
        due[topic] += intervals[topic]
        if topic == args.state.topic:
            state.publish(maker.make(counts[topic]))
        else:
            place = counts[topic] % (2 * PICTURES - 2)
            message = messages[min(place, 2 * PICTURES - 2 - place)]
            message.header.stamp.sec, message.header.stamp.nanosec = divmod(time.time_ns(), 10**9)
            cameras[args.camera.index(topic)].publish(message)
        counts[topic] += 1
    emit("report", counts=counts)
    node.destroy_node()
    rclpy.shutdown()


if __name__ == "__main__":
    main()
