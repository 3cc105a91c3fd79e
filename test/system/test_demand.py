"""A ROS subscription exists while some viewer wants the topic, and at no other time."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from bridge_process import Bridge
from client import mint_token
from conftest import ViewerFactory
from livekit_server import LiveKitServer
from processes import ChildProcess, wait_until
from ros_side import Observer, Publisher
from viewer_client import Viewer

# The server takes up to 24 s to notice that a participant is dead.
DEATH_SECONDS = 120.0
TOPIC = "/wanted"


def test_there_is_no_subscription_before_the_first_viewer(
    bridge: Bridge, publisher: Publisher, observer: Observer, new_viewer: ViewerFactory
) -> None:
    publisher.advertise(TOPIC, "std_msgs/msg/String")
    viewer = new_viewer()
    viewer.wait_channel(TOPIC)
    viewer.ping()
    assert observer.subscriptions(TOPIC) == []
    viewer.subscribe(TOPIC)
    observer.wait_subscriptions(TOPIC, 1)


def test_unsubscribing_ends_the_subscription(viewer: Viewer, publisher: Publisher, observer: Observer) -> None:
    publisher.advertise(TOPIC, "std_msgs/msg/String")
    viewer.subscribe(TOPIC)
    observer.wait_subscriptions(TOPIC, 1)
    viewer.unsubscribe(TOPIC)
    observer.wait_subscriptions(TOPIC, 0)
    viewer.subscribe(TOPIC)
    observer.wait_subscriptions(TOPIC, 1)


def test_viewers_share_one_subscription_until_the_last_one_left(
    bridge: Bridge, publisher: Publisher, observer: Observer, new_viewer: ViewerFactory
) -> None:
    publisher.advertise(TOPIC, "std_msgs/msg/String")
    first, second = new_viewer(), new_viewer()
    for each in (first, second):
        each.subscribe(TOPIC)
        # The second one's wish is not seen in the subscriptions: the answer tells that it arrived.
        each.ping()
        publisher.match(TOPIC)
        publisher.publish(TOPIC)
        each.wait_messages(TOPIC)
    observer.wait_subscriptions(TOPIC, 1)
    first.leave()
    first_left = len(second.messages(TOPIC))
    publisher.publish(TOPIC, count=5)
    second.wait_messages(TOPIC, first_left + 5)
    observer.wait_subscriptions(TOPIC, 1)
    second.leave()
    observer.wait_subscriptions(TOPIC, 0)


def test_subscribing_twice_needs_unsubscribing_once(viewer: Viewer, publisher: Publisher, observer: Observer) -> None:
    publisher.advertise(TOPIC, "std_msgs/msg/String")
    viewer.subscribe(TOPIC)
    viewer.subscribe(TOPIC)
    publisher.match(TOPIC)
    publisher.publish(TOPIC, count=3)
    viewer.wait_messages(TOPIC, 3)
    viewer.ping()
    assert len(viewer.messages(TOPIC)) == 3
    observer.wait_subscriptions(TOPIC, 1)
    viewer.unsubscribe(TOPIC)
    observer.wait_subscriptions(TOPIC, 0)


def test_a_killed_viewer_ends_the_subscription(
    bridge: Bridge, publisher: Publisher, observer: Observer, server: LiveKitServer, room: str, tmp_path: Path
) -> None:
    publisher.advertise(TOPIC, "std_msgs/msg/String")
    token = mint_token(server.key, server.secret, room, "doomed")
    program = Path(__file__).parents[1] / "support/doomed_viewer.py"
    viewer = ChildProcess(
        "viewer",
        [sys.executable, str(program), TOPIC],
        tmp_path / "doomed.log",
        {"LIVEKIT_URL": server.url, "LIVEKIT_TOKEN": token, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        publisher.match(TOPIC)
        publisher.publish(TOPIC)
        wait_until(lambda: "received" in viewer.output(), "message at the doomed viewer")
        viewer.send_signal(signal.SIGKILL)
        observer.wait_subscriptions(TOPIC, 0, DEATH_SECONDS)
    finally:
        viewer.kill()
