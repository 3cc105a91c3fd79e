"""Our protocol crate against the remote access gateway of the Foxglove SDK, over a real LiveKit server.

All that the gateway streams is read by our crate, and all that a viewer says to it was written by our crate. The
gateway is of version 2.2 of the protocol: its streams have the topic `control`, and it subscribes to lists of objects.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from livekit import rtc

import wire
from client import mint_token
from line_program import LineProgram
from livekit_server import LiveKitServer
from processes import ROOT, ChildProcess, wait_until
from sdk_process import Sdk
from viewer_client import HANG, Loop
from wire import Json

T = TypeVar("T")
TOPIC = "control"

GATEWAY = """
from foxglove import Channel, ConnectionGraph, Context, MessageSchema, Parameter, Schema, Service, ServiceSchema, StatusLevel
from foxglove.remote_access import Capability, QosProfile, Reliability

heard = []
class Listener:
    def on_connection_status_changed(self, status): pass
    def on_subscribe(self, client, channel): heard.append(["subscribe", channel.topic])
    def on_unsubscribe(self, client, channel): heard.append(["unsubscribe", channel.topic])
    def on_client_advertise(self, client, channel):
        heard.append(["advertise", channel.topic, channel.message_encoding, channel.schema.name])
    def on_client_unadvertise(self, client, channel): heard.append(["unadvertise", channel.topic])
    def on_message_data(self, client, channel, data): heard.append(["message", channel.topic, data.hex()])
    def on_get_parameters(self, client, names, request_id=None):
        heard.append(["get", names, request_id])
        return [Parameter("/n.a", value=1), Parameter("/n.b", value=2.0), Parameter("/n.c", value=b"\\x01")]
    def on_set_parameters(self, client, parameters, request_id=None):
        heard.append(["set", [[p.name, repr(p.get_value())] for p in parameters], request_id])
        return parameters
    def on_parameters_subscribe(self, names): heard.append(["watch", names])
    def on_parameters_unsubscribe(self, names): heard.append(["unwatch", names])
    def on_connection_graph_subscribe(self): heard.append(["graph"])
    def on_connection_graph_unsubscribe(self): heard.append(["no graph"])

def answer(request):
    heard.append(["call", request.service_name, request.call_id, request.encoding, request.payload.hex()])
    if request.payload == b"fail":
        raise ValueError("no")
    return bytes(reversed(request.payload))

context = Context()
schema = Schema(name="std_msgs/msg/String", encoding="ros2msg", data=b"string data")
channel = Channel("/words", schema=schema, message_encoding="cdr", context=context, metadata={{"a": "b"}})
part = MessageSchema(encoding="cdr", schema=Schema(name="a/srv/B_Request", encoding="ros2msg", data=b"bool a"))
gateway = foxglove.start_gateway(
    name="vendor",
    device_token="none",
    foxglove_api_url="http://127.0.0.1:{port}",
    capabilities=[Capability.ClientPublish, Capability.ConnectionGraph, Capability.Parameters, Capability.Services],
    listener=Listener(),
    supported_encodings=["cdr", "json"],
    services=[Service("/work", schema=ServiceSchema("a/srv/B", request=part, response=part), handler=answer)],
    asset_handler=lambda uri: b"data of " + uri.encode() if uri.startswith("package://a/") else None,
    context=context,
    qos_classifier=lambda channel: QosProfile(reliability=Reliability.Reliable),
)
"""


class Viewer:
    """A participant whose frames are read and written by our crate."""

    def __init__(self, loop: Loop, crate: LineProgram) -> None:
        self._loop = loop
        self._crate = crate
        self._changed = threading.Condition()
        self._streams: list[bytearray] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._room: rtc.Room
        self._writer: rtc.ByteStreamWriter

    def join(self, url: str, token: str) -> None:
        """Joins the room of the token."""
        self._loop.run(self._join(url, token))

    def leave(self) -> None:
        """Leaves the room."""
        self._loop.run(self._room.disconnect())

    async def _join(self, url: str, token: str) -> None:
        self._room = rtc.Room()
        self._room.register_byte_stream_handler(TOPIC, self._on_stream)
        await self._room.connect(url, token)

    def _on_stream(self, reader: rtc.ByteStreamReader, _: str) -> None:
        self._tasks.append(asyncio.ensure_future(self._read(reader)))

    async def _read(self, reader: rtc.ByteStreamReader) -> None:
        stream = bytearray()
        with self._changed:
            self._streams.append(stream)
        with contextlib.suppress(Exception):  # the SDK's way to say that the room was left
            async for chunk in reader:
                with self._changed:
                    stream += chunk
                    self._changed.notify_all()

    def read(self) -> list[tuple[str, Json]]:
        """What the gateway said: the words of our crate, and the message as it came."""
        found = []
        for stream in list(self._streams):
            whole = bytes(stream)
            reader = wire.FrameReader()
            messages = list(reader.feed(whole))
            answers = self._crate.ask({"from": "robot", "stream": whole[: len(whole) - reader.pending].hex()})
            assert len(answers) == len(messages)
            for answer, message in zip(answers, messages, strict=True):
                assert "error" not in answer, (answer, message)
                (again,) = wire.FrameReader().feed(bytes.fromhex(answer["written"]))
                assert again == message
                found.append((answer["read"], message))
        return found

    def wait(self, words: str) -> Any:
        """Waits until our crate has read something whose words begin so; returns the message as it came."""
        return self._wait_for(lambda: next((m for read, m in self.read() if read.startswith(words)), None), words)

    def _wait_for(self, condition: Callable[[], T | None], what: str) -> T:
        deadline = time.monotonic() + HANG
        with self._changed:
            while not (value := condition()):
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"no {what}; {[read[:200] for read, _ in self.read()]}")
            return value

    def open(self) -> None:
        """Opens the stream to the gateway."""
        wait_until(lambda: self._room.remote_participants, "gateway in the room")
        self._loop.run(self._open())

    async def _open(self) -> None:
        robots = list(self._room.remote_participants)
        self._writer = await self._room.local_participant.stream_bytes(
            name="control", topic=TOPIC, destination_identities=robots, attributes={}
        )

    def say(self, message: bytes | Json, words: str) -> None:
        """Says something as our crate writes it, which takes it for what `words` begins with."""
        frame = wire.text_frame(message) if isinstance(message, dict) else wire.frame(wire.BINARY, message)
        (answer,) = self._crate.ask({"from": "viewer", "stream": frame.hex()})
        assert answer.get("read", "").startswith(words), answer
        self.send(bytes.fromhex(answer["written"]))

    def send(self, frame: bytes) -> None:
        """Sends a frame as it is."""
        self._loop.run(self._writer.write(frame))


@pytest.fixture
def gateway(sdk: Sdk, server: LiveKitServer, room: str, tmp_path: Path) -> Iterator[Sdk]:
    """The vendor's gateway in the test's room."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    token = mint_token(server.key, server.secret, room, "vendor")
    script = str(ROOT / "bench/programs/vendor_api.py")
    arguments = [sys.executable, script, f"--port={port}", f"--room={room}", f"--livekit-url={server.url}"]
    api = ChildProcess("vendor API", arguments, tmp_path / "api.log", {"LIVEKIT_TOKEN": token})
    sdk.run(GATEWAY.format(port=port))
    yield sdk
    api.kill()


def test_everything_that_is_said_and_heard(
    gateway: Sdk, wire_forms: LineProgram, server: LiveKitServer, room: str, loop: Loop
) -> None:
    viewer = Viewer(loop, wire_forms)
    viewer.join(server.url, mint_token(server.key, server.secret, room, "viewer"))
    try:
        channel, service = _subscribe(gateway, viewer, wire_forms)
        _ask(gateway, viewer, service)
        _publish(gateway, viewer)
        _announce(gateway, viewer, channel)
    finally:
        viewer.leave()


def _heard(gateway: Sdk, *event: Any) -> None:
    wait_until(lambda: list(event) in gateway.run("result = heard"), f"{event} at the gateway")


def _subscribe(gateway: Sdk, viewer: Viewer, wire_forms: LineProgram) -> tuple[int, int]:
    assert viewer.wait("ServerInfo")["name"] == "vendor"
    (channel,) = (each["id"] for each in viewer.wait("Advertise {")["channels"])
    (service,) = (each["id"] for each in viewer.wait("AdvertiseServices {")["services"])
    viewer.open()
    # This shape is of a later version than our viewers speak; our robot reads it.
    frame = wire.text_frame({"op": "subscribe", "channels": [{"id": channel}]})
    (answer,) = wire_forms.ask({"from": "viewer", "stream": frame.hex()})
    assert answer["read"] == f"Subscribe([ChannelId({channel})])"
    viewer.send(frame)
    _heard(gateway, "subscribe", "/words")
    gateway.run(r'channel.log(b"\x00\x01\xff", log_time=2**60 + 1)')
    words = f"MessageData {{ channel: ChannelId({channel}), log_time: {2**60 + 1}, message: "
    assert viewer.wait(words).data == b"\x00\x01\xff"
    viewer.say({"op": "unsubscribe", "channelIds": [channel]}, "Unsubscribe(")
    _heard(gateway, "unsubscribe", "/words")
    return channel, service


def _ask(gateway: Sdk, viewer: Viewer, service: int) -> None:
    viewer.say(b"\x04" + (7).to_bytes(8, "little"), "Ping { timestamp: 7 }")
    pong = viewer.wait("Pong { timestamp: 7, device_timestamp: ")
    viewer.say(b"\x05" + pong.device_timestamp.to_bytes(8, "little"), "PingAck")
    call = wire.service_call_frame(service, 9, "cdr", b"\x01\x02")[5:]
    viewer.say(call, "ServiceCallRequest(")
    _heard(gateway, "call", "/work", 9, "cdr", "0102")
    words = f'ServiceCallResponse(ServicePayload {{ service: ServiceId({service}), call: CallId(9), encoding: "cdr", '
    assert viewer.wait(words).payload == b"\x02\x01"
    viewer.say(wire.service_call_frame(service, 10, "cdr", b"fail")[5:], "ServiceCallRequest(")
    viewer.wait(f"ServiceCallFailure {{ service_id: ServiceId({service}), call_id: CallId(10), message: ")
    for request, uri in enumerate(("package://a/mesh", "package://b/mesh")):
        viewer.say({"op": "fetchAsset", "requestId": request, "uri": uri}, "FetchAsset {")
    assert viewer.wait("FetchAssetResponse { request: AssetRequestId(0), result: Ok(").data == b"data of package://a/mesh"
    assert viewer.wait("FetchAssetResponse { request: AssetRequestId(1), result: Err(").error
    viewer.say({"op": "getParameters", "parameterNames": ["/n.a"], "id": "get"}, "GetParameters {")
    _heard(gateway, "get", ["/n.a"], "get")
    assert viewer.wait("ParameterValues {")["parameters"] == [
        {"name": "/n.a", "value": 1},
        {"name": "/n.b", "value": 2.0, "type": "float64"},
        {"name": "/n.c", "value": "AQ==", "type": "byte_array"},
    ]
    new = [{"name": "/n.b", "value": 3, "type": "float64"}, {"name": "/n.c", "value": "Ag==", "type": "byte_array"}]
    viewer.say({"op": "setParameters", "parameters": new, "id": "set"}, "SetParameters {")
    _heard(gateway, "set", [["/n.b", "3.0"], ["/n.c", "b'\\x02'"]], "set")
    for operation, event in (("subscribe", "watch"), ("unsubscribe", "unwatch")):
        message = {"op": f"{operation}ParameterUpdates", "parameterNames": ["/n.a"]}
        viewer.say(message, f"{operation.capitalize()}ParameterUpdates(")
        _heard(gateway, event, ["/n.a"])


def _publish(gateway: Sdk, viewer: Viewer) -> None:
    channel = {"id": 3, "topic": "/chat", "encoding": "cdr", "schemaName": "std_msgs/msg/String", "schemaEncoding": "ros2msg"}
    viewer.say({"op": "advertise", "channels": [{**channel, "schema": "string data"}]}, "Advertise(")
    _heard(gateway, "advertise", "/chat", "cdr", "std_msgs/msg/String")
    viewer.say(wire.message_frame(3, b"\x00\xff")[5:], "MessageData {")
    _heard(gateway, "message", "/chat", "00ff")
    viewer.say({"op": "unadvertise", "channelIds": [3]}, "Unadvertise(")
    _heard(gateway, "unadvertise", "/chat")


def _announce(gateway: Sdk, viewer: Viewer, channel: int) -> None:
    viewer.say({"op": "subscribeConnectionGraph"}, "SubscribeConnectionGraph")
    _heard(gateway, "graph")
    gateway.run("""
        graph = ConnectionGraph()
        graph.set_published_topic("/words", ["/p"])
        graph.set_subscribed_topic("/words", ["/s"])
        graph.set_advertised_service("/work", ["/w"])
        gateway.publish_connection_graph(graph)
        gateway.publish_connection_graph(ConnectionGraph())
        gateway.publish_status("careful", StatusLevel.Warning, "s")
        gateway.remove_status(["s"])
        gateway.remove_services(["/work"])
        channel.close()
    """)
    graph = 'published_topics: [PublishedTopic { name: "/words", publisher_ids: ["/p"] }], '
    viewer.wait(f"ConnectionGraphUpdate(GraphUpdate {{ {graph}")
    removed = 'advertised_services: [], removed_topics: ["/words"], removed_services: ["/work"]'
    viewer.wait(f"ConnectionGraphUpdate(GraphUpdate {{ published_topics: [], subscribed_topics: [], {removed}")
    viewer.say({"op": "unsubscribeConnectionGraph"}, "UnsubscribeConnectionGraph")
    _heard(gateway, "no graph")
    viewer.wait('Status { level: Warning, message: "careful", id: Some("s"), wheel: None }')
    viewer.wait('RemoveStatus { status_ids: ["s"] }')
    viewer.wait("UnadvertiseServices {")
    viewer.wait(f"Unadvertise {{ channel_ids: [ChannelId({channel})] }}")
