"""What a publisher publishes arrives, complete and in order, and the advertised schema decodes it."""

from __future__ import annotations

import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.serialization import deserialize_message
from test_msgs.message_fixtures import get_test_msg

from decoding import assert_same, decode
from messages import build, message_class
from ros_side import Observer, Publisher
from viewer_client import Viewer

# Everything of test_msgs that the independent decoder can take apart; it has no wide strings.
TEST_MESSAGES = [
    "Arrays",
    "BasicTypes",
    "BoundedPlainSequences",
    "BoundedSequences",
    "Builtins",
    "Constants",
    "Defaults",
    "Empty",
    "MultiNested",
    "Nested",
    "Strings",
    "UnboundedSequences",
]


def receive(viewer: Viewer, publisher: Publisher, topic: str, type_name: str, count: int) -> list[bytes]:
    """Publishes and returns what the viewer got."""
    publisher.advertise(topic, type_name, depth=count)
    viewer.subscribe(topic)
    publisher.match(topic)
    publisher.publish(topic, count=count)
    messages = viewer.wait_messages(topic, count)
    viewer.ping()
    assert len(viewer.messages(topic)) == count
    return [message.data for message in messages]


@pytest.mark.parametrize("name", TEST_MESSAGES)
def test_every_kind_of_field_arrives(viewer: Viewer, publisher: Publisher, name: str) -> None:
    type_name = f"test_msgs/msg/{name}"
    count = len(get_test_msg(name))
    arrived = receive(viewer, publisher, "/fields", type_name, count)
    channel = viewer.channels()["/fields"]
    assert channel["schemaName"] == type_name
    for number, data in enumerate(arrived):
        assert_same(decode(channel, data), build(type_name, number))


def test_wide_strings_arrive(viewer: Viewer, publisher: Publisher) -> None:
    type_name = "test_msgs/msg/WStrings"
    count = len(get_test_msg("WStrings"))
    for number, data in enumerate(receive(viewer, publisher, "/wide", type_name, count)):
        assert deserialize_message(data, message_class(type_name)) == build(type_name, number)


def test_a_camera_image_of_one_megabyte_arrives(viewer: Viewer, publisher: Publisher) -> None:
    arrived = receive(viewer, publisher, "/camera", "sensor_msgs/msg/Image", 3)
    for number, data in enumerate(arrived):
        assert len(data) > 1_000_000
        assert_same(decode(viewer.channels()["/camera"], data), build("sensor_msgs/msg/Image", number))


def test_a_point_cloud_arrives(viewer: Viewer, publisher: Publisher) -> None:
    arrived = receive(viewer, publisher, "/points", "sensor_msgs/msg/PointCloud2", 3)
    for number, data in enumerate(arrived):
        assert_same(decode(viewer.channels()["/points"], data), build("sensor_msgs/msg/PointCloud2", number))


def test_latched_static_transforms_arrive_though_published_before(viewer: Viewer, publisher: Publisher) -> None:
    publisher.advertise("/tf_static", "tf2_msgs/msg/TFMessage", latched=True, depth=1)
    publisher.publish("/tf_static", first=7)
    viewer.subscribe("/tf_static")
    (message,) = viewer.wait_messages("/tf_static")
    assert_same(decode(viewer.channels()["/tf_static"], message.data), build("tf2_msgs/msg/TFMessage", 7))


def test_latched_messages_of_every_publisher_arrive(viewer: Viewer, new_publisher: object) -> None:
    publishers = [new_publisher(), new_publisher()]  # type: ignore[operator]
    for number, publisher in enumerate(publishers):
        publisher.advertise("/tf_static", "tf2_msgs/msg/TFMessage", latched=True, depth=1)
        publisher.publish("/tf_static", first=number)
    viewer.subscribe("/tf_static")
    channel = viewer.wait_channel("/tf_static")
    arrived = [decode(channel, message.data) for message in viewer.wait_messages("/tf_static", 2)]
    assert sorted(each.transforms[0].header.stamp.sec for each in arrived) == [0, 1]


def test_what_arrives_equals_what_a_raw_subscription_receives(viewer: Viewer, publisher: Publisher, observer: Observer) -> None:
    profile = QoSProfile(depth=50, durability=DurabilityPolicy.VOLATILE)
    raw = observer.subscribe_raw("/same", "test_msgs/msg/UnboundedSequences", profile)
    publisher.advertise("/same", "test_msgs/msg/UnboundedSequences", depth=50)
    viewer.subscribe("/same")
    publisher.match("/same", 2)
    publisher.publish("/same", count=20)
    arrived = viewer.wait_messages("/same", 20)
    viewer.wait_for(lambda: len(raw) == 20 or None, "the raw subscription's messages")
    kind = message_class("test_msgs/msg/UnboundedSequences")
    for message, reference in zip(arrived, raw, strict=True):
        assert len(message.data) == len(reference)
        assert deserialize_message(message.data, kind) == deserialize_message(reference, kind)


def test_messages_arrive_in_order_and_none_is_missing(viewer: Viewer, publisher: Publisher) -> None:
    count = 500
    # Deep enough for all of them: nothing here may be dropped for a reason of its own.
    publisher.advertise("/order", "std_msgs/msg/String", depth=1000)
    viewer.subscribe("/order")
    publisher.match("/order")
    for first in range(0, count, 10):
        publisher.publish("/order", first=first, count=10)
        viewer.wait_messages("/order", first + 10)
    channel = viewer.channels()["/order"]
    messages = viewer.messages("/order")
    assert [decode(channel, m.data).data for m in messages] == [f"message {n}" for n in range(count)]
    times = [m.log_time for m in messages]
    assert times == sorted(times)


def test_both_shapes_of_subscribe_are_understood(viewer: Viewer, publisher: Publisher) -> None:
    for topic, with_options in (("/old", False), ("/new", True)):
        publisher.advertise(topic, "std_msgs/msg/String")
        viewer.subscribe(topic, with_options=with_options)
        publisher.match(topic)
        publisher.publish(topic)
        viewer.wait_messages(topic)
