"""What the bridge tells people on the robot about itself, and viewers about problems of the robot."""

from __future__ import annotations

import json
from typing import Any

from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.serialization import deserialize_message
from std_msgs.msg import String

from conftest import BridgeFactory, PublisherFactory, ViewerFactory
from processes import wait_until
from ros_side import Observer, Publisher

STRING = "std_msgs/msg/String"


def _status(arrays: list[Any], name: str) -> dict[str, str]:
    """The values of the latest status of a name."""
    found: dict[str, str] = {}
    for array in arrays:
        for status in array.status:
            if status.name == f"remote_access_bridge: {name}":
                found = {each.key: each.value for each in status.values} | {"message": status.message}
    return found


def test_diagnostics_and_the_list_of_viewers_tell_who_watches_what(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, publisher: Publisher, observer: Observer
) -> None:
    new_bridge({"diagnostics": "true"})
    arrays: list[Any] = []
    observer.create_subscription("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray", arrays.append)
    publisher.advertise("/here", STRING)
    viewer = new_viewer("anna")
    viewer.subscribe("/here")
    publisher.match("/here")
    publisher.publish("/here", count=3)
    viewer.wait_messages("/here", 3)
    wait_until(lambda: _status(arrays, "viewer anna").get("messages sent") == "3", "figures of the viewer")
    assert _status(arrays, "session")["viewers"] == "1"
    path = _status(arrays, "path")
    assert path["kind"] == "udp"
    assert int(path["sent bytes"]) > 0
    assert float(path["round trip"].split()[0]) > 0
    assert _status(arrays, "viewer anna")["watches"] == "1"
    assert _status(arrays, "topics")["/here"] == "1 viewers, 3 messages received, 3 sent, 0 dropped"

    # One who comes later gets the list at once: it is latched.
    profile = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    lists = observer.subscribe_raw("/remote_access_bridge/viewers", STRING, profile)
    links = observer.subscribe_raw("/remote_access_bridge/connection", STRING, profile)

    def viewers() -> list[Any]:
        return json.loads(deserialize_message(lists[-1], String).data)["viewers"] if lists else []

    wait_until(lambda: [(each["name"], each["watches"]) for each in viewers()] == [("anna", ["/here"])], "the list")
    wait_until(lambda: len(links) >= 2, "the connection, once a second")
    link = json.loads(deserialize_message(links[-1], String).data)
    assert (link["state"], link["connections"], link["viewers"], link["path"]["kind"]) == ("up", 1, 1, "udp")
    # Pings and Pongs alone are some hundred bytes a second.
    assert link["path"]["sent_bytes_per_second"] > 0
    viewer.leave()
    wait_until(lambda: viewers() == [] and _status(arrays, "session")["viewers"] == "0", "the end of the viewer")


def test_a_topic_of_mixed_types_is_a_status_until_it_is_solved(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, new_publisher: PublisherFactory
) -> None:
    new_bridge()
    one, other = new_publisher(), new_publisher()
    viewer = new_viewer()
    one.advertise("/mixed", STRING)
    viewer.wait_channel("/mixed")
    other.advertise("/mixed", "sensor_msgs/msg/Image")
    viewer.wait_status("/mixed cannot be offered: ")
    # Those who come later are told too.
    late = new_viewer()
    late.wait_status("/mixed cannot be offered: ")
    other.withdraw("/mixed")
    viewer.wait_channel("/mixed")
    viewer.wait_for(lambda: "topic-/mixed" not in viewer.statuses(), "end of the status")
