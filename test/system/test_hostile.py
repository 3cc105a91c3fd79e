"""Bytes that are not the protocol end the stream or are skipped, and never end the process."""

from __future__ import annotations

import json
import struct

import pytest

from bridge_process import Bridge
from conftest import ViewerFactory
from ros_side import Observer, Publisher
from viewer_client import Viewer
from wire import BINARY, PING_ACK, TEXT, frame, text_frame

TOPIC = "/alive"
TOO_LONG = struct.pack("<BI", TEXT, 16 * 1024 * 1024 + 1)
UNKNOWN_OPCODE = frame(7, b"what is this")

SKIPPED = {
    "bad UTF-8": frame(TEXT, b'{"op":"\xff\xfe"}'),
    "empty text": frame(TEXT, b""),
    "bad JSON": frame(TEXT, b'{"op":"subscribe", "channelIds":[1'),
    "JSON that is no object": frame(TEXT, b"[1,2,3]"),
    "no operation": frame(TEXT, b"{}"),
    "an unknown operation": text_frame({"op": "selfDestruct"}),
    "a wrong field type": text_frame({"op": "subscribe", "channelIds": "all of them"}),
    "a negative id": text_frame({"op": "subscribe", "channelIds": [-1]}),
    "an id over 64 bits": frame(TEXT, b'{"op":"subscribe","channelIds":[99999999999999999999999999]}'),
    "unknown ids": text_frame({"op": "subscribe", "channelIds": [123456789, 2**64 - 1]}),
    "unknown ids in the other shape": text_frame({"op": "subscribe", "channels": [{"id": 123456789}]}),
    "unsubscribing what is unknown": text_frame({"op": "unsubscribe", "channelIds": [123456789]}),
    "deep nesting": frame(TEXT, b"[" * 100_000),
    "many ids": frame(TEXT, json.dumps({"op": "subscribe", "channelIds": list(range(10**6, 10**6 + 100_000))}).encode()),
    "empty binary": frame(BINARY, b""),
    "an unknown binary operation": frame(BINARY, b"\xee" + b"x" * 40),
    "a truncated ping": frame(BINARY, b"\x04\x01\x02"),
    "a truncated message": frame(BINARY, b"\x01\x00"),
    "a truncated service call": frame(BINARY, b"\x02" + b"\x00" * 5),
    "a service call with a lying length": frame(BINARY, b"\x02" + struct.pack("<III", 1, 1, 0xFFFFFFFF) + b"cdr"),
    "a ping acknowledgement of nothing": frame(BINARY, struct.pack("<BQ", PING_ACK, 12345)),
    "a message on a channel that was not advertised": frame(BINARY, struct.pack("<BI", 1, 77) + b"data"),
}


@pytest.fixture
def served(bridge: Bridge, publisher: Publisher, new_viewer: ViewerFactory) -> Viewer:
    """A viewer that gets messages."""
    publisher.advertise(TOPIC, "std_msgs/msg/String")
    viewer = new_viewer()
    viewer.subscribe(TOPIC)
    publisher.match(TOPIC)
    publisher.publish(TOPIC)
    viewer.wait_messages(TOPIC)
    return viewer


def assert_served_on(viewer: Viewer, publisher: Publisher, bridge: Bridge) -> None:
    """The viewer still gets messages, and the process is the same."""
    before = len(viewer.messages(TOPIC))
    publisher.publish(TOPIC, count=3)
    viewer.wait_messages(TOPIC, before + 3)
    assert bridge.process.exit_code() is None


@pytest.mark.parametrize("data", SKIPPED.values(), ids=SKIPPED.keys())
def test_a_message_that_makes_no_sense_is_skipped(served: Viewer, publisher: Publisher, bridge: Bridge, data: bytes) -> None:
    served.send_raw(data)
    # The answer comes on the same stream: it was not ended, and what follows is understood.
    served.ping()
    assert served.stream_ends() == []
    assert_served_on(served, publisher, bridge)


@pytest.mark.parametrize("data", [TOO_LONG, UNKNOWN_OPCODE], ids=["too long", "unknown opcode"])
def test_a_frame_that_is_no_frame_ends_the_stream(
    served: Viewer, publisher: Publisher, bridge: Bridge, observer: Observer, data: bytes
) -> None:
    served.send_raw(data)
    # Nothing after it is read: it would be taken apart in the wrong place.
    served.send({"op": "unsubscribe", "channelIds": [served.channels()[TOPIC]["id"]]})
    bridge.wait_output("ending a stream")
    # A new stream is a new start.
    served.open_stream()
    served.subscribe(TOPIC)
    served.ping()
    publisher.match(TOPIC)
    assert_served_on(served, publisher, bridge)


def test_the_longest_allowed_frame_does_not_end_the_stream(served: Viewer, publisher: Publisher, bridge: Bridge) -> None:
    served.send_raw(frame(TEXT, b" " * (16 * 1024 * 1024)))
    served.ping()
    assert_served_on(served, publisher, bridge)


def test_a_frame_cut_into_single_bytes_is_understood(bridge: Bridge, publisher: Publisher, new_viewer: ViewerFactory) -> None:
    publisher.advertise(TOPIC, "std_msgs/msg/String")
    # One that pings by itself would put its pings between the bytes.
    viewer = new_viewer(acknowledge=False)
    ids = [viewer.wait_channel(TOPIC)["id"]]
    for byte in text_frame({"op": "subscribe", "channelIds": ids}):
        viewer.send_raw(bytes([byte]))
    viewer.ping()
    publisher.match(TOPIC)
    assert_served_on(viewer, publisher, bridge)


def test_a_stream_that_ends_inside_a_frame_disturbs_nobody(
    served: Viewer, publisher: Publisher, bridge: Bridge, new_viewer: ViewerFactory
) -> None:
    other = new_viewer()
    other.subscribe(TOPIC)
    other.ping()
    # A length that the pings behind it do not fill.
    served.send_raw(struct.pack("<BI", TEXT, 1_000_000) + b'{"op":')
    served.close_stream()
    other.ping()
    assert_served_on(other, publisher, bridge)


def test_a_hostile_viewer_does_not_disturb_another(
    served: Viewer, publisher: Publisher, bridge: Bridge, new_viewer: ViewerFactory
) -> None:
    hostile = new_viewer("hostile")
    hostile.robot()
    for data in [*SKIPPED.values(), TOO_LONG]:
        hostile.send_raw(data)
    for _ in range(20):
        hostile.open_stream()
        hostile.send_raw(UNKNOWN_OPCODE)
    assert_served_on(served, publisher, bridge)
    served.ping()
