"""Our protocol crate against `@foxglove/ws-protocol`: each reads what the other writes, and both write the same.

The words in which our crate says what it read are the check that it took each field for what it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from line_program import LineProgram
from reference_client import binary, data_of
from wire import BINARY, TEXT, Json, frame


@pytest.fixture
def reference(reference_program: Path) -> Iterator[LineProgram]:
    """Reads and writes messages with the reference implementation."""
    program = LineProgram("node", reference_program.with_name("forms.mjs"))
    yield program
    program.close()


Written = str | Json


def framed(message: Written) -> bytes:
    """A message of the reference implementation as a frame."""
    return frame(TEXT, message.encode()) if isinstance(message, str) else frame(BINARY, data_of({"data": message}))


def check(ours: LineProgram, reference: LineProgram, sender: str, message: Written, read: str) -> None:
    """Our crate takes the message for what `read` says and writes it the same way, and the reference reads that the same way."""
    (answer,) = ours.ask({"from": "robot" if sender == "server" else "viewer", "stream": framed(message).hex()})
    assert answer.get("read") == read, answer
    written = bytes.fromhex(answer["written"])
    if isinstance(message, str):
        assert written[0] == TEXT
        assert json.loads(written[5:]) == json.loads(message)
        again: Written = written[5:].decode()
    else:
        assert written == framed(message)
        again = binary(written[5:])
    events = reference.ask({"read": sender, "message": again})
    assert events == reference.ask({"read": sender, "message": message, "pair": 1})
    assert len(events) == 1, events


SCHEMA = {"schemaName": "std_msgs/msg/String", "schemaEncoding": "ros2msg", "schema": "string data"}
# A parameter of each kind, and how our crate says it.
PARAMETERS = [
    ({"name": "/n.a", "value": 1}, 'Parameter { name: "/n.a", kind: None, value: Some(Number(1)) }'),
    (
        {"name": "/n.b", "value": "AP8=", "type": "byte_array"},
        'Parameter { name: "/n.b", kind: Some(ByteArray), value: Some(String("AP8=")) }',
    ),
    (
        {"name": "/n.c", "value": 1.5, "type": "float64"},
        'Parameter { name: "/n.c", kind: Some(Float64), value: Some(Number(1.5)) }',
    ),
    (
        {"name": "/n.d", "value": [1.5, -2e300], "type": "float64_array"},
        'Parameter { name: "/n.d", kind: Some(Float64Array), value: Some(Array [Number(1.5), Number(-2e+300)]) }',
    ),
    (
        {"name": "/n.ä", "value": {"x": [True, "é\n"]}},
        'Parameter { name: "/n.ä", kind: None, value: Some(Object {"x": Array [Bool(true), String("é\\n")]}) }',
    ),
    ({"name": "/n.f"}, 'Parameter { name: "/n.f", kind: None, value: None }'),
]
VALUES = [value for value, _ in PARAMETERS]
WORDS = ", ".join(words for _, words in PARAMETERS)

CLIENT = [
    (
        "advertise",
        [{"topic": "/ä", "encoding": "cdr", **SCHEMA}],
        'Advertise([ClientChannel { id: ClientChannelId(1), topic: "/ä", encoding: "cdr", schema_name: "std_msgs/msg/String", '
        'schema_encoding: Some("ros2msg"), schema: Some("string data") }])',
    ),
    (
        "advertise",
        [{"topic": "/b", "encoding": "json", "schemaName": "c"}],
        'Advertise([ClientChannel { id: ClientChannelId(2), topic: "/b", encoding: "json", schema_name: "c", '
        "schema_encoding: None, schema: None }])",
    ),
    ("sendMessage", [2, binary(b"\x00\x01\xff")], 'MessageData { channel: ClientChannelId(2), message: b"\\0\\x01\\xff" }'),
    ("sendMessage", [1, binary(b"")], 'MessageData { channel: ClientChannelId(1), message: b"" }'),
    ("unadvertise", [1], "Unadvertise([ClientChannelId(1)])"),
    ("getParameters", [["/n.a", "/n.ä"], "id"], 'GetParameters { names: ["/n.a", "/n.ä"], id: Some("id") }'),
    ("getParameters", [[]], "GetParameters { names: [], id: None }"),
    ("setParameters", [VALUES, "id"], f'SetParameters {{ parameters: [{WORDS}], id: Some("id") }}'),
    ("setParameters", [[]], "SetParameters { parameters: [], id: None }"),
    ("subscribeParameterUpdates", [["/n.a"]], 'SubscribeParameterUpdates(["/n.a"])'),
    ("unsubscribeParameterUpdates", [["/n.a"]], 'UnsubscribeParameterUpdates(["/n.a"])'),
    (
        "sendServiceCallRequest",
        [{"serviceId": 1, "callId": 2**32 - 1, "encoding": "json", "data": binary(b"{}")}],
        'ServiceCallRequest(ServicePayload { service: ServiceId(1), call: CallId(4294967295), encoding: "json", '
        'payload: b"{}" })',
    ),
    # The reference's server says that it does not know these two; it says so of ours as well.
    ("subscribeConnectionGraph", [], "SubscribeConnectionGraph"),
    ("unsubscribeConnectionGraph", [], "UnsubscribeConnectionGraph"),
    ("fetchAsset", ["package://a/ä.stl", 7], 'FetchAsset { request: AssetRequestId(7), uri: "package://a/ä.stl" }'),
]


def test_what_clients_write(wire_forms: LineProgram, reference: LineProgram) -> None:
    for method, arguments, read in CLIENT:
        (message,) = reference.ask({"write": "client", "method": method, "args": arguments})
        check(wire_forms, reference, "client", message, read)


def response(name: str) -> str:
    return f'ServiceSchema {{ encoding: "cdr", schema_name: "{name}", schema_encoding: "ros2msg", schema: "bool a" }}'


def service(number: int) -> str:
    both = f"request: {response('a/srv/B_Request')}, response: {response('a/srv/B_Response')}"
    return (
        f'AdvertiseServices {{ services: [Service {{ id: ServiceId({number}), name: "/b", service_type: "a/srv/B", {both} }}] }}'
    )


def schemas(name: str) -> Json:
    return {"encoding": "cdr", "schemaName": name, "schemaEncoding": "ros2msg", "schema": "bool a"}


SERVER = [
    (
        "addChannel",
        [{"topic": "/ä", "encoding": "cdr", **SCHEMA}],
        'Advertise { channels: [Channel { id: ChannelId(1), topic: "/ä", encoding: "cdr", schema_name: "std_msgs/msg/String", '
        'schema_encoding: Some("ros2msg"), schema: "string data", metadata: {} }] }',
    ),
    (
        "addChannel",
        [{"topic": "/b", "encoding": "json", "schemaName": "c", "schema": ""}],
        'Advertise { channels: [Channel { id: ChannelId(2), topic: "/b", encoding: "json", schema_name: "c", '
        'schema_encoding: None, schema: "", metadata: {} }] }',
    ),
    ("removeChannel", [2], "Unadvertise { channel_ids: [ChannelId(2)] }"),
    (
        "addService",
        [{"name": "/b", "type": "a/srv/B", "request": schemas("a/srv/B_Request"), "response": schemas("a/srv/B_Response")}],
        service(2),
    ),
    ("removeService", [2], "UnadvertiseServices { service_ids: [ServiceId(2)] }"),
    # More than a JavaScript number holds.
    ("broadcastTime", [{"bigint": str(2**63 + 1)}], f"Time({2**63 + 1})"),
    (
        "sendServiceCallResponse",
        [{"serviceId": 1, "callId": 2, "encoding": "cdr", "data": binary(b"\x00\x01")}, "connection"],
        'ServiceCallResponse(ServicePayload { service: ServiceId(1), call: CallId(2), encoding: "cdr", payload: b"\\0\\x01" })',
    ),
    (
        "sendServiceCallFailure",
        [{"op": "serviceCallFailure", "serviceId": 1, "callId": 2, "message": "nö"}, "connection"],
        'ServiceCallFailure { service_id: ServiceId(1), call_id: CallId(2), message: "nö" }',
    ),
    (
        "sendFetchAssetResponse",
        [{"requestId": 7, "status": 0, "data": binary(b"\xff")}, "connection"],
        'FetchAssetResponse { request: AssetRequestId(7), result: Ok(b"\\xff") }',
    ),
    (
        "sendFetchAssetResponse",
        [{"requestId": 7, "status": 1, "error": "nö"}, "connection"],
        'FetchAssetResponse { request: AssetRequestId(7), result: Err(RequestFailure("nö")) }',
    ),
    (
        "publishParameterValues",
        [VALUES, "id", "connection"],
        f'ParameterValues {{ parameters: [{WORDS}], id: Some("id") }}',
    ),
    ("publishParameterValues", [VALUES], f"ParameterValues {{ parameters: [{WORDS}], id: None }}"),
    *(
        ("sendStatus", [{"level": number, "message": "nö"}], f'Status {{ level: {level}, message: "nö", id: None, wheel: None }}')
        for number, level in enumerate(("Info", "Warning", "Error"))
    ),
    (
        "sendStatus",
        [{"level": 1, "message": "m", "id": "i"}],
        'Status { level: Warning, message: "m", id: Some("i"), wheel: None }',
    ),
    ("removeStatus", [["i", "j"]], 'RemoveStatus { status_ids: ["i", "j"] }'),
]


def test_what_servers_write(wire_forms: LineProgram, reference: LineProgram) -> None:
    info, services = reference.ask({"write": "server", "method": "greet", "args": []})
    capabilities = "[ClientPublish, Time, Parameters, ParametersSubscribe, Services, ConnectionGraph, Assets]"
    about = f'capabilities: {capabilities}, supported_encodings: ["cdr", "json"], metadata: {{"distribution": "kilted"}}'
    check(wire_forms, reference, "server", info, f'ServerInfo {{ name: "robot", {about}, session_id: "one" }}')
    check(wire_forms, reference, "server", services, service(1))
    for method, arguments, read in SERVER:
        (message,) = reference.ask({"write": "server", "method": method, "args": arguments})
        check(wire_forms, reference, "server", message, read)


def test_the_graph_is_read_by_the_reference(wire_forms: LineProgram, reference: LineProgram) -> None:
    # The reference's server does not write it; this is the example of the specification.
    update: dict[str, Any] = {
        "op": "connectionGraphUpdate",
        "publishedTopics": [{"name": "/a", "publisherIds": ["/p", "/q"]}],
        "subscribedTopics": [{"name": "/a", "subscriberIds": ["/s"]}],
        "advertisedServices": [{"name": "/b", "providerIds": []}],
        "removedTopics": ["/c"],
        "removedServices": ["/d"],
    }
    read = (
        'ConnectionGraphUpdate(GraphUpdate { published_topics: [PublishedTopic { name: "/a", publisher_ids: ["/p", "/q"] }], '
        'subscribed_topics: [SubscribedTopic { name: "/a", subscriber_ids: ["/s"] }], '
        'advertised_services: [ProvidedService { name: "/b", provider_ids: [] }], '
        'removed_topics: ["/c"], removed_services: ["/d"] })'
    )
    check(wire_forms, reference, "server", json.dumps(update), read)
    assert reference.ask({"read": "server", "message": json.dumps(update)}) == [["connectionGraphUpdate", update]]
