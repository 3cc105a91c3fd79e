"""What does not work on the robot: told to viewers once, in diagnostics, and without harm to the rest."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from rclpy.serialization import serialize_message
from std_srvs.srv import Trigger

from bridge_process import Bridge
from conftest import BridgeFactory, PeerFactory, PublisherFactory, ViewerFactory
from livekit_server import LiveKitServer
from processes import wait_until
from ros_side import Observer, Peer, Publisher
from viewer_client import Viewer

STRING = "std_msgs/msg/String"
INDEX = Path("share/ament_index/resource_index/packages")
OFFER = """
from {package}.srv import {name}
service = node.create_service({name}, "{service}", lambda request, response: response)
"""


@pytest.fixture
def problems(observer: Observer) -> Any:
    """What the latest diagnostics say of problems: text by name."""
    arrays: list[Any] = []
    observer.create_subscription("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray", arrays.append)

    def latest() -> dict[str, str]:
        for status in arrays[-1].status if arrays else []:
            if status.name == "remote_access_bridge: problems":
                found = {each.key: each.value for each in status.values}
                assert (status.level == b"\x00") == (not found)
                return found
        return {}

    return latest


def _times_told(viewer: Viewer, text: str) -> int:
    return len([status for status in viewer.texts("status") if text in status["message"]])


def test_a_service_of_mixed_types_is_told_until_it_is_solved(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, new_peer: PeerFactory, problems: Any
) -> None:
    new_bridge({"capabilities": "['services']", "diagnostics": "true"})
    one, other = new_peer("one"), new_peer("other")
    viewer = new_viewer()
    one.run(OFFER.format(package="std_srvs", name="Trigger", service="/mixed"))
    one.run(OFFER.format(package="std_srvs", name="Trigger", service="/fine"))
    before = viewer.wait_service("/mixed")["id"]
    other.run(OFFER.format(package="std_srvs", name="Empty", service="/mixed"))
    text = viewer.wait_status("/mixed cannot be offered: ")
    assert "std_srvs/srv/Empty, std_srvs/srv/Trigger" in text
    viewer.wait_for(lambda: "/mixed" not in viewer.services(), "withdrawal of /mixed")
    wait_until(lambda: problems() == {"service-/mixed": text}, "the problem in diagnostics")
    # Other changes of the graph do not tell it again, and the rest works.
    one.run(OFFER.format(package="std_srvs", name="Trigger", service="/later"))
    viewer.wait_service("/later")
    viewer.call("/fine", serialize_message(Trigger.Request()))
    assert _times_told(viewer, "/mixed cannot be offered") == 1
    new_viewer().wait_status("/mixed cannot be offered: ")
    other.close()
    service = viewer.wait_service("/mixed")
    assert service["type"] == "std_srvs/srv/Trigger"
    assert service["id"] != before
    viewer.wait_for(lambda: "service-/mixed" not in viewer.statuses(), "end of the status")
    wait_until(lambda: problems() == {}, "end of the problem in diagnostics")


def test_a_service_that_does_not_answer_is_told_once_until_it_does(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, peer: Peer, problems: Any
) -> None:
    new_bridge({"capabilities": "['services']", "diagnostics": "true", "service_timeout_ms": "700"})
    caller, other = new_viewer(), new_viewer()
    peer.run(OFFER.format(package="std_srvs", name="Trigger", service="/work"))
    service = caller.wait_service("/work")["id"]
    # It has joined, too: a service that has gone meanwhile is no problem any more.
    other.wait_service("/work")
    request = serialize_message(Trigger.Request())
    caller.call("/work", request)
    peer.signal(signal.SIGSTOP)
    for call in [caller.start_call(service, request), caller.start_call(service, request)]:
        caller.wait_call(call)
    text = other.wait_status("/work did not answer within 700 ms")
    wait_until(lambda: problems() == {"service-/work": text}, "the problem in diagnostics")
    assert _times_told(other, "/work did not answer") == 1
    peer.signal(signal.SIGCONT)
    wait_until(lambda: not isinstance(caller.wait_call(caller.start_call(service, request)), dict), "an answer")
    other.wait_for(lambda: "service-/work" not in other.statuses(), "end of the status")
    wait_until(lambda: problems() == {}, "end of the problem in diagnostics")
    # A service that goes takes its problem with it.
    peer.signal(signal.SIGSTOP)
    caller.wait_call(caller.start_call(service, request))
    other.wait_for(lambda: "service-/work" in other.statuses(), "the status")
    peer.signal(signal.SIGCONT)
    peer.close()
    other.wait_for(lambda: "/work" not in other.services(), "the end of the service")
    other.wait_for(lambda: "service-/work" not in other.statuses(), "end of the status")


@pytest.fixture
def poor_prefix(tmp_path: Path) -> Path:
    """Every installed package but test_msgs."""
    poor = tmp_path / "prefix"
    (poor / INDEX).mkdir(parents=True)
    for prefix in reversed(os.environ["AMENT_PREFIX_PATH"].split(os.pathsep)):
        for package in (Path(prefix) / INDEX).glob("*"):
            share = poor / "share" / package.name
            if package.name != "test_msgs" and not share.exists():
                (poor / INDEX / package.name).touch()
                share.symlink_to(Path(prefix) / "share" / package.name)
        lib = Path(prefix) / "lib"
        if lib.exists() and not (poor / "lib").exists():
            (poor / "lib").symlink_to(lib)
    return poor


def test_what_has_no_definition_is_told_once_and_hurts_nobody_else(
    new_bridge: BridgeFactory,
    new_viewer: ViewerFactory,
    server: LiveKitServer,
    publisher: Publisher,
    peer: Peer,
    problems: Any,
    poor_prefix: Path,
) -> None:
    environment = {**Bridge.credentials(server), "AMENT_PREFIX_PATH": str(poor_prefix)}
    new_bridge({"capabilities": "['services']", "diagnostics": "true"}, environment=environment)
    viewer = new_viewer()
    publisher.advertise("/unknown", "test_msgs/msg/BasicTypes")
    peer.run(OFFER.format(package="test_msgs", name="Empty", service="/unknown_service"))
    publisher.advertise("/known", STRING)
    reason = "cannot be offered: package test_msgs is not installed"
    viewer.wait_status(f"/unknown {reason}")
    viewer.wait_status(f"/unknown_service {reason}")
    wait_until(lambda: set(problems()) == {"topic-/unknown", "service-/unknown_service"}, "both in diagnostics")
    viewer.subscribe("/known")
    publisher.match("/known")
    publisher.publish("/known")
    viewer.wait_messages("/known")
    assert "/unknown" not in viewer.channels()
    publisher.withdraw("/unknown")
    viewer.wait_for(lambda: "topic-/unknown" not in viewer.statuses(), "end of the status")
    assert _times_told(viewer, "/unknown cannot") == 1
    assert _times_told(viewer, "/unknown_service cannot") == 1


def test_a_topic_of_mixed_types_is_in_diagnostics(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, new_publisher: PublisherFactory, problems: Any
) -> None:
    new_bridge({"diagnostics": "true"})
    one, other = new_publisher(), new_publisher()
    one.advertise("/mixed", STRING)
    other.advertise("/mixed", "sensor_msgs/msg/Image")
    text = new_viewer().wait_status("/mixed cannot be offered: ")
    wait_until(lambda: problems() == {"topic-/mixed": text}, "the problem in diagnostics")
    other.close()
    wait_until(lambda: problems() == {}, "end of the problem in diagnostics")
