"""The comparison with foxglove_bridge (docs/foxglove_bridge.md) is complete and names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

from geometry_msgs.msg import Vector3
from rclpy.serialization import serialize_message

from bridge_process import Bridge
from conftest import BridgeFactory, ViewerFactory
from processes import ROOT, wait_until
from ros_side import Observer, Publisher
from viewer_client import Viewer

DOCUMENT = ROOT / "docs/foxglove_bridge.md"
# The parameters in the README of foxglove_bridge (github.com/foxglove/foxglove-sdk, ros/src/foxglove_bridge).
PUBLISHED = [
    "port",
    "address",
    "topic_whitelist",
    "service_whitelist",
    "param_whitelist",
    "client_topic_whitelist",
    "capabilities",
    "asset_uri_allowlist",
    "num_threads",
    "min_qos_depth",
    "max_qos_depth",
    "best_effort_qos_topic_whitelist",
    "include_hidden",
    "disable_load_message",
    "ignore_unresponsive_param_nodes",
    "tls",
    "certfile",
    "keyfile",
    "use_sim_time",
    "sysinfo",
    "sysinfo_topic",
    "sysinfo_refresh_interval",
    "message_backlog_size",
    "remote_access",
    "device_token",
    "video_encoder",
    "max_data_track_message_size",
    "suppress_video_transcode_topic_whitelist",
    "publish_client_count",
]


def rows() -> list[list[str]]:
    """The cells of every row, without the heads."""
    lines = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if row[2] != "shown by"]


def test_every_row_names_tests_that_exist() -> None:
    assert len(rows()) > 30
    for row in rows():
        named = re.findall(r"`([\w/.]+)::(\w+)`", row[2])
        assert named, f"no test is named for {row[0]}"
        for file, test in named:
            path = ROOT / file if "/" in file else ROOT / ("test/system" if file.startswith("test_") else "test") / file
            pattern = rf"^(    )?(def|fn) {test}\(" if path.exists() else ""
            assert pattern, f"{file} does not exist"
            assert re.search(pattern, path.read_text(), re.MULTILINE), f"{file} has no {test}"


def test_every_published_parameter_has_a_row() -> None:
    named = {name for row in rows() for name in re.findall(r"`(\w+)`", row[0])}
    assert set(PUBLISHED) - named == set()


def test_threads_do_not_grow_with_topics(bridge: Bridge, viewer: Viewer, publisher: Publisher) -> None:
    def threads() -> int:
        return len(list(Path(f"/proc/{bridge.process.pid}/task").iterdir()))

    topics = [f"/topic_{number}" for number in range(40)]
    for topic in topics:
        publisher.advertise(topic, "std_msgs/msg/String")
    viewer.subscribe(topics[0])
    publisher.match(topics[0])
    before = threads()
    viewer.subscribe(*topics[1:])
    for topic in topics:
        publisher.match(topic)
        publisher.publish(topic)
        viewer.wait_messages(topic)
    assert threads() <= before + 2


def test_a_type_of_fixed_size_is_published(new_bridge: BridgeFactory, new_viewer: ViewerFactory, observer: Observer) -> None:
    """Such messages could be loaned from the middleware."""
    new_bridge({"capabilities": "['clientPublish']"})
    viewer = new_viewer()
    heard: list[Vector3] = []
    observer.create_subscription("/fixed", "geometry_msgs/msg/Vector3", heard.append)
    channel = viewer.advertise("/fixed", "geometry_msgs/msg/Vector3")
    message = Vector3(x=1.0, y=-2.0, z=0.5)

    def arrived() -> bool:
        # What is published before publisher and subscriber have met is lost, as it is everywhere in ROS.
        viewer.publish(channel, serialize_message(message))
        return bool(heard)

    wait_until(arrived, "message", pause=0.2)
    assert heard[0] == message
