"""End-to-end encryption: those with the key miss nothing; all others, the server among them, learn nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from rclpy.serialization import serialize_message

from bridge_process import Bridge
from client import mint_token
from conftest import BridgeFactory, ClientFactory, ViewerFactory, ViewerGatewayFactory
from decoding import decode
from livekit_server import LiveKitServer
from messages import build
from processes import built_executable, wait_until
from ros_side import Observer, Publisher
from viewer_gateway import ViewerGateway

KEY = "a key that nobody will guess"
TOPIC = "/private/notes"
STRING = "std_msgs/msg/String"


@pytest.fixture
def encrypted_bridge(server: LiveKitServer, new_bridge: BridgeFactory, publisher: Publisher) -> Bridge:
    """A bridge with a key, and a topic to see on it."""
    publisher.advertise(TOPIC, STRING, latched=True)
    publisher.publish(TOPIC, 7)
    return new_bridge({"capabilities": "['clientPublish']"}, environment=environment(server, KEY))


def environment(server: LiveKitServer, key: str | None) -> dict[str, str]:
    """Access to the server, with a key or without."""
    return {**Bridge.credentials(server), "LIVEKIT_E2EE_KEY": key or ""}


def wait_output(gateway: ViewerGateway, text: str) -> None:
    """Waits until a viewer gateway printed a text."""
    wait_until(lambda: text in gateway.output(), text)


def test_with_the_key_everything_is_as_without(
    server: LiveKitServer,
    encrypted_bridge: Bridge,
    new_viewer: ViewerFactory,
    new_gateway: ViewerGatewayFactory,
    new_client: ClientFactory,
    observer: Observer,
    tmp_path: Path,
) -> None:
    viewer = new_viewer(key=KEY)
    viewer.subscribe(TOPIC)
    assert decode(viewer.channels()[TOPIC], viewer.wait_messages(TOPIC)[0].data).data == "message 7"
    heard: list[str] = []
    observer.create_subscription("/answers", STRING, lambda message: heard.append(message.data))
    answers = viewer.advertise("/answers", STRING)
    wait_until(lambda: observer.node.count_publishers("/answers") == 1, "the viewer's publisher")

    def is_heard() -> bool:
        viewer.publish(answers, serialize_message(build(STRING, 8)))
        return "message 8" in heard

    wait_until(is_heard, "the viewer's message", pause=0.2)
    # The gateway takes it from a file.
    (tmp_path / "key").write_text(f"{KEY}\n")
    gateway = new_gateway(environment={**Bridge.credentials(server), "LIVEKIT_E2EE_KEY_FILE": str(tmp_path / "key")})
    client = new_client(gateway)
    channel = client.wait_channel(TOPIC)
    client.subscribe(TOPIC)
    assert decode(channel, client.wait_data(TOPIC)[0].payload).data == "message 7"
    assert gateway.config()["key"] == KEY
    assert KEY not in encrypted_bridge.output() + gateway.output()


def test_without_the_key_nothing_is_seen_or_done_and_both_sides_are_told(
    server: LiveKitServer, encrypted_bridge: Bridge, new_viewer: ViewerFactory, new_gateway: ViewerGatewayFactory
) -> None:
    insider = new_viewer("insider", key=KEY)
    insider.subscribe(TOPIC)
    insider.wait_messages(TOPIC)
    outsider, stranger = new_viewer("outsider"), new_viewer("stranger", key="the key of somebody else")
    channel = insider.channels()[TOPIC]["id"]
    for viewer in (outsider, stranger):
        viewer.open_stream(robot=insider.robot())
        viewer.send({"op": "subscribe", "channelIds": [channel]})
    encrypted_bridge.wait_output("it is not encrypted")
    encrypted_bridge.wait_output("it is encrypted with another key")
    keyless = new_gateway()
    wait_output(keyless, "it is encrypted, and this side has no key")
    other = new_gateway(environment=environment(server, "the key of somebody else"))
    wait_output(other, "it is encrypted with another key")
    assert outsider.received() == stranger.received() == []
    assert "key" not in keyless.config()


@pytest.mark.parametrize("key", [KEY, None])
def test_what_the_server_forwards_shows_neither_topics_nor_messages(
    server: LiveKitServer, room: str, new_bridge: BridgeFactory, publisher: Publisher, tmp_path: Path, key: str | None
) -> None:
    publisher.advertise(TOPIC, STRING, latched=True)
    publisher.publish(TOPIC, 7)
    new_bridge(environment=environment(server, key))
    capture = tmp_path / "capture"
    token = mint_token(server.key, server.secret, room, "viewer")
    viewer = subprocess.Popen(
        [built_executable("bench_viewer"), f"--url={server.url}", "--channels=/private", f"--capture={capture}"],
        env={**os.environ, "LIVEKIT_TOKEN": token, **({"LIVEKIT_E2EE_KEY": key} if key else {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert viewer.stdout
    assert any('"first"' in line for line in viewer.stdout), "it ended without a message"
    viewer.communicate("end\n")
    forwarded = capture.read_bytes()
    # It decrypts with the SDK alone; what it got before that is what the server had.
    shown = {text: text.encode() in forwarded for text in (TOPIC, STRING, "advertise", "message 7")}
    assert set(shown.values()) == {key is None}, shown
