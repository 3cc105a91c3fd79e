"""The viewer gateway says the same things in the same form as the WebSocket server of the Foxglove SDK.

No client of `foxglove.sdk.v1.1` is in any package registry, but this server is (PyPI `foxglove-sdk`). It is made to
offer what the robot offers, and what the two say is compared, message by message, in both versions of the subprotocol.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from conftest import BridgeFactory, ClientFactory
from foxglove_client import Asset, FoxgloveClient, ServiceResponse, Time
from processes import wait_until
from ros_side import Peer, Publisher
from sdk_process import Sdk
from viewer_gateway import ViewerGateway
from wire import Json

TOPICS = {"/one": "std_msgs/msg/String", "/two": "std_msgs/msg/String", "/cloud": "sensor_msgs/msg/PointCloud2"}


SERVER = """
from foxglove import Channel, Context, Parameter, Schema, Service, ServiceSchema, MessageSchema, StatusLevel, ConnectionGraph
from foxglove.websocket import Capability

offered = {offered!r}
class Listener:
    def on_get_parameters(self, client, names, request_id=None):
        return [Parameter("/peer." + name, value=value) for name, value in VALUES.items()]
    def on_set_parameters(self, client, parameters, request_id=None):
        return parameters
    def on_parameters_subscribe(self, *arguments): pass
    def on_parameters_unsubscribe(self, *arguments): pass
    def on_connection_graph_subscribe(self, *arguments): pass
    def on_connection_graph_unsubscribe(self, *arguments): pass
    def on_client_advertise(self, *arguments): pass
    def on_client_unadvertise(self, *arguments): pass
    def on_subscribe(self, client, channel): subscribed.append(channel.topic)
    def on_unsubscribe(self, *arguments): pass
    def on_message_data(self, *arguments): pass

subscribed = []
VALUES = {values!r}
context = Context()

def schema_of(topic):
    each = offered["channels"][topic]
    return Schema(name=each["schemaName"], encoding=each["schemaEncoding"], data=each["schema"].encode())

channels = {{}}
for topic, each in offered["channels"].items():
    channels[topic] = Channel(
        topic,
        schema=schema_of(topic),
        message_encoding=each["encoding"],
        metadata=each.get("metadata") or None,
        context=context,
    )

def message_schema(each):
    schema = Schema(name=each["schemaName"], encoding=each["schemaEncoding"], data=each["schema"].encode())
    return MessageSchema(encoding=each["encoding"], schema=schema)

def answer(request):
    if request.payload == b"fail":
        raise ValueError("no")
    return bytes(reversed(request.payload))

services = [
    Service(
        each["name"],
        schema=ServiceSchema(each["type"], request=message_schema(each["request"]), response=message_schema(each["response"])),
        handler=answer,
    )
    for each in offered["services"].values()
]
server = foxglove.start_server(
    name=offered["name"],
    port=0,
    capabilities=[
        Capability.ClientPublish, Capability.ConnectionGraph, Capability.Parameters, Capability.Services, Capability.Time
    ],
    server_listener=Listener(),
    supported_encodings=["cdr", "json"],
    services=services,
    asset_handler=lambda uri: b"data of " + uri.encode() if uri.startswith("package://std_msgs/") else None,
    context=context,
    session_id="one",
)
result = server.port
"""
CAPABILITIES = ["clientPublish", "time", "parameters", "parametersSubscribe", "services", "connectionGraph", "assets"]
VALUES = {"bool": True, "integer": 7, "double": 2.0, "string": "text", "integers": [1, 2], "doubles": [1.0, 2.5]}


def without_ids(message: Json) -> Json:
    """A message of which only the form and what is offered counts."""
    numbers = {"id", "schemaId"}
    return {key: value for key, value in message.items() if key not in numbers}


def keys_of(message: Any) -> Any:
    """The names of a message's fields, at every level, and the types of what is in them."""
    if isinstance(message, dict):
        return {key: keys_of(value) for key, value in message.items()}
    if isinstance(message, list):
        kinds = {json.dumps(keys_of(each), sort_keys=True) for each in message}
        return sorted(kinds)
    return type(message).__name__


def advertised(client: FoxgloveClient, topics: set[str]) -> dict[str, Json]:
    """The advertisements of channels as they came, by topic, those of a schema table with their schema."""
    client.wait_for(lambda: topics <= set(client.channels()), "channels")
    found = {}
    for message in client.texts("advertise"):
        assert set(message) <= {"op", "channels", "schemas"}
        found.update({channel["topic"]: channel for channel in message["channels"] if channel["topic"] in topics})
    return found


def test_the_same_form_as_the_sdks_server(
    new_bridge: BridgeFactory, gateway: ViewerGateway, publisher: Publisher, peer: Peer, sdk: Sdk, new_client: ClientFactory
) -> None:
    bridge = new_bridge(
        {
            "capabilities": str(CAPABILITIES),
            "use_sim_time": "true",
            "param_whitelist": "['/peer.*']",
            "asset_uri_allowlist": "['package://std_msgs/.*']",
        }
    )
    peer.run(f"""
        from rosgraph_msgs.msg import Clock
        from std_srvs.srv import SetBool
        for name, value in {VALUES!r}.items():
            node.declare_parameter(name, value)
        service = node.create_service(SetBool, "/switch", lambda request, response: response)
        clock = node.create_publisher(Clock, "/clock", 10)
        time = Clock()
        time.clock.sec = 5
        timer = node.create_timer(0.05, lambda: clock.publish(time))
    """)
    for topic, kind in TOPICS.items():
        publisher.advertise(topic, kind)
    first = new_client(gateway)
    advertised(first, set(TOPICS))
    first.wait_for(lambda: "/switch" in first.services(), "service")
    offered = {
        "name": first.wait_for(lambda: next((m for m in first.texts("serverInfo") if m["capabilities"]), None), "robot")["name"],
        "channels": {topic: first.channels()[topic] for topic in TOPICS},
        "services": {"/switch": first.services()["/switch"]},
    }
    _wait_until_answers_arrive(first)
    port = sdk.run(SERVER.format(offered=offered, values=VALUES))
    pairs = []
    for number, subprotocol in enumerate(("foxglove.sdk.v1", "foxglove.sdk.v1.1"), 1):
        ours, theirs = new_client(gateway, subprotocol), FoxgloveClient(port, subprotocol)
        assert theirs.subprotocol == ours.subprotocol == subprotocol
        _same_offer(ours, theirs, by_table=subprotocol == "foxglove.sdk.v1.1")
        _same_answers(ours, theirs)
        _same_messages(ours, theirs, publisher, sdk, number)
        pairs.append((ours, theirs))
    # A new session makes clients forget, schemas as well: both tell them again.
    sdk.run('server.clear_session("two")')
    for _, theirs in pairs:
        theirs.wait_for(lambda t=theirs: t.texts("serverInfo")[-1]["sessionId"] == "two", "new session")
    sdk.run('again = Channel("/again", schema=schema_of("/one"), message_encoding="cdr", context=context)')
    bridge.stop()
    new_bridge()
    publisher.advertise("/again", TOPICS["/one"])
    for client in (client for pair in pairs for client in pair):
        client.wait_for(lambda c=client: "/again" in c.channels(), "channels of the new session")
        assert client.channels()["/again"]["schema"] == offered["channels"]["/one"]["schema"]
    for _, theirs in pairs:
        theirs.close()


def _same_offer(ours: FoxgloveClient, theirs: FoxgloveClient, *, by_table: bool) -> None:
    """What is offered is the same to the last field."""
    our_channels, their_channels = (advertised(client, set(TOPICS)) for client in (ours, theirs))
    assert {t: without_ids(c) for t, c in our_channels.items()} == {t: without_ids(c) for t, c in their_channels.items()}
    for client, channels in ((ours, our_channels), (theirs, their_channels)):
        schemas = [schema for message in client.texts("advertise") for schema in message.get("schemas", [])]
        assert bool(schemas) == by_table
        if by_table:
            assert len({schema["id"] for schema in schemas}) == len(schemas)
            # Two channels of a type have one schema, which was told once.
            assert channels["/one"]["schemaId"] == channels["/two"]["schemaId"] != channels["/cloud"]["schemaId"]
            assert [each["name"] for each in schemas].count("std_msgs/msg/String") == 1
            assert all(set(schema) == {"id", "name", "encoding", "data"} for schema in schemas)
    for topic in TOPICS:
        assert without_ids(ours.channels()[topic]) == without_ids(theirs.channels()[topic])
    our_service, their_service = (client.wait_for(lambda c=client: c.services().get("/switch"), "s") for client in (ours, theirs))
    assert without_ids(our_service) == without_ids(their_service)
    info, their_info = ours.texts("serverInfo")[-1], theirs.wait_text("serverInfo")
    assert set(info["capabilities"]) == set(their_info["capabilities"]) == set(CAPABILITIES)
    assert keys_of({**info, "metadata": 0}) == keys_of({**their_info, "metadata": 0})


def _wait_until_answers_arrive(client: FoxgloveClient) -> None:
    """Calls until one call is answered: Fast DDS loses what a node answers to a client that it has not discovered yet."""
    numbers = itertools.count(1)

    def answered() -> bool:
        client.call_service(client.services()["/switch"]["id"], next(numbers), b"\x00\x01\x00\x00\x01")
        return bool(client.of(ServiceResponse))

    wait_until(answered, "an answer of /switch", pause=0.5)


def _same_answers(ours: FoxgloveClient, theirs: FoxgloveClient) -> None:
    """Each is asked in the same words, and answers in the same form."""
    for client in (ours, theirs):
        client.send({"op": "getParameters", "parameterNames": [], "id": "all"})
        client.send({"op": "subscribeConnectionGraph"})
        for request, uri in enumerate(("package://std_msgs/msg/String.msg", "package://nowhere/x")):
            client.send({"op": "fetchAsset", "requestId": request, "uri": uri})
        service = client.services()["/switch"]["id"]
        client.call_service(service, 1, b"\x00\x01\x00\x00\x01")
        client.call_service(service, 2, b"fail")
        client.call_service(4_000_000, 3, b"")
        client.wait_text("serviceCallFailure", 2)
        client.wait_for(lambda c=client: len(c.of(Asset)) == 2 and c.of(ServiceResponse), "answers")
        assert {asset.request: asset.error is None for asset in client.of(Asset)} == {0: True, 1: False}
        assert [(answer.service, answer.call, answer.encoding) for answer in client.of(ServiceResponse)] == [(service, 1, "cdr")]
        for failure in client.texts("serviceCallFailure"):
            assert keys_of(failure) == {"op": "str", "serviceId": "int", "callId": "int", "message": "str"}
    answers = [client.wait_text("parameterValues") for client in (ours, theirs)]
    our_values, their_values = ({each["name"]: each for each in answer["parameters"]} for answer in answers)
    assert {name: our_values[name] for name in their_values} == their_values
    assert [set(answer) for answer in answers] == [{"op", "id", "parameters"}] * 2


def _same_messages(ours: FoxgloveClient, theirs: FoxgloveClient, publisher: Publisher, sdk: Sdk, number: int) -> None:
    """What comes unasked is the same, too."""
    sdk.run("""
        graph = ConnectionGraph()
        graph.set_published_topic("/one", ["/test_publisher"])
        graph.set_subscribed_topic("/one", ["/x"])
        graph.set_advertised_service("/switch", ["/peer"])
        server.publish_connection_graph(graph)
        server.broadcast_time(5_000_000_000)
        server.publish_status("careful", StatusLevel.Warning, "s")
        server.remove_status(["s"])
    """)
    for client in (ours, theirs):
        client.subscribe("/one")
    publisher.match("/one")
    publisher.publish("/one", number)
    theirs.wait_for(lambda: sdk.run("result = subscribed") == ["/one"] * number, "subscription")
    (message,) = ours.wait_data("/one")
    sdk.run(f'channels["/one"].log({message.payload!r}, log_time={message.log_time})')
    (same,) = theirs.wait_data("/one")
    assert (same.payload, same.log_time) == (message.payload, message.log_time)
    fields = {"op", "publishedTopics", "subscribedTopics", "advertisedServices", "removedTopics", "removedServices"}
    for client in (ours, theirs):
        client.wait_for(lambda c=client: Time(5_000_000_000) in c.of(Time), "time")
        graph = client.wait_for(
            lambda c=client: next((m for m in c.texts("connectionGraphUpdate") if m["publishedTopics"]), None), "graph"
        )
        assert set(graph) == fields
        assert keys_of(graph["publishedTopics"]) == keys_of([{"name": "", "publisherIds": [""]}])
    status = theirs.wait_text("status")
    assert all(set(each) <= set(status) for each in ours.texts("status"))
    assert theirs.wait_text("removeStatus") == {"op": "removeStatus", "statusIds": ["s"]}
