"""Foxglove WebSocket clients see the robot through the viewer gateway."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess

import pytest

from bridge_process import NO_CREDENTIALS, Bridge
from client import mint_token
from conftest import BridgeFactory, ClientFactory, ViewerGatewayFactory
from decoding import assert_same, decode
from foxglove_client import SUBPROTOCOLS, FoxgloveClient, upgrade_headers
from livekit_server import LiveKitServer
from messages import build
from processes import wait_until
from ros_side import Observer, Publisher
from viewer_gateway import ViewerGateway, executable

TOPIC = "/seen"
KIND = "std_msgs/msg/String"


def heard(client: FoxgloveClient, topic: str = TOPIC) -> list[str]:
    """The texts that arrived on a topic, in order."""
    channel = client.channels()[topic]
    return [decode(channel, data.payload).data for data in client.data(topic)]


def wait_heard(client: FoxgloveClient, text: str, topic: str = TOPIC) -> list[str]:
    """Waits for a text on a topic; returns all that came before, and it."""
    return client.wait_for(lambda: texts if text in (texts := heard(client, topic)) else None, f"{text!r} on {topic}")


@pytest.mark.parametrize("subprotocol", SUBPROTOCOLS)
def test_messages_arrive_as_they_are_in_every_subprotocol(
    bridge: Bridge, gateway: ViewerGateway, publisher: Publisher, new_client: ClientFactory, subprotocol: str
) -> None:
    kinds = {"/camera": "sensor_msgs/msg/Image", "/points": "sensor_msgs/msg/PointCloud2", "/tree": "tf2_msgs/msg/TFMessage"}
    for topic, kind in kinds.items():
        publisher.advertise(topic, kind)
    client = new_client(gateway, subprotocol)
    assert client.subprotocol == subprotocol
    for topic, kind in kinds.items():
        channel = client.wait_channel(topic)
        assert (channel["schemaName"], channel["encoding"]) == (kind, "cdr")
        client.subscribe(topic)
        publisher.match(topic)
        # One by one: of large messages the bridge may skip what a slow viewer has no time for.
        for number in range(3):
            publisher.publish(topic, number)
            data = client.wait_data(topic, number + 1)[-1]
            assert_same(decode(channel, data.payload), build(kind, number))
            assert data.log_time > 0
    info = client.texts("serverInfo")[-1]
    assert info["metadata"]["remote_access_bridge"]


def test_the_robots_subscription_lives_as_long_as_a_client_watches(
    bridge: Bridge, gateway: ViewerGateway, publisher: Publisher, observer: Observer, new_client: ClientFactory
) -> None:
    publisher.advertise(TOPIC, KIND)
    first, second = new_client(gateway), new_client(gateway, SUBPROTOCOLS[0])
    first.wait_channel(TOPIC)
    assert observer.subscriptions(TOPIC) == []
    subscription = first.subscribe(TOPIC)
    second.subscribe(TOPIC)
    observer.wait_subscriptions(TOPIC, 1)
    publisher.match(TOPIC)
    publisher.publish(TOPIC, 1)
    assert wait_heard(first, "message 1") == wait_heard(second, "message 1") == ["message 1"]
    first.unsubscribe(subscription)
    publisher.publish(TOPIC, 2)
    wait_heard(second, "message 2")
    observer.wait_subscriptions(TOPIC, 1)
    assert heard(first) == ["message 1"]
    second.close()
    observer.wait_subscriptions(TOPIC, 0)


def test_a_client_that_comes_late_gets_latched_messages(
    bridge: Bridge, gateway: ViewerGateway, publisher: Publisher, observer: Observer, new_client: ClientFactory
) -> None:
    publisher.advertise(TOPIC, KIND, latched=True, depth=1)
    publisher.publish(TOPIC, 1)
    clients = [new_client(gateway), new_client(gateway)]
    for client in clients:
        client.subscribe(TOPIC)
        assert wait_heard(client, "message 1") == ["message 1"]
    observer.wait_subscriptions(TOPIC, 1)


def test_robots_that_go_and_come_are_seen(
    gateway: ViewerGateway, new_bridge: BridgeFactory, publisher: Publisher, new_client: ClientFactory
) -> None:
    publisher.advertise(TOPIC, KIND)
    client = new_client(gateway)
    assert "no robot" in client.wait_text("serverInfo")["name"]
    assert "waiting for a robot" in client.wait_text("status")["message"]
    first = new_bridge({"name": "first"})
    client.wait_for(lambda: client.newest("serverInfo").get("name") == "first", "first robot")
    client.subscribe(TOPIC)
    publisher.match(TOPIC)
    publisher.publish(TOPIC, 1)
    wait_heard(client, "message 1")
    first.stop()
    client.wait_for(lambda: TOPIC not in client.channels(), "end of the channels")
    client.wait_for(lambda: "has left" in client.newest("status").get("message", ""), "word of the robot's end")
    new_bridge({"name": "second"})
    client.wait_for(lambda: client.newest("serverInfo").get("name") == "second", "second robot")
    client.subscribe(TOPIC)
    publisher.match(TOPIC)
    publisher.publish(TOPIC, 2)
    wait_heard(client, "message 2")
    sessions = {info["sessionId"] for info in client.texts("serverInfo")}
    assert len(sessions) == 3


def test_a_restart_of_the_server_is_survived(
    own_server: LiveKitServer,
    new_gateway: ViewerGatewayFactory,
    new_bridge: BridgeFactory,
    publisher: Publisher,
    new_client: ClientFactory,
) -> None:
    own_server.start()
    credentials = Bridge.credentials(own_server)
    new_bridge(environment=credentials)
    gateway = new_gateway(environment=credentials)
    publisher.advertise(TOPIC, KIND)
    client = new_client(gateway)
    client.subscribe(TOPIC)
    publisher.match(TOPIC)
    publisher.publish(TOPIC, 1)
    wait_heard(client, "message 1")
    own_server.stop()
    client.wait_for(lambda: TOPIC not in client.channels(), "end of the channels", 180.0)
    own_server.start()
    client.wait_for(lambda: client.channels().get(TOPIC), "return of the channels", 180.0)
    client.subscribe(TOPIC)
    publisher.match(TOPIC)
    publisher.publish(TOPIC, 2)
    wait_heard(client, "message 2")
    # It was the same robot all the time.
    assert len({info["sessionId"] for info in client.texts("serverInfo") if info["sessionId"] != "no robot"}) == 1


def test_one_of_several_robots_is_chosen(
    new_gateway: ViewerGatewayFactory, new_bridge: BridgeFactory, new_client: ClientFactory
) -> None:
    new_bridge({"identity": "robot-a", "name": "Anna"})
    new_bridge({"identity": "robot-b", "name": "Berta"})
    for wanted, name in (("robot-a", "Anna"), ("Berta", "Berta")):
        client = new_client(new_gateway("--robot", wanted))
        client.wait_for(lambda c=client, n=name: c.newest("serverInfo").get("name") == n, name)
    client = new_client(new_gateway())
    client.wait_for(
        lambda: [s for s in client.texts("status") if "robot-a, robot-b" in s["message"] or "robot-b, robot-a" in s["message"]],
        "word of the other robot",
    )


def test_a_client_that_does_not_read_holds_up_nobody(
    bridge: Bridge, gateway: ViewerGateway, publisher: Publisher, new_client: ClientFactory
) -> None:
    publisher.advertise("/camera", "sensor_msgs/msg/Image")
    stuck = SlowSocket(gateway)
    client = new_client(gateway)
    channel = client.wait_channel("/camera")["id"]
    stuck.subscribe(channel)
    client.subscribe("/camera")
    publisher.match("/camera")
    # Far more than the kernel and the program's queue hold for the one that does not read.
    for number in range(100):
        publisher.publish("/camera", number)
        client.wait_data("/camera", number + 1)
    # It lost some, is told how many when it reads at last, and gets the rest.
    status = stuck.read_text("reads too slowly")
    dropped = int(re.findall(r"(\d+) messages", status)[0])
    assert 5 < dropped < 95
    while stuck.frames < 100 - dropped:
        stuck.read_frame()
    stuck.close()


class SlowSocket:
    """A WebSocket client by hand, which reads when it is told to."""

    def __init__(self, gateway: ViewerGateway) -> None:
        # Binary frames so far.
        self.frames = 0
        self._socket = socket.create_connection(("127.0.0.1", gateway.port), timeout=60)
        lines = ["GET / HTTP/1.1", f"Host: localhost:{gateway.port}"]
        lines += [f"{name}: {value}" for name, value in upgrade_headers(SUBPROTOCOLS[0]).items()]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._file = self._socket.makefile("rb")
        assert b"101" in self._file.readline()
        while self._file.readline() != b"\r\n":
            pass

    def subscribe(self, channel: int) -> None:
        """Subscribes to a channel."""
        text = f'{{"op":"subscribe","subscriptions":[{{"id":1,"channelId":{channel}}}]}}'.encode()
        assert len(text) < 126
        # A mask of zeros leaves the text as it is.
        self._socket.sendall(bytes([0x81, 0x80 | len(text)]) + bytes(4) + text)

    def read_frame(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame."""
        first, length = self._file.read(2)
        if length == 126:
            length = int.from_bytes(self._file.read(2), "big")
        elif length == 127:
            length = int.from_bytes(self._file.read(8), "big")
        opcode, payload = first & 0x0F, self._file.read(length)
        self.frames += opcode == 2
        return opcode, payload

    def read_text(self, part: str) -> str:
        """Reads until a text message has this in it, and returns that."""
        while True:
            opcode, payload = self.read_frame()
            if opcode == 1 and part.encode() in payload:
                return payload.decode()

    def close(self) -> None:
        """Ends the connection."""
        self._file.close()
        self._socket.close()


def test_mistakes_are_named_and_hurt_nobody(bridge: Bridge, gateway: ViewerGateway, new_client: ClientFactory) -> None:
    client, other = new_client(gateway), new_client(gateway)
    client.send({"op": "fly"})
    client.send_binary(b"")
    client.send_binary(b"\xff\x00")
    client.send({"op": "subscribe", "subscriptions": [{"id": 1, "channelId": 10**9}]})
    client.call_service(12345, 1, b"")
    client.wait_text("serviceCallFailure")
    messages = " ".join(status["message"] for status in client.texts("status"))
    for part in ("fly", "empty", "opcode 255", "no channel 1000000000"):
        assert part in messages
    assert not any("opcode" in status["message"] for status in other.texts("status"))


def test_web_pages_of_others_may_not_connect(gateway: ViewerGateway) -> None:
    host = {"Host": f"localhost:{gateway.port}"}
    cases = [
        ({**host, "Origin": "https://evil.example"}, 403),
        ({**host, "Origin": "null"}, 403),
        ({"Host": "evil.example"}, 403),
        ({**host, "Origin": "https://app.foxglove.dev"}, 101),
        ({**host, "Origin": "http://localhost:8080"}, 101),
        (host, 101),
    ]
    for headers, expected in cases:
        status, _, body = gateway.request("/", headers=upgrade_headers(SUBPROTOCOLS[0], **headers))
        assert status == expected, (headers, body)
    status, _, body = gateway.request("/", headers=upgrade_headers("chat"))
    assert status == 400
    assert b"foxglove.sdk.v1" in body


def test_the_page_and_its_token_are_for_this_machine(gateway: ViewerGateway, room: str, server: LiveKitServer) -> None:
    status, headers, body = gateway.request("/")
    assert status == 200
    assert b"<html" in body
    assert "script-src 'self'" in headers["content-security-policy"]
    assert gateway.request("/%2e%2e/Cargo.toml")[0] == 404
    assert gateway.request("/../../Cargo.toml")[0] == 404
    assert gateway.request("/", "POST")[0] == 405
    for path in ("/", "/config.json"):
        status, _, body = gateway.request(path, headers={"Host": "rebound.example"})
        assert status == 403
        assert b"eyJ" not in body
    first, second = gateway.config(), gateway.config()
    assert first["url"] == server.url
    assert [each["room"] for each in first["rooms"]] == [room]
    assert first["websocket"] == f"ws://localhost:{gateway.port}"
    assert first["error"] is None
    # Two tabs are two participants.
    assert first["rooms"][0]["token"] != second["rooms"][0]["token"]
    assert "access-control-allow-origin" not in gateway.request("/config.json")[1]


def test_a_given_token_is_not_shared_with_the_page(
    bridge: Bridge, new_gateway: ViewerGatewayFactory, new_client: ClientFactory, server: LiveKitServer, room: str
) -> None:
    environment = {"LIVEKIT_URL": server.url, "LIVEKIT_TOKEN": mint_token(server.key, server.secret, room, "given")}
    gateway = new_gateway(environment=environment)
    client = new_client(gateway)
    client.wait_for(lambda: "no robot" not in client.newest("serverInfo").get("name", "no robot"), "robot")
    config = gateway.config()
    assert config["rooms"] == []
    assert "LIVEKIT_PAGE_TOKENS" in config["error"]


def test_a_client_publishes_on_when_the_program_may_send_again(
    new_bridge: BridgeFactory,
    new_gateway: ViewerGatewayFactory,
    new_client: ClientFactory,
    observer: Observer,
    server: LiveKitServer,
    room: str,
) -> None:
    new_bridge({"capabilities": "['clientPublish']"})
    texts: list[str] = []
    observer.create_subscription("/chat", KIND, lambda message: texts.append(message.data))
    client = new_client(new_gateway("--identity", "desk"))
    client.wait_for(lambda: "clientPublish" in client.newest("serverInfo").get("capabilities", []), "right to publish")
    client.send({"op": "advertise", "channels": [{"id": 1, "topic": "/chat", "encoding": "json", "schemaName": KIND}]})

    def publish(text: str) -> None:
        def heard() -> bool:
            client.publish(1, json.dumps({"data": text}).encode())
            return text in texts

        wait_until(heard, text, pause=0.1)

    publish("before")
    server.let_send(room, "desk", False)
    client.wait_for(lambda: any("canPublishData" in each["message"] for each in client.texts("status")), "word of the loss")
    client.wait_for(lambda: "clientPublish" not in client.newest("serverInfo")["capabilities"], "end of the right to publish")
    server.let_send(room, "desk", True)
    # The client does nothing about it.
    publish("after")


def test_a_taken_port_is_named(gateway: ViewerGateway, new_gateway: ViewerGatewayFactory) -> None:
    other = new_gateway("--port", str(gateway.port))
    wait_until(lambda: other.process.exit_code() is not None, "end")
    assert other.process.exit_code() == 1
    assert "--port" in other.output()


def test_a_robot_that_is_waited_for_is_told(new_gateway: ViewerGatewayFactory, new_bridge: BridgeFactory) -> None:
    alone = new_gateway("--robot", "Nobody")
    wait_until(lambda: 'waiting for the robot "Nobody": there is no robot' in alone.output(), "a word")
    bridge = new_bridge({"name": "Somebody"})
    bridge.wait_output("joined the room")
    other = new_gateway("--robot", "Nobody")
    wait_until(lambda: 'not in the room; there are: "Somebody"' in other.output(), "a word that names who is there")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["--room", "closed", "--port", "0"]])
def test_an_output_that_nobody_reads_is_no_error(arguments: list[str], server: LiveKitServer) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [executable(), *arguments]
    environment = {**os.environ, **NO_CREDENTIALS, **Bridge.credentials(server)}
    with subprocess.Popen(command, env=environment, stdout=writing, stderr=subprocess.PIPE, text=True) as process:
        os.close(writing)
        assert process.stderr
        if "--room" in arguments:
            # It goes on, and ends when it is asked to.
            assert any("joined the room" in line for line in iter(process.stderr.readline, ""))
            process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 0, said
    assert "panicked" not in said


def test_a_log_that_nobody_reads_is_no_error(server: LiveKitServer) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [executable(), "--room", "closed", "--port", "0"]
    environment = {**os.environ, **NO_CREDENTIALS, **Bridge.credentials(server)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=writing, text=True) as process:
        os.close(writing)
        assert process.stdout
        assert any(line.startswith("page:") for line in iter(process.stdout.readline, ""))
        # It logs that it connects, and that it stops.
        process.send_signal(signal.SIGINT)
    assert process.returncode == 0
