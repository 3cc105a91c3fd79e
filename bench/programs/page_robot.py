"""A robot with more than a page can show at once: 300 topics, four cameras and clouds of 150,000 points.

It publishes until it is ended. Its node is called `busy_robot`.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable

import numpy as np
import rclpy
from geometry_msgs.msg import TransformStamped, Twist
from PIL import Image
from rclpy.node import Node
from rclpy.qos import QoSProfile, qos_profile_sensor_data
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, PointCloud2
from std_msgs.msg import Float64
from tf2_msgs.msg import TFMessage

from flood import VARIANTS, cloud

NUMBERS = 294
NUMBERS_HZ = 5
CAMERAS = 4
CAMERA_HZ = 15
CLOUD_HZ = 5
WIDTH, HEIGHT = 640, 480


def jpeg(camera: int, number: int) -> bytes:
    """A picture of noise on a slope of colours, of about the size of a camera's."""
    slope = (np.arange(WIDTH)[None, :, None] + np.arange(HEIGHT)[:, None, None]) / 5 + 20 * number
    noise = np.random.default_rng(100 * camera + number).integers(0, 24, (HEIGHT, WIDTH, 3))
    out = io.BytesIO()
    Image.fromarray(((slope * [1, 0.7, 0.4] + noise) % 256).astype(np.uint8)).save(out, "JPEG", quality=70)
    message = CompressedImage(format="jpeg", data=out.getvalue())
    return serialize_message(message)


class BusyRobot(Node):
    """The publishers, each with the moment at which its next message is due."""

    def __init__(self) -> None:
        super().__init__("busy_robot")
        self._due: list[tuple[float, float, Callable[[int], None], int]] = []
        for number in range(NUMBERS):
            topic = f"/module_{number // 20}/sensor_{number % 20}/value"
            self._add(topic, Float64, NUMBERS_HZ, [serialize_message(Float64(data=float(each))) for each in range(VARIANTS)])
        for camera in range(CAMERAS):
            self._add(f"/camera_{camera}/compressed", CompressedImage, CAMERA_HZ, [jpeg(camera, n) for n in range(VARIANTS)])
        self._add("/lidar/points", PointCloud2, CLOUD_HZ, [cloud(number) for number in range(VARIANTS)])
        transform = TransformStamped(child_frame_id="base_link")
        transform.header.frame_id = "map"
        self._add("/tf", TFMessage, 10, [serialize_message(TFMessage(transforms=[transform]))] * VARIANTS)
        self._commands = self.create_subscription(Twist, "/cmd_vel", lambda _: None, QoSProfile(depth=10))

    def _add(self, topic: str, kind: type, hertz: float, messages: list[bytes]) -> None:
        publisher = self.create_publisher(kind, topic, qos_profile_sensor_data)
        # Not all at the same moment.
        self._due.append((len(self._due) / 300 / hertz, 1 / hertz, lambda n: publisher.publish(messages[n % VARIANTS]), 0))

    def run(self) -> None:
        """Publishes what is due, for ever."""
        start = time.monotonic()
        print("ready", flush=True)
        while True:
            now = time.monotonic() - start
            for index, (due, period, publish, number) in enumerate(self._due):
                if now >= due:
                    publish(number)
                    # What could not be published in time is left out.
                    self._due[index] = (max(due + period, now), period, publish, number + 1)
            time.sleep(0.002)


def main() -> None:
    """Runs until it is killed."""
    rclpy.init()
    BusyRobot().run()


if __name__ == "__main__":
    main()
