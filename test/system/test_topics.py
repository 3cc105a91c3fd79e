"""Topics that come, go and change; which ones are advertised; the quality of service."""

from __future__ import annotations

import pytest
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from bridge_process import Bridge
from conftest import BridgeFactory, PublisherFactory, ViewerFactory
from ros_side import Observer, Publisher
from viewer_client import Viewer

STRING = "std_msgs/msg/String"


def test_fifty_topics_come_and_go(viewer: Viewer, new_publisher: PublisherFactory) -> None:
    topics = {f"/many/topic_{number}" for number in range(50)}
    for _ in range(2):
        publisher = new_publisher()
        for topic in sorted(topics):
            publisher.advertise(topic, STRING)
        viewer.wait_for(lambda: topics <= viewer.channels().keys(), "50 topics")
        publisher.close()
        viewer.wait_for(lambda: not topics & viewer.channels().keys(), "end of 50 topics")
    ids = [c["id"] for m in viewer.texts("advertise") for c in m["channels"]]
    assert len(ids) == len(set(ids))


def test_fifty_subscribed_topics_come_and_go(viewer: Viewer, new_publisher: PublisherFactory, observer: Observer) -> None:
    topics = [f"/many/topic_{number}" for number in range(50)]
    publisher = new_publisher()
    for topic in topics:
        publisher.advertise(topic, STRING)
    viewer.subscribe(*topics)
    for topic in topics:
        publisher.match(topic)
        publisher.publish(topic)
    for topic in topics:
        viewer.wait_messages(topic)
    publisher.close()
    viewer.wait_for(lambda: not set(topics) & viewer.channels().keys(), "end of 50 topics")
    for topic in topics:
        observer.wait_subscriptions(topic, 0)


def test_a_topic_that_comes_back_can_be_subscribed_again(viewer: Viewer, publisher: Publisher) -> None:
    for number in range(3):
        publisher.advertise("/back", STRING)
        viewer.subscribe("/back")
        publisher.match("/back")
        publisher.publish("/back", first=number)
        viewer.wait_messages("/back", number + 1)
        publisher.withdraw("/back")
        viewer.wait_for(lambda: "/back" not in viewer.channels(), "end of /back")


def test_a_topic_that_changes_its_type_gets_another_id(viewer: Viewer, new_publisher: PublisherFactory) -> None:
    publisher = new_publisher()
    publisher.advertise("/changing", STRING)
    before = viewer.wait_channel("/changing")
    publisher.withdraw("/changing")
    # Of another process: one that is busy may still have the topic of the first type, and Fast DDS refuses a second.
    new_publisher().advertise("/changing", "test_msgs/msg/BasicTypes")
    viewer.wait_for(
        lambda: viewer.channels().get("/changing", {}).get("schemaName") == "test_msgs/msg/BasicTypes", "the new type"
    )
    assert viewer.channels()["/changing"]["id"] != before["id"]


def test_the_allow_list_decides_what_is_advertised(
    new_bridge: BridgeFactory, publisher: Publisher, new_viewer: ViewerFactory
) -> None:
    new_bridge({"topic_whitelist": '["/camera/.*", "/odom"]'})
    viewer = new_viewer()
    for topic in ("/camera/image", "/camera", "/odom", "/odometry", "/other"):
        publisher.advertise(topic, STRING)
    publisher.advertise("/camera/last", STRING)
    viewer.wait_channel("/camera/last")
    assert viewer.channels().keys() == {"/camera/image", "/odom", "/camera/last"}


@pytest.mark.parametrize("shown", [False, True])
def test_hidden_topics_are_advertised_only_when_asked_for(
    new_bridge: BridgeFactory, publisher: Publisher, new_viewer: ViewerFactory, shown: bool
) -> None:
    new_bridge({"include_hidden": str(shown).lower(), "topic_whitelist": '[".*hidden.*", "/last"]'})
    viewer = new_viewer()
    publisher.advertise("/_hidden", STRING)
    publisher.advertise("/robot/_private/hidden", STRING)
    publisher.advertise("/last", STRING)
    if shown:
        viewer.wait_channel("/_hidden")
        viewer.wait_channel("/robot/_private/hidden")
    viewer.wait_channel("/last")
    viewer.ping()
    assert ("/_hidden" in viewer.channels()) == shown


@pytest.mark.parametrize("reliable", [True, False])
@pytest.mark.parametrize("latched", [True, False])
def test_the_subscription_matches_its_publisher(
    viewer: Viewer, publisher: Publisher, observer: Observer, reliable: bool, latched: bool
) -> None:
    publisher.advertise("/qos", STRING, reliable=reliable, latched=latched)
    viewer.subscribe("/qos")
    publisher.match("/qos")
    publisher.publish("/qos")
    viewer.wait_messages("/qos")
    (info,) = observer.wait_subscriptions("/qos", 1)
    profile = info.qos_profile
    assert (profile.reliability == ReliabilityPolicy.RELIABLE) == reliable
    assert (profile.durability == DurabilityPolicy.TRANSIENT_LOCAL) == latched


def test_a_best_effort_publisher_that_comes_later_is_heard(viewer: Viewer, new_publisher: PublisherFactory) -> None:
    first, second = new_publisher(), new_publisher()
    first.advertise("/mixed", STRING, reliable=True)
    viewer.subscribe("/mixed")
    first.match("/mixed")
    second.advertise("/mixed", STRING, reliable=False)
    second.match("/mixed")
    second.publish("/mixed", first=5)
    viewer.wait_messages("/mixed")
    first.match("/mixed")
    first.publish("/mixed", first=6)
    viewer.wait_messages("/mixed", 2)


def test_a_forced_best_effort_topic_is_subscribed_so(
    new_bridge: BridgeFactory, publisher: Publisher, new_viewer: ViewerFactory, observer: Observer
) -> None:
    new_bridge({"best_effort_qos_topic_whitelist": '["/forced"]'})
    viewer = new_viewer()
    publisher.advertise("/forced", STRING, reliable=True)
    viewer.subscribe("/forced")
    (info,) = observer.wait_subscriptions("/forced", 1)
    assert info.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT


def test_a_mixed_topic_does_not_disturb_the_others(
    bridge: Bridge, new_publisher: PublisherFactory, new_viewer: ViewerFactory
) -> None:
    first, second = new_publisher(), new_publisher()
    first.advertise("/two_types", STRING)
    second.advertise("/two_types", "test_msgs/msg/BasicTypes")
    first.advertise("/fine", STRING)
    viewer = new_viewer()
    viewer.subscribe("/fine")
    first.match("/fine")
    first.publish("/fine")
    viewer.wait_messages("/fine")
    bridge.wait_output("/two_types")
