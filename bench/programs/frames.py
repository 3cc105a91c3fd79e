"""Frames of the remote access protocol, as a viewer reads and writes them.

A byte stream is a sequence of `u8 opcode | u32 LE length | payload`, cut anywhere by the transport;
opcode 1 is JSON text, opcode 2 binary. A binary payload begins with its own opcode byte.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

TEXT = 1
BINARY = 2
MESSAGE_DATA = 1
PONG = 6
PING = 4
PING_ACK = 5
LARGEST = 16 * 1024 * 1024

OnText = Callable[[dict[str, Any]], None]
OnMessage = Callable[[int, memoryview], None]
OnPong = Callable[[int, int], None]


class ProtocolError(Exception):
    """The stream cannot be read any further."""


class FrameReader:
    """Reads one stream; calls back with text, messages `(channel, data)` and pongs `(app, device)`."""

    def __init__(self, on_text: OnText, on_message: OnMessage, on_pong: OnPong) -> None:
        self._rest = bytearray()
        self._on_text = on_text
        self._on_message = on_message
        self._on_pong = on_pong

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes of the stream. The memory handed to callbacks dies when they return."""
        self._rest += chunk
        at = 0
        view = memoryview(self._rest)
        try:
            while len(view) - at >= 5:
                opcode, length = struct.unpack_from("<BI", view, at)
                if length > LARGEST or opcode not in (TEXT, BINARY):
                    raise ProtocolError(f"opcode {opcode}, length {length}")
                if len(view) - at - 5 < length:
                    break
                with view[at + 5 : at + 5 + length] as payload:
                    self._frame(opcode, payload)
                at += 5 + length
        finally:
            view.release()
        if at:
            del self._rest[:at]

    def _frame(self, opcode: int, payload: memoryview) -> None:
        if opcode == TEXT:
            self._on_text(json.loads(bytes(payload)))
        elif payload[0] == MESSAGE_DATA:
            (channel,) = struct.unpack_from("<Q", payload, 1)
            with payload[17:] as data:
                self._on_message(channel, data)
        elif payload[0] == PONG:
            app, device = struct.unpack_from("<QQ", payload, 1)
            self._on_pong(app, device)


def _frame(opcode: int, payload: bytes) -> bytes:
    return struct.pack("<BI", opcode, len(payload)) + payload


def subscribe(channels: list[int], videos: frozenset[int] = frozenset()) -> bytes:
    """A request for these channels, in the shape both sides understand; for `videos` as the peer's video tracks."""
    wanted = [{"id": channel} | ({"requestVideoTrack": True} if channel in videos else {}) for channel in channels]
    request = {"op": "subscribe", "channels": wanted}
    return _frame(TEXT, json.dumps(request).encode())


def ping(app_stamp: int) -> bytes:
    """A ping that carries the viewer's own stamp."""
    return _frame(BINARY, struct.pack("<BQ", PING, app_stamp))


def ping_ack(device_stamp: int) -> bytes:
    """The answer to a pong."""
    return _frame(BINARY, struct.pack("<BQ", PING_ACK, device_stamp))
