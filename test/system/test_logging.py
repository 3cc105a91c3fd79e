"""The bridge logs as ROS nodes do: levels, the console's form, /rosout."""

from __future__ import annotations

import os

import pytest
from rcl_interfaces.msg import Log
from rclpy.qos import DurabilityPolicy, QoSProfile

from bridge_process import Bridge
from conftest import BridgeFactory, ViewerFactory
from livekit_server import LiveKitServer
from processes import wait_until
from ros_side import Observer, Publisher

NAME = "remote_access_bridge"


def test_the_console_has_the_form_of_ros(bridge: Bridge) -> None:
    bridge.wait_output("joined the room")
    (line, *_) = [line for line in bridge.output().splitlines() if "joined the room" in line]
    assert line.startswith("[INFO] [")
    assert "] [remote_access_bridge]: joined the room" in line


def test_the_start_names_the_middleware_and_the_domain(new_bridge: BridgeFactory, server: LiveKitServer) -> None:
    bridge = new_bridge(environment={**Bridge.credentials(server), "ROS_DOMAIN_ID": "7"})
    bridge.wait_output("joined the room")
    (line, *_) = [line for line in bridge.output().splitlines() if "bridging topics" in line]
    middleware = os.environ.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp")
    assert f'middleware="{middleware}" domain=7' in line


@pytest.mark.parametrize("level", ["debug", "remote_access_bridge:=debug"])
def test_the_level_is_that_of_the_command_line(new_bridge: BridgeFactory, level: str) -> None:
    bridge = new_bridge(ros_arguments=["--log-level", level])
    bridge.wait_output("joined the room")
    bridge.wait_output("[DEBUG]")


def test_less_is_logged_if_asked(new_bridge: BridgeFactory, new_viewer: ViewerFactory) -> None:
    bridge = new_bridge(ros_arguments=["--log-level", "error"])
    new_viewer().wait_text("serverInfo")
    assert "[INFO]" not in bridge.output()


def test_rust_log_wins(new_bridge: BridgeFactory, server: LiveKitServer) -> None:
    environment = {**Bridge.credentials(server), "RUST_LOG": "info"}
    bridge = new_bridge(ros_arguments=["--log-level", "error"], environment=environment)
    bridge.wait_output("joined the room")


def test_rosout_has_what_is_logged_and_a_viewer_of_it_makes_no_loop(
    new_bridge: BridgeFactory, observer: Observer, publisher: Publisher, new_viewer: ViewerFactory
) -> None:
    heard: list[str] = []

    def hear(log: Log) -> None:
        if log.name == NAME:
            heard.append(log.msg)

    observer.node.create_subscription(Log, "/rosout", hear, QoSProfile(depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    # Whatever is logged about a message on its way to the viewer is on the way to the viewer itself.
    new_bridge(ros_arguments=["--log-level", "debug"])
    viewer = new_viewer()
    viewer.subscribe("/rosout")
    wait_until(lambda: any("joined the room" in text for text in heard), "the log on /rosout", seconds=60)
    publisher.advertise("/chatter", "std_msgs/msg/String")
    viewer.subscribe("/chatter")
    publisher.match("/chatter")
    before = len(heard)
    for number in range(0, 50, 10):
        publisher.publish("/chatter", number, count=10)
        viewer.wait_messages("/chatter", number + 10)
    assert len(heard) - before < 50
