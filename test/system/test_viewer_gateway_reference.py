"""The protocol's reference client understands the viewer gateway, and is understood."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge_process import Bridge
from decoding import assert_same, decode
from messages import build
from reference_client import ReferenceClient, data_of
from ros_side import Observer, Publisher
from viewer_gateway import ViewerGateway

TOPIC = "/seen"
# The client of npm does not know the schema table of `foxglove.sdk.v1.1`.
SUBPROTOCOLS = ["foxglove.websocket.v1", "foxglove.sdk.v1"]


@pytest.fixture(params=SUBPROTOCOLS)
def reference(
    request: pytest.FixtureRequest, reference_program: Path, bridge: Bridge, gateway: ViewerGateway
) -> Iterator[ReferenceClient]:
    """The reference client, connected to a viewer gateway in the room of a bridge."""
    client = ReferenceClient(reference_program, gateway.port, request.param)
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
