"""A camera that looks at something with texture and motion, with the noise of a sensor."""

from __future__ import annotations

import array

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import Image

CAMERA = "/camera/image"
WIDTH, HEIGHT = 320, 240
FRAME_ID = "optical"


def picture(number: int) -> np.ndarray:
    """The `number`-th picture of the size of the tests."""
    return scene(number, WIDTH, HEIGHT)


def scene(number: int, width: int, height: int) -> np.ndarray:
    """The `number`-th picture as RGB; the same one in every process."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x = x + 2.3 * number
    waves = np.sin(x / 9) * np.sin(y / 7) + 0.6 * np.sin((x + y) / 23) + 0.3 * np.sin(x / 3.1) * np.sin(y / 2.7)
    steps = np.where((x // 40 + y // 40) % 2 > 0, 30, -30)
    luma = 128 + 45 * waves + steps
    noise = np.random.default_rng(number).normal(0, 2.5, luma.shape)
    rgb = np.stack([luma + 20, luma, luma - 20], axis=-1) + noise[..., None]
    return rgb.clip(0, 255).astype(np.uint8)


def luma(rgb: np.ndarray) -> np.ndarray:
    """The brightness of a picture."""
    return rgb @ np.array([0.299, 0.587, 0.114])


def likeness(left: np.ndarray, right: np.ndarray) -> float:
    """The structural similarity of two planes, over windows of 8 by 8 pixels."""
    a, b = (_windows(plane) for plane in (left, right))
    ma, mb = a.mean(-1), b.mean(-1)
    covariance = (a * b).mean(-1) - ma * mb
    alike = (2 * ma * mb + 6.5025) * (2 * covariance + 58.5225)
    return float((alike / ((ma**2 + mb**2 + 6.5025) * (a.var(-1) + b.var(-1) + 58.5225))).mean())


def _windows(plane: np.ndarray) -> np.ndarray:
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    blocks = plane[: rows * 8, : columns * 8].astype(np.float64).reshape(rows, 8, columns, 8)
    return blocks.transpose(0, 2, 1, 3).reshape(rows, columns, 64)


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
