"""Topics that drive the robot: a stop when the driver is gone, one driver at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from geometry_msgs.msg import Twist, TwistStamped
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import String

from bridge_process import Bridge
from client import mint_token
from conftest import BridgeFactory, ViewerFactory
from livekit_server import LiveKitServer
from processes import wait_until
from ros_side import Observer
from viewer_client import Viewer

TWIST = "geometry_msgs/msg/Twist"
STAMPED = "geometry_msgs/msg/TwistStamped"
TIMEOUT_MS = "700"
POSES, POSE_ARRAY = "/poses", "geometry_msgs/msg/PoseArray"


@pytest.fixture
def open_bridge(new_bridge: BridgeFactory) -> Bridge:
    """A bridge that lets viewers drive."""
    return new_bridge({"capabilities": "['clientPublish']", "command_timeout_ms": TIMEOUT_MS})


@pytest.fixture
def speeds(observer: Observer) -> list[float]:
    """The forward speeds that the robot is told."""
    heard: list[float] = []
    observer.create_subscription("/cmd_vel", TWIST, lambda message: heard.append(message.linear.x))
    return heard


def _twist(speed: float) -> bytes:
    message = Twist()
    message.linear.x = speed
    return serialize_message(message)


def _drive(viewer: Viewer, channel: int, speeds: list[float], speed: float = 0.5) -> None:
    """Publishes until the robot has heard it."""

    def heard() -> bool:
        viewer.publish(channel, _twist(speed))
        viewer.ping()
        return speed in speeds

    wait_until(heard, "command", pause=0.1)


def _wait_stop(speeds: list[float], count: int = 1) -> None:
    wait_until(lambda: speeds.count(0.0) >= count, "stop")
    assert speeds[-1] == 0.0


def test_a_driver_that_leaves_stops_the_robot_once(
    open_bridge: Bridge, new_viewer: ViewerFactory, observer: Observer, speeds: list[float]
) -> None:
    viewer = new_viewer()
    _drive(viewer, viewer.advertise("/cmd_vel", TWIST), speeds)
    viewer.leave()
    _wait_stop(speeds)
    # The publisher goes some seconds after its last user: by then a second stop would have come.
    wait_until(lambda: observer.node.count_publishers("/cmd_vel") == 0, "end of the publisher")
    assert speeds.count(0.0) == 1


def test_a_driver_that_is_silent_stops_the_robot_and_may_go_on(
    open_bridge: Bridge, new_viewer: ViewerFactory, speeds: list[float]
) -> None:
    viewer = new_viewer()
    channel = viewer.advertise("/cmd_vel", TWIST)
    for count in range(1, 4):
        _drive(viewer, channel, speeds, float(count))
        _wait_stop(speeds, count)
    assert speeds.count(0.0) == 3
    assert "no command for 700 ms" in viewer.wait_status("/cmd_vel: ")


def test_a_driver_that_unadvertises_stops_the_robot(open_bridge: Bridge, new_viewer: ViewerFactory, speeds: list[float]) -> None:
    viewer = new_viewer()
    channel = viewer.advertise("/cmd_vel", TWIST)
    _drive(viewer, channel, speeds)
    viewer.send({"op": "unadvertise", "channelIds": [channel]})
    _wait_stop(speeds)


def test_a_driver_that_loses_its_right_stops_the_robot_at_once_and_may_come_back(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, server: LiveKitServer, room: str, speeds: list[float]
) -> None:
    # Silence would not stop it.
    new_bridge({"capabilities": "['clientPublish']", "command_timeout_ms": "3600000"})
    viewer = new_viewer("anna")
    _drive(viewer, viewer.advertise("/cmd_vel", TWIST), speeds)
    server.let_send(room, "anna", False)
    _wait_stop(speeds)
    told = viewer.wait_status("the room does not let this viewer send data")
    assert "canPublishData" in told
    assert speeds.count(0.0) == 1
    server.let_send(room, "anna", True)
    viewer.wait_for(lambda: not any("canPublishData" in text for text in viewer.statuses().values()), "end of the status")
    # What the server dropped in between broke the stream to the robot.
    viewer.open_stream()
    _drive(viewer, viewer.advertise("/cmd_vel", TWIST), speeds, 0.25)
    assert speeds.count(0.0) == 1


def test_a_driver_that_is_removed_from_the_room_stops_the_robot_at_once(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, server: LiveKitServer, room: str, speeds: list[float]
) -> None:
    new_bridge({"capabilities": "['clientPublish']", "command_timeout_ms": "3600000"})
    viewer = new_viewer("anna")
    _drive(viewer, viewer.advertise("/cmd_vel", TWIST), speeds)
    server.remove(room, "anna")
    _wait_stop(speeds)
    assert speeds.count(0.0) == 1


def test_a_bridge_that_ends_stops_the_robot(new_bridge: BridgeFactory, new_viewer: ViewerFactory, speeds: list[float]) -> None:
    bridge = new_bridge({"capabilities": "['clientPublish']", "command_timeout_ms": "3600000"})
    viewer = new_viewer()
    _drive(viewer, viewer.advertise("/cmd_vel", TWIST), speeds)
    assert bridge.stop() == 0
    _wait_stop(speeds)


def test_one_drives_at_a_time_and_the_others_see_who(open_bridge: Bridge, new_viewer: ViewerFactory, speeds: list[float]) -> None:
    first, second = new_viewer("anna"), new_viewer("ben")
    channel = first.advertise("/cmd_vel", TWIST)
    other = second.advertise("/cmd_vel", TWIST)
    _drive(first, channel, speeds, 0.5)

    def refused() -> bool:
        first.publish(channel, _twist(0.5))
        second.publish(other, _twist(-0.5))
        second.ping()
        return any("/cmd_vel is driven by anna" in text for text in second.statuses().values())

    wait_until(refused, "refusal", pause=0.1)
    first.leave()
    _wait_stop(speeds)
    second.wait_for(lambda: not any("driven by" in text for text in second.statuses().values()), "end of the status")
    _drive(second, other, speeds, -0.5)


def test_people_at_the_robot_see_who_drives(new_bridge: BridgeFactory, new_viewer: ViewerFactory, observer: Observer) -> None:
    new_bridge({"capabilities": "['clientPublish']", "command_timeout_ms": TIMEOUT_MS, "diagnostics": "true"})
    arrays: list[Any] = []
    observer.create_subscription("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray", arrays.append)
    profile = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    lists = observer.subscribe_raw("/remote_access_bridge/viewers", "std_msgs/msg/String", profile)
    viewer = new_viewer("anna")
    channel = viewer.advertise("/cmd_vel", TWIST)

    def drives() -> tuple[Any, Any]:
        """What the list of viewers and what the diagnostics say."""
        listed = json.loads(deserialize_message(lists[-1], String).data)["viewers"] if lists else []
        statuses = arrays[-1].status if arrays else []
        anna = [status for status in statuses if status.name == "remote_access_bridge: viewer anna"]
        diagnosed = [each.value for status in anna for each in status.values if each.key == "drives"]
        return [each["drives"] for each in listed], diagnosed

    def driving() -> bool:
        viewer.publish(channel, _twist(0.5))
        viewer.ping()
        return drives() == ([["/cmd_vel"]], ["/cmd_vel"])

    wait_until(driving, "the driver's name", pause=0.1)
    # Silence ends it.
    wait_until(lambda: drives() == ([[]], [""]), "the end of driving")


def test_a_stop_of_a_stamped_type_has_time_and_frame(open_bridge: Bridge, new_viewer: ViewerFactory, observer: Observer) -> None:
    heard: list[Any] = []
    observer.create_subscription("/base/cmd_vel", STAMPED, heard.append)
    viewer = new_viewer()
    channel = viewer.advertise("/base/cmd_vel", STAMPED)
    command = TwistStamped()
    command.header.frame_id = "base_link"
    command.twist.angular.z = 1.0

    def driven() -> bool:
        viewer.publish(channel, serialize_message(command))
        viewer.ping()
        return bool(heard)

    wait_until(driven, "command", pause=0.1)
    wait_until(lambda: heard[-1].twist == Twist(), "stop")
    now = observer.node.get_clock().now().nanoseconds // 1_000_000_000
    assert abs(heard[-1].header.stamp.sec - now) < 300
    assert heard[-1].header.frame_id == "base_link"


@pytest.fixture
def doomed(open_bridge: Bridge, server: LiveKitServer, room: str) -> Iterator[subprocess.Popen[str]]:
    """A viewer in a process of its own that drives."""
    token = mint_token(server.key, server.secret, room, "doomed")
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).parents[1] / "support/doomed_driver.py"), "/cmd_vel"],
        env={**os.environ, "LIVEKIT_URL": server.url, "LIVEKIT_TOKEN": token, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate()


def test_a_driver_that_is_killed_stops_the_robot_long_before_the_room_notices(
    doomed: subprocess.Popen[str], new_viewer: ViewerFactory, speeds: list[float]
) -> None:
    watching = new_viewer()
    wait_until(lambda: len(speeds) > 5, "commands")
    doomed.kill()
    _wait_stop(speeds)
    assert not [change for change in watching.room_changes("left") if change.identity == "doomed"]
    assert speeds.count(0.0) == 1


def test_a_stop_does_not_wait_for_what_another_viewer_has_published(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, observer: Observer, speeds: list[float]
) -> None:
    new_bridge({"capabilities": "['clientPublish']", "command_timeout_ms": "3600000"})
    order: list[str] = []
    observer.create_subscription(POSES, POSE_ARRAY, lambda _: order.append("poses"), raw=True)
    observer.create_subscription("/cmd_vel", TWIST, lambda message: order.append("command" if message.linear.x else "stop"))
    driver, other = new_viewer("driver"), new_viewer("other")
    channel = other.advertise(POSES, POSE_ARRAY, encoding="json")
    wait_until(lambda: observer.node.count_publishers(POSES) == 1, "publisher of poses")
    commands = driver.advertise("/cmd_vel", TWIST)
    _drive(driver, commands, speeds)
    # Three bytes here become a pose of 56 bytes there, so that more is sent than the robot can make of it.
    large = b'{"poses":[' + b"{}," * 1_000_000 + b"{}]}"
    for _ in range(4):
        other.publish(channel, large)
    wait_until(lambda: "poses" in order, "the first poses")
    driver.send({"op": "unadvertise", "channelIds": [commands]})
    wait_until(lambda: order.count("poses") == 4, "all poses", pause=0.1)
    assert "stop" in order[: len(order) - order[::-1].index("poses")], order
