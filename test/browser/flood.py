#!/usr/bin/env python3
"""A ROS 2 node that publishes more than a page can draw, until it is ended.

`/fast` comes a thousand times a second, `/big/image` with 60 Mbit/s, `/big/points` as clouds of 150,000 points.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import rclpy
from geometry_msgs.msg import Vector3Stamped
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image, PointCloud2, PointField

FAST_HZ = 1000
WIDTH, HEIGHT = 640, 480
# Frames of 921,600 bytes.
IMAGE_HZ = 60e6 / 8 / (3 * WIDTH * HEIGHT)
POINTS = 150_000
CLOUD_HZ = 2
# Different messages of each kind; made once, since making them costs more than publishing them.
VARIANTS = 8


def image(number: int) -> bytes:
    """A picture whose colours tell its number."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, :, 0] = np.arange(WIDTH) % 256
    pixels[:, :, 1] = 32 * number
    message = Image(height=HEIGHT, width=WIDTH, encoding="rgb8", step=3 * WIDTH, data=pixels.tobytes())
    return serialize_message(message)


def cloud(number: int) -> bytes:
    """A ball of points that grows with the number."""
    points = np.random.default_rng(number).normal(size=(POINTS, 3)).astype(np.float32) * (1 + number / VARIANTS)
    message = PointCloud2(height=1, width=POINTS, point_step=12, row_step=12 * POINTS, data=points.tobytes(), is_dense=True)
    message.header.frame_id = "map"
    message.fields = [PointField(name=n, offset=4 * i, datatype=PointField.FLOAT32, count=1) for i, n in enumerate("xyz")]
    return serialize_message(message)


def fast(number: int) -> bytes:
    """A sine wave."""
    message = Vector3Stamped()
    message.vector.x = float(np.sin(2 * np.pi * number / VARIANTS))
    return serialize_message(message)


class Flood(Node):
    """The publishers, each with the moment at which its next message is due."""

    def __init__(self) -> None:
        super().__init__("flood")
        self._due: list[tuple[float, float, Callable[[int], None], int]] = []
        self._add("/fast", Vector3Stamped, FAST_HZ, [fast(number) for number in range(VARIANTS)])
        self._add("/big/image", Image, IMAGE_HZ, [image(number) for number in range(VARIANTS)])
        self._add("/big/points", PointCloud2, CLOUD_HZ, [cloud(number) for number in range(VARIANTS)])

    def _add(self, topic: str, kind: type, hertz: float, messages: list[bytes]) -> None:
        publisher = self.create_publisher(kind, topic, qos_profile_sensor_data)
        self._due.append((0.0, 1 / hertz, lambda number: publisher.publish(messages[number % VARIANTS]), 0))

    def run(self) -> None:
        """Publishes what is due, for ever. What could not be published in time is made up for."""
        start = time.monotonic()
        print("ready", flush=True)
        while True:
            now = time.monotonic() - start
            for index, (due, period, publish, number) in enumerate(self._due):
                if now >= due:
                    publish(number)
                    self._due[index] = (due + period, period, publish, number + 1)
            time.sleep(0.0005)


def main() -> None:
    """Runs until it is killed."""
    rclpy.init()
    Flood().run()


if __name__ == "__main__":
    main()
