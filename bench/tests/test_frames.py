"""The viewer's frame reader."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from programs import frames


class Heard:
    """Collects what a reader calls back with."""

    def __init__(self) -> None:
        self.texts: list[dict[str, Any]] = []
        self.messages: list[tuple[int, bytes]] = []
        self.pongs: list[tuple[int, int]] = []
        self.reader = frames.FrameReader(
            self.texts.append,
            lambda channel, data: self.messages.append((channel, bytes(data))),
            lambda app, device: self.pongs.append((app, device)),
        )


def framed(opcode: int, payload: bytes) -> bytes:
    return struct.pack("<BI", opcode, len(payload)) + payload


STREAM = (
    framed(1, json.dumps({"op": "serverInfo"}).encode())
    + framed(2, struct.pack("<BQQ", 1, 7, 99) + b"hello")
    + framed(2, struct.pack("<BQQ", 6, 11, 12))
    + framed(2, struct.pack("<BQQ", 1, 8, 99))
)


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 16, len(STREAM)])
def test_reads_the_same_however_the_stream_is_cut(cut: int) -> None:
    heard = Heard()
    for at in range(0, len(STREAM), cut):
        heard.reader.feed(STREAM[at : at + cut])
    assert heard.texts == [{"op": "serverInfo"}]
    assert heard.messages == [(7, b"hello"), (8, b"")]
    assert heard.pongs == [(11, 12)]


@pytest.mark.parametrize("header", [struct.pack("<BI", 3, 0), struct.pack("<BI", 2, frames.LARGEST + 1)])
def test_an_impossible_frame_ends_the_stream(header: bytes) -> None:
    with pytest.raises(frames.ProtocolError):
        Heard().reader.feed(header)


def test_requests_have_the_documented_layout() -> None:
    opcode, length = struct.unpack_from("<BI", frames.subscribe([3]))
    assert (opcode, length) == (1, len(frames.subscribe([3])) - 5)
    assert json.loads(frames.subscribe([3])[5:]) == {"op": "subscribe", "channels": [{"id": 3}]}
    assert frames.ping_ack(5) == framed(2, struct.pack("<BQ", 5, 5))
    assert frames.ping(5) == framed(2, struct.pack("<BQ", 4, 5))
