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
SERVICE_RESPONSE = 3
ASSET_RESPONSE = 4
PONG = 6
# And viewer to robot.
SERVICE_REQUEST = 2
PING = 4
PING_ACK = 5

HEADER = struct.Struct("<BI")
MESSAGE_HEADER = struct.Struct("<BQQ")
PONG_LAYOUT = struct.Struct("<BQQ")
SERVICE_LAYOUT = struct.Struct("<BIII")
ASSET_LAYOUT = struct.Struct("<BIBI")


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
class RobotTime:
    """The robot's time in nanoseconds."""

    time: int


@dataclass(frozen=True)
class ServiceResponse:
    """The response to a service call."""

    service_id: int
    call_id: int
    encoding: str
    payload: bytes


@dataclass(frozen=True)
class AssetResponse:
    """A file, or why it cannot be had."""

    request_id: int
    error: str | None
    data: bytes


@dataclass(frozen=True)
class OtherBinary:
    """A binary message that this module does not take apart."""

    opcode: int
    payload: bytes


Json = dict[str, Any]
Message = Json | MessageData | Pong | RobotTime | ServiceResponse | AssetResponse | OtherBinary


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
    if payload[0] == TIME:
        return RobotTime(int.from_bytes(payload[1:9], "little"))
    if payload[0] == SERVICE_RESPONSE:
        _, service, call, length = SERVICE_LAYOUT.unpack_from(payload)
        end = SERVICE_LAYOUT.size + length
        return ServiceResponse(service, call, payload[SERVICE_LAYOUT.size : end].decode(), payload[end:])
    if payload[0] == ASSET_RESPONSE:
        _, request, status, length = ASSET_LAYOUT.unpack_from(payload)
        end = ASSET_LAYOUT.size + length
        error = payload[ASSET_LAYOUT.size : end].decode()
        return AssetResponse(request, error if status else None, payload[end:])
    return OtherBinary(payload[0], payload[1:])


def frame(opcode: int, payload: bytes) -> bytes:
    """One frame."""
    return HEADER.pack(opcode, len(payload)) + payload


def text_frame(message: Json) -> bytes:
    """A frame with a JSON message."""
    return frame(TEXT, json.dumps(message).encode())


def message_frame(channel_id: int, data: bytes) -> bytes:
    """A message on a channel that the viewer advertised."""
    return frame(BINARY, struct.pack("<BI", MESSAGE_DATA, channel_id) + data)


def service_call_frame(service_id: int, call_id: int, encoding: str, payload: bytes) -> bytes:
    """A service call."""
    name = encoding.encode()
    return frame(BINARY, SERVICE_LAYOUT.pack(SERVICE_REQUEST, service_id, call_id, len(name)) + name + payload)


def ping_frame(app_timestamp: int, extra: bytes = b"") -> bytes:
    """A ping; `extra` bytes behind the number are allowed."""
    return frame(BINARY, struct.pack("<BQ", PING, app_timestamp) + extra)


def ping_ack_frame(pong: Pong) -> bytes:
    """The answer to a pong: everything before it arrived."""
    return frame(BINARY, struct.pack("<BQ", PING_ACK, pong.device_timestamp))
