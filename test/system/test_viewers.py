"""Several viewers, and viewers that come and go."""

from __future__ import annotations

import pytest

from bridge_process import Bridge
from conftest import BridgeFactory, PublisherFactory, ViewerFactory
from decoding import decode
from processes import wait_until
from ros_side import Observer, Publisher
from viewer_client import Viewer


@pytest.fixture
def three_topics(publisher: Publisher) -> list[str]:
    """Topics with a publisher each."""
    topics = ["/one", "/two", "/three"]
    for topic in topics:
        publisher.advertise(topic, "std_msgs/msg/String", depth=100)
    return topics


def test_two_viewers_get_exactly_what_each_subscribed_to(
    bridge: Bridge, publisher: Publisher, three_topics: list[str], new_viewer: ViewerFactory
) -> None:
    left, right = new_viewer(), new_viewer()
    left.subscribe("/one", "/two")
    right.subscribe("/two", "/three")
    for topic in three_topics:
        publisher.match(topic)
    # Both viewers are subscribed before the first message, or the one that is late misses some.
    left.ping()
    right.ping()
    for topic in three_topics:
        publisher.publish(topic, count=20)
    for viewer, topics in ((left, ["/one", "/two"]), (right, ["/two", "/three"])):
        for topic in topics:
            assert len(viewer.wait_messages(topic, 20)) == 20
        viewer.ping()
        assert {t for t in three_topics if viewer.messages(t)} == set(topics)
        for topic in topics:
            channel = viewer.channels()[topic]
            data = [decode(channel, m.data).data for m in viewer.messages(topic)]
            assert data == [f"message {n}" for n in range(20)]


def test_a_viewer_learns_who_the_robot_is(viewer: Viewer, publisher: Publisher) -> None:
    publisher.advertise("/one", "std_msgs/msg/String")
    viewer.wait_channel("/one")
    assert viewer.received()[0][1]["op"] == "serverInfo"
    info = viewer.wait_text("serverInfo")
    assert info["name"]
    assert info["sessionId"]
    assert isinstance(info["capabilities"], list)
    assert isinstance(info["supportedEncodings"], list)


def test_a_viewer_whose_token_does_not_let_it_send_is_told(
    bridge: Bridge, publisher: Publisher, new_viewer: ViewerFactory
) -> None:
    publisher.advertise("/one", "std_msgs/msg/String")
    mute, other = new_viewer(may_send=False), new_viewer()
    assert "canPublishData" in mute.wait_status("the room does not let this viewer send data")
    # It can see what there is.
    mute.wait_channel("/one")
    other.wait_channel("/one")
    assert "may-not-send" not in other.statuses()


def test_a_viewer_that_leaves_and_rejoins_at_once_is_served_afresh(
    bridge: Bridge, publisher: Publisher, three_topics: list[str], new_viewer: ViewerFactory, observer: Observer
) -> None:
    for round_number in range(5):
        viewer = new_viewer("the same one")
        viewer.subscribe("/one")
        publisher.match("/one")
        viewer.ping()
        publisher.publish("/one", first=round_number)
        (message,) = viewer.wait_messages("/one")
        assert decode(viewer.channels()["/one"], message.data).data == f"message {round_number}"
        assert len(viewer.texts("serverInfo")) == 1
        viewer.leave()
    observer.wait_subscriptions("/one", 0)


def test_a_viewer_that_takes_over_the_identity_of_another_is_served(
    bridge: Bridge, publisher: Publisher, three_topics: list[str], new_viewer: ViewerFactory
) -> None:
    first = new_viewer("the same one")
    first.subscribe("/one")
    publisher.match("/one")
    # The server puts the first one out of the room.
    second = new_viewer("the same one")
    second.subscribe("/one")
    second.ping()
    publisher.match("/one")
    publisher.publish("/one", count=3)
    assert len(second.wait_messages("/one", 3)) == 3


def test_a_viewer_that_was_there_first_is_served(
    new_bridge: BridgeFactory, publisher: Publisher, three_topics: list[str], new_viewer: ViewerFactory
) -> None:
    viewers = [new_viewer() for _ in range(3)]
    new_bridge()
    for viewer in viewers:
        viewer.subscribe(*three_topics)
        viewer.ping()
    for topic in three_topics:
        publisher.match(topic)
        publisher.publish(topic)
        for viewer in viewers:
            viewer.wait_messages(topic)


def test_two_bridges_in_one_room_ignore_each_other(
    new_bridge: BridgeFactory, publisher: Publisher, three_topics: list[str], new_viewer: ViewerFactory, observer: Observer
) -> None:
    new_bridge({"identity": "robot-a", "name": "Robot A"}, ["-r", "__node:=bridge_a"])
    new_bridge({"identity": "robot-b", "name": "Robot B"}, ["-r", "__node:=bridge_b"])
    viewer = new_viewer()
    viewer.wait_text("serverInfo", 2)
    viewer.wait_text("advertise", 2)
    assert {info["name"] for info in viewer.texts("serverInfo")} == {"Robot A", "Robot B"}
    assert observer.subscriptions("/one") == []
    # With one bridge gone, the other serves on.
    viewer.ping()


def test_a_late_subscriber_of_a_latched_topic_gets_its_message(
    bridge: Bridge, publisher: Publisher, new_viewer: ViewerFactory, observer: Observer
) -> None:
    publisher.advertise("/latched", "std_msgs/msg/String", latched=True, depth=1)
    publisher.publish("/latched", first=3)
    first = new_viewer()
    first.subscribe("/latched")
    first.wait_messages("/latched")
    first.leave()
    observer.wait_subscriptions("/latched", 0)
    second = new_viewer()
    second.subscribe("/latched")
    (message,) = second.wait_messages("/latched")
    assert decode(second.channels()["/latched"], message.data).data == "message 3"


def test_a_later_viewer_sees_what_the_earlier_one_saw_of_a_publisher_that_is_gone(
    bridge: Bridge, new_publisher: PublisherFactory, new_viewer: ViewerFactory, observer: Observer
) -> None:
    gone, stays = new_publisher(), new_publisher()
    for number, publisher in enumerate((gone, stays)):
        publisher.advertise("/latched", "std_msgs/msg/String", latched=True, depth=1)
        publisher.publish("/latched", first=number)

    def texts(viewer: Viewer) -> set[str]:
        channel = viewer.channels()["/latched"]
        return {decode(channel, m.data).data for m in viewer.messages("/latched")}

    early = new_viewer()
    early.subscribe("/latched")
    early.wait_messages("/latched", 2)
    gone.close()
    wait_until(lambda: observer.node.count_publishers("/latched") == 1, "end of the publisher")
    late = new_viewer()
    late.subscribe("/latched")
    late.wait_messages("/latched", 2)
    assert texts(late) == texts(early) == {"message 0", "message 1"}
    # When nobody watches it is forgotten: the robot's publishers are asked anew.
    for viewer in (early, late):
        viewer.unsubscribe("/latched")
    observer.wait_subscriptions("/latched", 0)
    last = new_viewer()
    last.subscribe("/latched")
    last.wait_messages("/latched")
    last.ping()
    assert texts(last) == {"message 1"}


def join_at_once(new_viewer: ViewerFactory, name: str, robot: str) -> Viewer:
    """A viewer that opens its stream by itself, as the page does, and has its channels."""
    viewer = new_viewer(name)
    viewer.open_stream(robot=robot)
    viewer.send({"op": "subscribeConnectionGraph"})
    viewer.wait_channel("/alive")
    return viewer


def test_a_viewer_has_its_channels_before_the_server_tells_the_room_of_it(
    bridge: Bridge, new_viewer: ViewerFactory, publisher: Publisher
) -> None:
    publisher.advertise("/alive", "std_msgs/msg/String")
    witness = new_viewer("witness")
    witness.wait_channel("/alive")
    robot = witness.robot()

    def is_early(name: str) -> bool:
        join_at_once(new_viewer, name, robot)
        return name not in [change.identity for change in witness.room_changes("joined")]

    # By chance the server tells of some while they join, or of one to the robot before the witness.
    early = [is_early(f"viewer-{number}") for number in range(8)]
    assert early.count(True) >= 2, early


def test_viewers_that_the_room_never_told_of_are_forgotten(
    bridge: Bridge, new_viewer: ViewerFactory, publisher: Publisher
) -> None:
    publisher.advertise("/alive", "std_msgs/msg/String")
    witness = new_viewer("witness")
    witness.wait_channel("/alive")
    names = [f"brief-{number}" for number in range(6)]
    for name in names:
        join_at_once(new_viewer, name, witness.robot()).leave()
    for name in names:
        bridge.wait_output(f"viewer left identity={name}")
    told = [change.identity for change in witness.room_changes("joined")]
    assert not set(names) <= set(told), "the room told of all of them"
