"""The streams from the robot to its viewers: order, pings, rotation, resynchronisation."""

from __future__ import annotations

from bridge_process import Bridge
from conftest import BridgeFactory, ViewerFactory
from decoding import assert_same, decode
from messages import build
from ros_side import Publisher
from viewer_client import Viewer
from wire import MessageData

STRING = "std_msgs/msg/String"
IMAGE = "sensor_msgs/msg/Image"


def test_a_ping_is_answered_with_its_own_number(viewer: Viewer) -> None:
    pongs = [viewer.ping(), viewer.ping(b"more bytes are allowed"), viewer.ping()]
    assert [pong.app_timestamp for pong in pongs] == [1, 2, 3]
    stamps = [pong.device_timestamp for pong in pongs]
    assert stamps == sorted(set(stamps))


def test_an_advertisement_precedes_the_messages_of_its_channel(viewer: Viewer, publisher: Publisher) -> None:
    for number in range(5):
        topic = f"/topic_{number}"
        publisher.advertise(topic, STRING)
        viewer.subscribe(topic)
        publisher.match(topic)
        publisher.publish(topic, count=5)
        viewer.wait_messages(topic, 5)
    known: set[int] = set()
    for _, message in viewer.received():
        if isinstance(message, dict) and message["op"] == "advertise":
            known |= {channel["id"] for channel in message["channels"]}
        elif isinstance(message, MessageData):
            assert message.channel_id in known


def test_a_viewer_of_the_old_protocol_gets_one_stream(viewer: Viewer, publisher: Publisher) -> None:
    for topic in ("/one", "/two"):
        publisher.advertise(topic, STRING)
        viewer.subscribe(topic)
        publisher.match(topic)
        publisher.publish(topic, count=10)
        viewer.wait_messages(topic, 10)
    assert {stream for stream, _ in viewer.received()} == {0}
    assert viewer.stream_ends() == []


def test_a_viewer_that_takes_many_streams_gets_each_channel_in_order(
    bridge: Bridge, publisher: Publisher, new_viewer: ViewerFactory
) -> None:
    topics = [f"/lane_{number}" for number in range(4)]
    viewers = [new_viewer() for _ in range(3)]
    for topic in topics:
        publisher.advertise(topic, STRING, depth=100)
    for viewer in viewers:
        viewer.wait_channel(topics[-1])
        viewer.open_stream({"streams": "many"})
        viewer.subscribe(*topics)
        viewer.ping()
    for first in range(0, 50, 10):
        for topic in topics:
            publisher.match(topic)
            publisher.publish(topic, first=first, count=10)
        for viewer in viewers:
            for topic in topics:
                viewer.wait_messages(topic, first + 10)
    for viewer in viewers:
        for topic in topics:
            channel = viewer.channels()[topic]
            assert [decode(channel, m.data).data for m in viewer.messages(topic)] == [f"message {n}" for n in range(50)]


def test_a_viewer_that_never_acknowledges_is_served(bridge: Bridge, publisher: Publisher, new_viewer: ViewerFactory) -> None:
    viewer = new_viewer(acknowledge=False)
    publisher.advertise("/patient", STRING, depth=100)
    viewer.subscribe("/patient")
    publisher.match("/patient")
    # Never more at a time than the subscription's history holds.
    for first in range(0, 50, 10):
        publisher.publish("/patient", first=first, count=10)
        viewer.wait_messages("/patient", first + 10)
    channel = viewer.wait_channel("/patient")
    arrived = [decode(channel, m.data).data for m in viewer.messages("/patient")]
    assert arrived == [f"message {n}" for n in range(50)]


def test_a_stream_is_rotated_between_frames_and_nothing_is_lost(
    new_bridge: BridgeFactory, publisher: Publisher, new_viewer: ViewerFactory
) -> None:
    new_bridge({"stream_rotate_bytes": "4000000"})
    viewer = new_viewer()
    publisher.advertise("/image", IMAGE, depth=20)
    viewer.subscribe("/image")
    publisher.match("/image")
    for number in range(12):
        publisher.publish("/image", first=number)
        viewer.wait_messages("/image", number + 1)
    channel = viewer.channels()["/image"]
    for number, message in enumerate(viewer.messages("/image")):
        assert_same(decode(channel, message.data), build(IMAGE, number))
    streams = sorted({stream for stream, _ in viewer.received()})
    assert len(streams) >= 3
    viewer.wait_for(lambda: len(viewer.stream_ends()) == len(streams) - 1, "end of the rotated streams")
    assert [end.error for end in viewer.stream_ends()] == [None] * (len(streams) - 1)
    # A rotation is no new start.
    assert len(viewer.texts("serverInfo")) == 1


def test_closing_the_stream_and_opening_another_asks_for_everything_again(
    bridge: Bridge, publisher: Publisher, new_viewer: ViewerFactory
) -> None:
    publisher.advertise("/latched", STRING, latched=True, depth=1)
    publisher.publish("/latched", first=9)
    viewer = new_viewer()
    viewer.subscribe("/latched")
    viewer.wait_messages("/latched")
    viewer.close_stream()
    viewer.open_stream()
    viewer.ping()
    viewer.wait_text("serverInfo", 2)
    viewer.wait_text("advertise", 2)
    # Its subscriptions are kept: the latched message comes without asking.
    viewer.wait_messages("/latched", 2)


def test_a_slow_topic_is_not_starved_by_a_fast_one(viewer: Viewer, new_publisher: object) -> None:
    camera, state = new_publisher(), new_publisher()  # type: ignore[operator]
    camera.advertise("/camera", IMAGE, depth=5, reliable=False)
    state.advertise("/state", STRING, depth=100)
    viewer.subscribe("/camera", "/state")
    camera.match("/camera")
    state.match("/state")
    viewer.ping()
    for number in range(10):
        camera.publish("/camera", first=number, count=3)
        state.publish("/state", first=number)
    channel = viewer.channels()["/state"]
    arrived = [decode(channel, m.data).data for m in viewer.wait_messages("/state", 10)]
    assert arrived == [f"message {n}" for n in range(10)]


def test_a_viewer_that_starts_anew_does_not_disturb_another_that_shares_its_lanes(
    bridge: Bridge, publisher: Publisher, new_viewer: ViewerFactory
) -> None:
    broken, other = new_viewer(), new_viewer()
    publisher.advertise("/lane", STRING, depth=100)
    for viewer in (broken, other):
        viewer.wait_channel("/lane")
        viewer.open_stream({"streams": "many"})
        viewer.subscribe("/lane")
        viewer.ping()
    publisher.match("/lane")
    for first in range(0, 50, 10):
        publisher.publish("/lane", first=first, count=10)
        other.wait_messages("/lane", first + 10)
        if first == 20:
            # As a viewer does that has missed a chunk of one of its streams.
            broken.close_stream()
            broken.open_stream({"streams": "many"})
            broken.ping()
            broken.wait_text("serverInfo", 2)

    def numbers(viewer: Viewer) -> list[str]:
        channel = viewer.channels()["/lane"]
        return [decode(channel, m.data).data for m in viewer.messages("/lane")]

    assert numbers(other) == [f"message {n}" for n in range(50)]
    assert len(other.texts("serverInfo")) == 1
    assert [end.error for end in other.stream_ends() if end.error] == []
    broken.wait_for(lambda: numbers(broken)[-1] == "message 49", "last message")
    assert numbers(broken)[-20:] == [f"message {n}" for n in range(30, 50)]
