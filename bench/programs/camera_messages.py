"""Messages of cameras in CDR, byte for byte as ROS 2 writes them, for robots without ROS."""

from __future__ import annotations

import struct

HEADER = """\
std_msgs/Header header
{fields}
================================================================================
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""
IMAGE = "sensor_msgs/msg/Image"
IMAGE_SCHEMA = HEADER.format(fields="uint32 height\nuint32 width\nstring encoding\nuint8 is_bigendian\nuint32 step\nuint8[] data")
JPEG = "sensor_msgs/msg/CompressedImage"
JPEG_SCHEMA = HEADER.format(fields="string format\nuint8[] data")


class _Writer:
    """Little-endian CDR; alignment counts from after the four bytes of its header."""

    def __init__(self) -> None:
        self.data = bytearray(b"\x00\x01\x00\x00")

    def number(self, value: int) -> None:
        self.data += bytes(-len(self.data) % 4) + struct.pack("<I", value)

    def text(self, value: str) -> None:
        encoded = value.encode() + b"\x00"
        self.number(len(encoded))
        self.data += encoded

    def header(self, stamp: int, frame_id: str) -> None:
        for part in divmod(stamp, 10**9):
            self.number(part)
        self.text(frame_id)

    def sequence(self, value: bytes) -> None:
        self.number(len(value))
        self.data += value


def image(stamp: int, frame_id: str, width: int, height: int, pixels: bytes) -> bytes:
    """A `sensor_msgs/msg/Image` of `rgb8`; `stamp` in nanoseconds."""
    writer = _Writer()
    writer.header(stamp, frame_id)
    writer.number(height)
    writer.number(width)
    writer.text("rgb8")
    writer.data += b"\x00"
    writer.number(3 * width)
    writer.sequence(pixels)
    return bytes(writer.data)


def jpeg(stamp: int, frame_id: str, encoded: bytes) -> bytes:
    """A `sensor_msgs/msg/CompressedImage`; `stamp` in nanoseconds."""
    writer = _Writer()
    writer.header(stamp, frame_id)
    writer.text("jpeg")
    writer.sequence(encoded)
    return bytes(writer.data)
