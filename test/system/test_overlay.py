"""Types that only a package in an overlay has, a second prefix beside the installation, work as all others do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import BridgeFactory, PeerFactory, ViewerFactory
from decoding import decode
from overlays import build_overlay, source_overlay
from processes import wait_until


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, built and installed into a prefix of its own."""
    return build_overlay("overlay_msgs", tmp_path_factory)


@pytest.fixture(autouse=True)
def sourced(overlay: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test starts has the overlay in its environment."""
    source_overlay(overlay, monkeypatch)


def test_types_of_an_overlay_are_watched_published_and_called(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, new_peer: PeerFactory
) -> None:
    new_bridge({"capabilities": "['clientPublish', 'services']"})
    peer = new_peer()
    peer.run("""
        from overlay_msgs.msg import Part, Reading
        from overlay_msgs.srv import Convert
        def answer(request, response):
            response.success = True
            response.reading.parts = [request.part, Part(name="second")]
            response.reading.values = [1.0, 2.0, 3.0]
            return response
        service = node.create_service(Convert, "/convert", answer)
        publisher = node.create_publisher(Reading, "/reading", 10)
        heard = []
        subscription = node.create_subscription(Part, "/part", lambda part: heard.append([part.name, list(part.data)]), 10)
    """)
    viewer = new_viewer()
    channel = viewer.wait_channel("/reading")
    assert channel["schemaName"] == "overlay_msgs/msg/Reading"
    assert {"MSG: overlay_msgs/Part", "MSG: std_msgs/Header"} <= set(channel["schema"].splitlines())
    viewer.subscribe("/reading")
    wait_until(lambda: peer.run("result = publisher.get_subscription_count()") == 1, "the bridge's subscription")
    peer.run('publisher.publish(Reading(parts=[Part(name="first", data=[1, 255])], values=[0.5, 1.5, 2.5]))')
    (message,) = viewer.wait_messages("/reading")
    reading = decode(channel, message.data)
    assert (reading.parts[0].name, bytes(reading.parts[0].data)) == ("first", b"\x01\xff")
    assert (reading.unit, list(reading.values)) == ("m", [0.5, 1.5, 2.5])

    response = json.loads(viewer.call("/convert", b'{"part": {"name": "mine", "data": [7]}}', "json"))
    assert response["success"] is True
    assert [part["name"] for part in response["reading"]["parts"]] == ["mine", "second"]
    assert response["reading"]["unit"] == "m"

    part = viewer.advertise("/part", "overlay_msgs/msg/Part", "json")

    def arrived() -> bool:
        # What is published before publisher and subscriber have met is lost, as it is everywhere in ROS.
        viewer.publish(part, b'{"name": "from afar", "data": "AAE="}')
        return bool(peer.run("result = heard"))

    wait_until(arrived, "message", pause=0.2)
    assert peer.run("result = heard")[0] == ["from afar", [0, 1]]


def test_types_that_are_defined_in_idl_alone_are_watched_published_and_called(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, new_peer: PeerFactory
) -> None:
    new_bridge({"capabilities": "['clientPublish', 'services']"})
    peer = new_peer()
    peer.run("""
        from overlay_msgs.msg import Gauge, Part
        from overlay_msgs.srv import Tune
        from rclpy.serialization import serialize_message
        heard = []
        def plain(gauge):
            return [list(gauge.levels), list(gauge.codes), gauge.unit, gauge.part.name]
        def answer(request, response):
            heard.append(plain(request.gauge))
            response.success = True
            return response
        service = node.create_service(Tune, "/tune", answer)
        publisher = node.create_publisher(Gauge, "/gauge", 10)
        subscription = node.create_subscription(Gauge, "/set_gauge", lambda gauge: heard.append(plain(gauge)), 10)
        gauge = Gauge(levels=[0.5, -2.0], codes=[1, 2, 3], part=Part(name="abc"))
    """)
    viewer = new_viewer()
    channel = viewer.wait_channel("/gauge")
    assert (channel["schemaName"], channel["schemaEncoding"]) == ("overlay_msgs/msg/Gauge", "ros2idl")
    assert {"IDL: overlay_msgs/msg/Gauge", "IDL: overlay_msgs/msg/Part"} <= set(channel["schema"].splitlines())
    viewer.subscribe("/gauge")
    wait_until(lambda: peer.run("result = publisher.get_subscription_count()") == 1, "the bridge's subscription")
    peer.run("publisher.publish(gauge)")
    (message,) = viewer.wait_messages("/gauge")
    assert message.data.hex() == peer.run("result = serialize_message(gauge).hex()")

    # With its default where nothing is said, in JSON and as it came.
    said = {"levels": [1, 2.5], "codes": [7], "part": {"name": "x"}}
    assert json.loads(viewer.call("/tune", json.dumps({"gauge": said}).encode(), "json")) == {"success": True}
    assert peer.run("result = heard") == [[[1.0, 2.5], [7], "bar", "x"]]
    peer.run("heard.clear()")
    numbers = {encoding: viewer.advertise("/set_gauge", "overlay_msgs/msg/Gauge", encoding) for encoding in ("json", "cdr")}
    for encoding, data, expected in (
        ("json", json.dumps(said).encode(), [[1.0, 2.5], [7], "bar", "x"]),
        ("cdr", message.data, [[0.5, -2.0], [1, 2, 3], "bar", "abc"]),
    ):

        def arrived(number: int = numbers[encoding], data: bytes = data, expected: list[Any] = expected) -> bool:
            viewer.publish(number, data)
            return expected in peer.run("result = heard")

        wait_until(arrived, encoding, pause=0.2)
    viewer.publish(numbers["json"], json.dumps({"codes": [1, 2, 3, 4, 5]}).encode())
    assert "codes" in viewer.wait_status("a message for /set_gauge was not published")
