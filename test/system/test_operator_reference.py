"""The protocol's reference client understands the operator's program, and is understood."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rclpy.serialization import serialize_message

from bridge_process import Bridge
from conftest import BridgeFactory
from decoding import assert_same, decode
from messages import build
from operator_program import Operator
from processes import wait_until
from reference_client import ReferenceClient, binary, data_of, install
from ros_side import Observer, Publisher

TOPIC = "/seen"
STRING = "std_msgs/msg/String"
# The client of npm does not know the schema table of `foxglove.sdk.v1.1`.
SUBPROTOCOLS = ["foxglove.websocket.v1", "foxglove.sdk.v1"]


@pytest.fixture(scope="session")
def reference_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reference client's program, installed from npm."""
    if shutil.which("npm") is None:
        pytest.skip("Node.js with npm is not installed: THE REFERENCE CLIENT OF THE PROTOCOL WAS NOT TRIED")
    return install(tmp_path_factory.mktemp("foxglove_ws"))


@pytest.fixture
def open_bridge(new_bridge: BridgeFactory) -> Bridge:
    """A bridge that lets viewers publish."""
    return new_bridge({"capabilities": "['clientPublish']"})


@pytest.fixture(params=SUBPROTOCOLS)
def reference(
    request: pytest.FixtureRequest, reference_program: Path, open_bridge: Bridge, operator: Operator
) -> Iterator[ReferenceClient]:
    """The reference client, connected to an operator's program in the room of a bridge."""
    client = ReferenceClient(reference_program, operator.port, request.param)
    yield client
    client.close()
    assert client.values("error") == []
    assert client.values("close") == [1005]


def test_the_reference_client_gets_channels_messages_and_statuses(
    reference: ReferenceClient, publisher: Publisher, observer: Observer
) -> None:
    publisher.advertise(TOPIC, "sensor_msgs/msg/PointCloud2")
    channel = reference.channel(TOPIC)
    subscription = reference.call("subscribe", channel["id"])
    publisher.match(TOPIC)
    # One by one: of large messages the bridge may skip what a slow viewer has no time for.
    for number in range(3):
        publisher.publish(TOPIC, number)
        message = reference.wait("message", number + 1)
        assert message["subscriptionId"] == subscription
        assert int(message["timestamp"]) > 0
        assert_same(decode(channel, data_of(message)), build("sensor_msgs/msg/PointCloud2", number))
    reference.call("unsubscribe", subscription)
    observer.wait_subscriptions(TOPIC, 0)
    publisher.withdraw(TOPIC)
    reference.wait_for(lambda: [channel["id"]] in reference.values("unadvertise"), "end of the channel")
    reference.call("subscribe", channel["id"])
    reference.wait_for(lambda: [s for s in reference.values("status") if "there is no channel" in s["message"]], "status")
    infos = reference.values("serverInfo")
    assert infos[-1]["metadata"]["remote_access_bridge"]
    assert len({info["sessionId"] for info in infos}) == len(infos)


def test_what_the_reference_client_publishes_reaches_ros_nodes(reference: ReferenceClient, observer: Observer) -> None:
    reference.wait_for(lambda: "clientPublish" in reference.values("serverInfo")[-1]["capabilities"], "capability")
    heard: list[Any] = []
    observer.create_subscription("/chat", STRING, heard.append)
    channel = reference.call("advertise", {"topic": "/chat", "encoding": "cdr", "schemaName": STRING})
    message = build(STRING, 5)
    wait_until(lambda: observer.node.count_publishers("/chat") == 1, "publisher")

    def arrived() -> bool:
        # What is published before publisher and subscriber have met is lost, as it is everywhere in ROS.
        reference.call("sendMessage", channel, binary(serialize_message(message)))
        return bool(heard)

    wait_until(arrived, "message", pause=0.2)
    assert heard[0] == message
    reference.call("unadvertise", channel)
    wait_until(lambda: observer.node.count_publishers("/chat") == 0, "end of the publisher")
