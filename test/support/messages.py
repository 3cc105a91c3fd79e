"""The messages that the tests publish, and what the publisher and the tests agree on about them."""

from __future__ import annotations

import array
import importlib
from typing import Any

import numpy as np
from geometry_msgs.msg import TransformStamped
from sensor_msgs.msg import Image, PointCloud2, PointField
from std_msgs.msg import String, UInt8MultiArray
from test_msgs.message_fixtures import get_test_msg
from tf2_msgs.msg import TFMessage

IMAGE_WIDTH = 640
IMAGE_HEIGHT = 521
CLOUD_POINTS = 20_000
ARRAY_BYTES = 20_000


def message_class(type_name: str) -> Any:
    """The class of a type of the form ``package/msg/Name``."""
    package, _, name = type_name.split("/")
    return getattr(importlib.import_module(f"{package}.msg"), name)


def build(type_name: str, number: int) -> Any:
    """The `number`-th message of a type; the same one in every process."""
    if type_name.startswith("test_msgs/"):
        fixtures = get_test_msg(type_name.rsplit("/", 1)[1])
        return fixtures[number % len(fixtures)]
    return _BUILDERS[type_name](number)


def _string(number: int) -> String:
    return String(data=f"message {number}")


def _image(number: int) -> Image:
    """One of 1,000,320 bytes."""
    image = Image(height=IMAGE_HEIGHT, width=IMAGE_WIDTH, encoding="rgb8", step=3 * IMAGE_WIDTH)
    image.header.frame_id = f"camera {number}"
    image.data = array.array("B", _noise(number, 3 * IMAGE_WIDTH * IMAGE_HEIGHT))
    return image


def _cloud(number: int) -> PointCloud2:
    names = ("x", "y", "z", "intensity")
    cloud = PointCloud2(height=1, width=CLOUD_POINTS, point_step=16, row_step=16 * CLOUD_POINTS, is_dense=True)
    cloud.header.frame_id = "lidar"
    cloud.fields = [PointField(name=n, offset=4 * i, datatype=PointField.FLOAT32, count=1) for i, n in enumerate(names)]
    cloud.data = array.array("B", _noise(number, 16 * CLOUD_POINTS))
    return cloud


def _array(number: int) -> UInt8MultiArray:
    return UInt8MultiArray(data=array.array("B", _noise(number, ARRAY_BYTES)))


def _transforms(number: int) -> TFMessage:
    transforms = []
    for index in range(5):
        transform = TransformStamped(child_frame_id=f"sensor_{index}")
        transform.header.frame_id = "base_link"
        transform.header.stamp.sec = number
        transform.transform.translation.x = 0.1 * index
        transform.transform.rotation.w = 1.0
        transforms.append(transform)
    return TFMessage(transforms=transforms)


def _noise(number: int, size: int) -> bytes:
    return np.random.default_rng(number).bytes(size)


_BUILDERS = {
    "std_msgs/msg/String": _string,
    "std_msgs/msg/UInt8MultiArray": _array,
    "sensor_msgs/msg/Image": _image,
    "sensor_msgs/msg/PointCloud2": _cloud,
    "tf2_msgs/msg/TFMessage": _transforms,
}
