"""Frames of remote access: what a LiveKit byte stream on topic ``ws-protocol`` carries.

A frame is ``u8 opcode | u32 LE length | payload``, cut anywhere by the transport. Opcode 1 is
JSON text, opcode 2 binary; the first byte of a binary payload says what it is.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

STREAM_TOPIC = "ws-protocol"
TEXT = 1
BINARY = 2

# The first byte of a binary payload, robot to viewer.
MESSAGE_DATA = 1
TIME = 2
PONG = 6
# And viewer to robot.
PING = 4
PING_ACK = 5

HEADER = struct.Struct("<BI")
MESSAGE_HEADER = struct.Struct("<BQQ")
PONG_LAYOUT = struct.Struct("<BQQ")


@dataclass(frozen=True)
class MessageData:
    """One message of a channel; ``log_time`` in nanoseconds."""

    channel_id: int
    log_time: int
    data: bytes


@dataclass(frozen=True)
class Pong:
    """The answer to a ping: its own number back, and the robot's clock in milliseconds."""

    app_timestamp: int
    device_timestamp: int


@dataclass(frozen=True)
class OtherBinary:
    """A binary message that this module does not take apart."""

    opcode: int
    payload: bytes


Json = dict[str, Any]
Message = Json | MessageData | Pong | OtherBinary


class WireError(Exception):
    """The other side sent something that is not a frame of the protocol."""


class FrameReader:
    """Cuts the chunks of one stream into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not complete yet."""
        return len(self._buffer)

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """Yields the messages that `chunk` completes."""
        self._buffer += chunk
        while len(self._buffer) >= HEADER.size:
            opcode, length = HEADER.unpack_from(self._buffer)
            end = HEADER.size + length
            if len(self._buffer) < end:
                return
            payload = bytes(memoryview(self._buffer)[HEADER.size : end])
            del self._buffer[:end]
            yield decode(opcode, payload)


def decode(opcode: int, payload: bytes) -> Message:
    """Decodes the payload of one frame from a robot."""
    if opcode == TEXT:
        message = json.loads(payload)
        if not isinstance(message, dict):
            raise WireError(f"not a JSON object: {payload[:80]!r}")
        return message
    if opcode != BINARY or not payload:
        raise WireError(f"opcode {opcode}, {len(payload)} bytes")
    if payload[0] == MESSAGE_DATA:
        _, channel_id, log_time = MESSAGE_HEADER.unpack_from(payload)
        return MessageData(channel_id, log_time, payload[MESSAGE_HEADER.size :])
    if payload[0] == PONG:
        _, app, device = PONG_LAYOUT.unpack(payload)
        return Pong(app, device)
    return OtherBinary(payload[0], payload[1:])


def frame(opcode: int, payload: bytes) -> bytes:
    """One frame."""
    return HEADER.pack(opcode, len(payload)) + payload


def text_frame(message: Json) -> bytes:
    """A frame with a JSON message."""
    return frame(TEXT, json.dumps(message).encode())


def ping_frame(app_timestamp: int, extra: bytes = b"") -> bytes:
    """A ping; `extra` bytes behind the number are allowed."""
    return frame(BINARY, struct.pack("<BQ", PING, app_timestamp) + extra)


def ping_ack_frame(pong: Pong) -> bytes:
    """The answer to a pong: everything before it arrived."""
    return frame(BINARY, struct.pack("<BQ", PING_ACK, pong.device_timestamp))
