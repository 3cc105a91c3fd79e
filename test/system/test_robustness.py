"""Nodes that crash and come back as something else, and logs that must not feed on themselves."""

from __future__ import annotations

from rcl_interfaces.msg import Log
from rclpy.serialization import deserialize_message

from bridge_process import Bridge
from conftest import BridgeFactory, PeerFactory, PublisherFactory, ViewerFactory
from decoding import decode
from livekit_server import LiveKitServer
from processes import wait_until
from ros_side import Observer, Peer, Publisher
from viewer_client import Viewer

STRING = "std_msgs/msg/String"
# Until the middleware gives up a participant that did not say goodbye.
DEATH_SECONDS = 120.0


def _arrives(viewer: Viewer, publisher: Publisher, topic: str, number: int) -> None:
    """A message of now arrives, over whatever channel the topic has now."""

    def arrived() -> bool:
        channel = viewer.channels().get(topic)
        if channel is None:
            return False
        viewer.subscribe(topic)
        publisher.publish(topic, first=number)
        viewer.ping()
        received = [message for message in viewer.messages(topic) if message.channel_id == channel["id"]]
        return f"message {number}" in [decode(channel, message.data).data for message in received]

    wait_until(arrived, f"message {number} on {topic}", DEATH_SECONDS, pause=0.2)


def test_a_node_that_crashes_may_come_back_with_another_qos_and_type(
    bridge: Bridge, new_viewer: ViewerFactory, new_publisher: PublisherFactory, observer: Observer
) -> None:
    first, viewer = new_publisher(), new_viewer()
    for topic, latched in [("/less", True), ("/more", False), ("/other", False), ("/gone", False)]:
        first.advertise(topic, STRING if topic != "/other" else "sensor_msgs/msg/Image", latched=latched)
    for number, topic in enumerate(["/less", "/more"]):
        _arrives(viewer, first, topic, number)
    before = viewer.wait_channel("/other")["id"]
    viewer.subscribe("/other", "/gone")
    observer.wait_subscriptions("/gone", 1)
    first.kill()
    second = new_publisher()
    second.advertise("/less", STRING, reliable=False)
    second.advertise("/more", STRING, latched=True)
    second.advertise("/other", STRING)
    # At once, while the middleware still takes the dead for alive.
    for number, topic in enumerate(["/less", "/more"], 10):
        _arrives(viewer, second, topic, number)
    # One topic with two types is none, until one of the two is given up.
    viewer.wait_status("/other cannot be offered: ")
    wait_until(lambda: "/gone" not in viewer.channels(), "the end of what has gone", DEATH_SECONDS)
    _arrives(viewer, second, "/other", 20)
    assert viewer.channels()["/other"]["id"] != before
    assert "topic-/other" not in viewer.statuses()
    observer.wait_subscriptions("/gone", 0)
    # All publishers of the topic are latched now: who comes later gets what was published.
    late = new_viewer()
    late.subscribe("/more")
    late.wait_messages("/more")


def test_logs_that_a_viewer_watches_do_not_cause_more_logs(
    new_bridge: BridgeFactory, server: LiveKitServer, new_viewer: ViewerFactory, peer: Peer
) -> None:
    new_bridge(environment={**Bridge.credentials(server), "RUST_LOG": "debug"})
    viewer = new_viewer()
    viewer.subscribe("/rosout")

    def logs() -> list[Log]:
        return [deserialize_message(message.data, Log) for message in viewer.messages("/rosout")]

    def heard() -> bool:
        peer.run('node.get_logger().info("here I am")')
        return any(log.msg == "here I am" for log in logs())

    wait_until(heard, "the log", pause=0.2)
    viewer.ping()
    own = [log.msg for log in logs() if log.name == "remote_access_bridge"]
    for _ in range(20):
        peer.run('node.get_logger().info("once more")')
        viewer.ping()
    viewer.wait_for(lambda: [log.msg for log in logs()].count("once more") == 20, "twenty logs")
    assert [log.msg for log in logs() if log.name == "remote_access_bridge"] == own


def test_a_node_that_crashes_and_comes_back_has_its_parameters_again(
    bridge: Bridge, new_viewer: ViewerFactory, new_peer: PeerFactory
) -> None:
    first = new_peer("again")
    first.run('node.declare_parameter("life", 1)')
    viewer = new_viewer()

    def life() -> object:
        return viewer.parameters("/again.life").get("/again.life", {}).get("value")

    wait_until(lambda: life() == 1, "the parameter", pause=0.2)
    first.kill()
    new_peer("again").run('node.declare_parameter("life", 2)')
    wait_until(lambda: life() == 2, "the parameter of the second life", DEATH_SECONDS, pause=0.5)
