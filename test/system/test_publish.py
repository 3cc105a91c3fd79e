"""Viewers publish on the robot: any type, any size, in CDR and JSON, where it is allowed."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from rclpy.duration import Duration
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message

from bridge_process import Bridge
from conftest import BridgeFactory, ViewerFactory
from messages import build
from processes import wait_until
from ros_side import Observer, Publisher
from viewer_client import Viewer

STRING = "std_msgs/msg/String"


@pytest.fixture
def open_bridge(new_bridge: BridgeFactory) -> Bridge:
    """A bridge that lets viewers publish."""
    return new_bridge({"capabilities": "['clientPublish']"})


@pytest.fixture
def publishing(open_bridge: Bridge, new_viewer: ViewerFactory) -> Viewer:
    """A viewer beside it."""
    return new_viewer()


def _matched(observer: Observer, topic: str) -> None:
    wait_until(lambda: observer.node.count_publishers(topic) == 1, f"a publisher on {topic}")


def _heard(observer: Observer, topic: str, type_name: str) -> list[Any]:
    heard: list[Any] = []
    observer.create_subscription(topic, type_name, heard.append)
    return heard


def _publish_until_heard(viewer: Viewer, channel: int, data: bytes, heard: list[Any], pause: float = 0.2) -> Any:
    """What is published before publisher and subscriber have met is lost, as it is everywhere in ROS."""
    count = len(heard)

    def arrived() -> bool:
        viewer.publish(channel, data)
        viewer.ping()
        return len(heard) > count

    wait_until(arrived, "message", pause=pause)
    return heard[-1]


# Lichtblick's and Foxglove's 3D panels leave the part in the middle out.
@pytest.mark.parametrize(("encoding", "kind"), [("cdr", STRING), ("json", STRING), ("json", "std_msgs/String")])
def test_messages_reach_ros_nodes(publishing: Viewer, observer: Observer, encoding: str, kind: str) -> None:
    heard = _heard(observer, "/chat", STRING)
    channel = publishing.advertise("/chat", kind, encoding)
    data = serialize_message(build(STRING, 5)) if encoding == "cdr" else json.dumps({"data": "message 5"}).encode()
    assert _publish_until_heard(publishing, channel, data, heard).data == "message 5"
    info = publishing.texts("serverInfo")[0]
    assert info["capabilities"] == ["clientPublish"]
    assert info["supportedEncodings"] == ["cdr", "json"]


def test_a_large_message_of_a_nested_type_arrives_whole(publishing: Viewer, observer: Observer) -> None:
    heard = _heard(observer, "/picture", "sensor_msgs/msg/Image")
    channel = publishing.advertise("/picture", "sensor_msgs/msg/Image")
    image = build("sensor_msgs/msg/Image", 7)
    image.data = image.data * 12
    image.height *= 12
    data = serialize_message(image)
    assert len(data) > 12_000_000
    # A viewer that sends more than 8 MB/s for long has its stream ended.
    assert _publish_until_heard(publishing, channel, data, heard, pause=2.0) == image


@pytest.mark.parametrize(
    "profile",
    [
        QoSProfile(depth=5, durability=DurabilityPolicy.TRANSIENT_LOCAL),
        QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT),
        QoSProfile(depth=5, deadline=Duration(seconds=2)),
    ],
    ids=["latched", "best effort", "deadline"],
)
def test_subscriptions_that_ask_for_more_are_reached(publishing: Viewer, observer: Observer, profile: QoSProfile) -> None:
    heard = observer.subscribe_raw("/asking", STRING, profile)
    channel = publishing.advertise("/asking", STRING)
    _publish_until_heard(publishing, channel, serialize_message(build(STRING, 1)), heard)
    # One that asks for nothing, and comes later, is reached too.
    plain = _heard(observer, "/asking", STRING)
    _publish_until_heard(publishing, channel, serialize_message(build(STRING, 2)), plain)


def test_a_subscription_that_comes_later_and_asks_for_more_is_reached_too(publishing: Viewer, observer: Observer) -> None:
    channel = publishing.advertise("/asking", STRING)
    _matched(observer, "/asking")
    plain = _heard(observer, "/asking", STRING)
    _publish_until_heard(publishing, channel, serialize_message(build(STRING, 1)), plain)
    profile = QoSProfile(depth=5, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    demanding = observer.subscribe_raw("/asking", STRING, profile)
    for number in range(2, 1000):
        publishing.publish(channel, serialize_message(build(STRING, number)))
        wait_until(lambda number=number: plain[-1].data == f"message {number}", f"message {number}")
        if demanding:
            break
        time.sleep(0.1)
    assert demanding
    # The first one missed nothing while the publisher was replaced, and the old one ends.
    numbers = [int(message.data.split()[1]) for message in plain]
    assert sorted(set(numbers)) == list(range(1, numbers[-1] + 1))
    _matched(observer, "/asking")


def test_a_latched_topic_stays_latched_beside_a_viewer(
    publishing: Viewer, publisher: Publisher, observer: Observer, new_viewer: ViewerFactory
) -> None:
    publisher.advertise("/map", STRING, latched=True)
    publisher.publish("/map", first=1)
    publishing.wait_channel("/map")
    wait_until(lambda: observer.node.count_publishers("/map") == 1, "the robot's publisher")
    publishing.advertise("/map", STRING)
    wait_until(lambda: observer.node.count_publishers("/map") == 2, "the viewer's publisher")
    durabilities = {info.qos_profile.durability for info in observer.node.get_publishers_info_by_topic("/map")}
    assert durabilities == {DurabilityPolicy.TRANSIENT_LOCAL}
    late = new_viewer()
    late.subscribe("/map")
    late.wait_messages("/map")


def test_what_is_no_message_of_the_type_does_not_reach_ros(publishing: Viewer, observer: Observer) -> None:
    heard = _heard(observer, "/chat", STRING)
    channel = publishing.advertise("/chat", STRING)
    good = serialize_message(build(STRING, 1))
    _publish_until_heard(publishing, channel, good, heard)
    count = len(heard)
    for bad in [b"", good[:-1], b"\x00\x01\x00\x00\xff\xff\xff\xff"]:
        publishing.publish(channel, bad)
    text = publishing.wait_status("a message for /chat was not published")
    assert "std_msgs/msg/String" in text
    _publish_until_heard(publishing, channel, serialize_message(build(STRING, 2)), heard)
    assert {message.data for message in heard[count:]} == {"message 2"}


def test_what_cannot_be_published_is_told(publishing: Viewer, publisher: Publisher) -> None:
    publisher.advertise("/taken", STRING)
    publishing.wait_channel("/taken")
    publishing.advertise("/unknown", "no_such_msgs/msg/Type")
    publishing.wait_status("cannot publish on /unknown: ")
    publishing.advertise("/taken", "std_msgs/msg/Int32")
    publishing.wait_status("cannot publish on /taken: the topic has the type std_msgs/msg/String")
    # The topic is still there for those who watch it.
    publishing.subscribe("/taken")
    publisher.match("/taken")
    publisher.publish("/taken")
    publishing.wait_messages("/taken")


def test_nobody_publishes_unless_it_is_allowed(bridge: Bridge, new_viewer: ViewerFactory, observer: Observer) -> None:
    viewer = new_viewer()
    channel = viewer.advertise("/chat", STRING)
    text = viewer.wait_status("publishing is not allowed")
    assert '"clientPublish"' in text
    assert "`capabilities`" in text
    viewer.publish(channel, serialize_message(build(STRING, 1)))
    viewer.ping()
    assert observer.node.count_publishers("/chat") == 0


def test_the_whitelist_of_client_topics_holds(new_bridge: BridgeFactory, new_viewer: ViewerFactory, observer: Observer) -> None:
    new_bridge({"capabilities": "['clientPublish']", "client_topic_whitelist": "['/chat.*']"})
    viewer = new_viewer()
    viewer.advertise("/secret", STRING)
    assert "`client_topic_whitelist`" in viewer.wait_status("publishing on /secret is not allowed")
    # Names that ROS would complete could get around the whitelist.
    viewer.advertise("secret", STRING)
    viewer.wait_status("publishing on secret is not allowed")
    viewer.advertise("/chat/one", STRING)
    _matched(observer, "/chat/one")
    assert observer.node.count_publishers("/secret") == 0


def test_viewers_share_a_publisher_that_ends_after_the_last(
    open_bridge: Bridge, new_viewer: ViewerFactory, observer: Observer
) -> None:
    first, second = new_viewer(), new_viewer()
    heard = _heard(observer, "/chat", STRING)
    for viewer in (first, second):
        channel = viewer.advertise("/chat", STRING)
        _publish_until_heard(viewer, channel, serialize_message(build(STRING, 1)), heard)
    assert observer.node.count_publishers("/chat") == 1
    first.leave()
    second.send({"op": "unadvertise", "channelIds": [channel]})
    wait_until(lambda: observer.node.count_publishers("/chat") == 0, "end of the publisher")
