"""The streams between the viewer gateway and the robot: one that breaks, one that grows too long."""

from __future__ import annotations

import json
import signal
from typing import Any

from bridge_process import Bridge
from conftest import BridgeFactory, ClientFactory, ViewerGatewayFactory
from decoding import decode
from foxglove_client import FoxgloveClient
from livekit_server import LiveKitServer
from processes import wait_until
from ros_side import Observer, Publisher

STRING = "std_msgs/msg/String"
# Bytes that the server keeps for a participant that reads slowly; it drops what is more.
KEPT = 50_000
ROTATE_BYTES = 2000
MESSAGES = 300


def texts(client: FoxgloveClient, topic: str) -> list[str]:
    """What arrived on a topic, in order."""
    channel = client.channels()[topic]
    return [decode(channel, data.payload).data for data in client.data(topic)]


def test_a_broken_stream_is_answered_by_a_fresh_start(
    own_server: LiveKitServer,
    new_bridge: BridgeFactory,
    new_gateway: ViewerGatewayFactory,
    new_client: ClientFactory,
    publisher: Publisher,
) -> None:
    own_server.rtc = f"  data_channel_max_buffered_amount: {KEPT}\n"
    own_server.start()
    new_bridge(environment=Bridge.credentials(own_server))
    gateway = new_gateway(environment=Bridge.credentials(own_server))
    publisher.advertise("/state", STRING, depth=100)
    publisher.advertise("/mode", STRING, latched=True, depth=1)
    publisher.publish("/mode")
    client = new_client(gateway)
    for topic in ("/state", "/mode"):
        client.subscribe(topic)
        publisher.match(topic)
    publisher.publish("/state")
    client.wait_data("/state")
    client.wait_data("/mode")
    # While the program stands still, the server throws away what is on the way to it.
    gateway.process.send_signal(signal.SIGSTOP)
    try:
        wait_until(
            lambda: publisher.publish("/state", first=1, count=50) or "data channel buffer is full" in own_server.log.read_text(),
            "loss in the server",
        )
    finally:
        gateway.process.send_signal(signal.SIGCONT)
    # What is lost at a stream's end is noticed when it goes on.
    wait_until(lambda: publisher.publish("/state", first=100) or "a stream broke" in gateway.output(), "broken stream", pause=0.1)
    # The robot tells everything anew, and keeps the subscriptions.
    client.wait_data("/mode", 2)
    publisher.publish("/state", first=1000, count=20)
    client.wait_for(lambda: "message 1019" in texts(client, "/state"), "data after the fresh start")
    assert texts(client, "/state")[-20:] == [f"message {number}" for number in range(1000, 1020)]
    # The client noticed nothing else.
    assert len({info["sessionId"] for info in client.texts("serverInfo") if info["sessionId"] != "no robot"}) == 1
    assert client.texts("unadvertise") == []


def test_the_stream_to_the_robot_is_rotated_and_nothing_is_lost_or_told_anew(
    new_bridge: BridgeFactory,
    new_gateway: ViewerGatewayFactory,
    new_client: ClientFactory,
    publisher: Publisher,
    observer: Observer,
) -> None:
    bridge = new_bridge({"capabilities": "['clientPublish']"})
    gateway = new_gateway("--stream-rotate-bytes", str(ROTATE_BYTES), "--log", "remote_access_room=debug")
    publisher.advertise("/mode", STRING, latched=True, depth=1)
    publisher.publish("/mode")
    client = new_client(gateway)
    client.subscribe("/mode")
    client.wait_data("/mode")
    heard: list[Any] = []
    observer.create_subscription("/said", STRING, heard.append)
    client.send({"op": "advertise", "channels": [{"id": 1, "topic": "/said", "encoding": "json", "schemaName": STRING}]})
    wait_until(lambda: observer.node.count_publishers("/said") == 1, "publisher")
    # What is published before publisher and subscriber have met is lost, as it is everywhere in ROS.
    wait_until(lambda: client.publish(1, b'{"data": "first"}') or heard, "first message", pause=0.2)
    for number in range(MESSAGES):
        client.publish(1, json.dumps({"data": f"message {number}"}).encode())
        # Never more at a time than the subscription's history holds.
        wait_until(lambda n=number: len([each for each in heard if each.data != "first"]) >= n - 5, f"message {number}")
    wait_until(lambda: heard[-1].data == f"message {MESSAGES - 1}", "last message")
    assert [each.data for each in heard if each.data != "first"] == [f"message {number}" for number in range(MESSAGES)]
    assert gateway.output().count("goes on as another one") >= MESSAGES * 30 // ROTATE_BYTES
    # A fresh start would bring the latched message again. There was one, when the program declared that it reads many streams.
    # On a machine that is busy enough either side may have found the other silent, and says so.
    silent = gateway.output().count("asking the robot for a resync") + bridge.output().count("resyncing participant")
    assert len(client.data("/mode")) <= 2 + silent
