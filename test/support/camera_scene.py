"""A camera that looks at something with texture and motion, with the noise of a sensor, as a publisher."""

from __future__ import annotations

import array

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import Image

from scenes import scene

CAMERA = "/camera/image"
WIDTH, HEIGHT = 320, 240
FRAME_ID = "optical"


def picture(number: int) -> np.ndarray:
    """The `number`-th picture of the size of the tests."""
    return scene(number, WIDTH, HEIGHT)


class Camera:
    """Publishes the pictures; the stamp's seconds are the number of each."""

    def __init__(self, node: Node, topic: str, rate: float = 15.0) -> None:
        self._publisher = node.create_publisher(Image, topic, 10)
        self._count = 0
        node.create_timer(1 / rate, self._publish)

    def _publish(self) -> None:
        message = Image(height=HEIGHT, width=WIDTH, encoding="rgb8", step=3 * WIDTH)
        message.header.stamp.sec = self._count
        message.header.frame_id = FRAME_ID
        message.data = array.array("B", picture(self._count).tobytes())
        self._publisher.publish(message)
        self._count += 1
