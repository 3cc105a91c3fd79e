"""Decodes CDR with a library that shares nothing with ROS, and compares field by field.

Alignment padding in CDR is undefined, so bytes are not compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import av
import numpy as np
from mcap.records import Schema
from mcap_ros2.decoder import DecoderFactory


def decode(channel: dict[str, Any], data: bytes) -> Any:
    """Decodes a message by the schema that its channel was advertised with."""
    assert channel["encoding"] == "cdr"
    assert channel["schemaEncoding"] == "ros2msg"
    schema = Schema(id=1, name=channel["schemaName"], encoding="ros2msg", data=channel["schema"].encode())
    decoder = DecoderFactory().decoder_for("cdr", schema)
    assert decoder is not None
    return decoder(data)


def video_pictures(coded: Iterable[Any]) -> list[np.ndarray]:
    """The pictures of a video as RGB, by a decoder that begins with the first of these CompressedVideo messages."""
    decoder = av.CodecContext.create("h264", "r")
    packets = [av.Packet(bytes(each.data)) for each in coded]
    frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    return [frame.to_ndarray(format="rgb24") for frame in frames]


def assert_same(decoded: Any, expected: Any, where: str = "message") -> None:
    """Compares a decoded message with the ROS message that it should be."""
    for name in expected.get_fields_and_field_types():
        # An empty message has a byte on the wire that no definition shows.
        if name != "structure_needs_at_least_one_member":
            _assert_same_value(getattr(decoded, name), getattr(expected, name), f"{where}.{name}")


def _assert_same_value(decoded: Any, expected: Any, where: str) -> None:
    if hasattr(expected, "get_fields_and_field_types"):
        assert_same(decoded, expected, where)
    elif isinstance(expected, bytes) and isinstance(decoded, int):
        # A `byte` is an integer to the decoder and a bytes object of length one to rclpy.
        assert decoded == expected[0], where
    elif isinstance(expected, int) and not isinstance(expected, bool) and isinstance(decoded, int):
        # The decoder takes a `char` for signed; in ROS 2 it is a uint8.
        assert decoded in (expected, expected - 256 if expected > 127 else expected), where
    elif isinstance(expected, (str, bool, int, float)):
        assert decoded == expected, where
    elif isinstance(decoded, (bytes, bytearray, memoryview)):
        assert bytes(decoded) == _octets(expected), where
    else:
        assert len(decoded) == len(expected), where
        for index, (one, other) in enumerate(zip(decoded, expected, strict=True)):
            _assert_same_value(one, other.item() if isinstance(other, np.generic) else other, f"{where}[{index}]")


def _octets(values: Any) -> bytes:
    """An array of uint8 or of `byte` as rclpy holds it, as bytes."""
    if isinstance(values, (list, tuple)):
        return b"".join(each if isinstance(each, bytes) else bytes([each]) for each in values)
    return np.asarray(values).tobytes()
