"""Services, parameters, graph, assets, publishing and time of real nodes, for the tools on the gateway's machine.

Each test has three clients at once, one for each subprotocol: the protocol's reference client twice, and our own one for
the newest, which that does not know. All of them choose the same ids, so that an answer that went astray would be seen.
"""

from __future__ import annotations

import base64
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ament_index_python.packages import get_package_share_directory
from rclpy.serialization import deserialize_message, serialize_message
from std_srvs.srv import SetBool

from conftest import BridgeFactory, ClientFactory
from messages import build
from processes import wait_until
from reference_client import ReferenceClient, binary, data_of
from ros_side import Observer, Peer, Publisher
from same_client import SameClient
from viewer_gateway import ViewerGateway
from wire import Json

STRING = "std_msgs/msg/String"
Client = ReferenceClient | SameClient
Clients = list[Client]


@pytest.fixture
def clients(reference_program: Path, gateway: ViewerGateway, new_client: ClientFactory) -> Iterator[Clients]:
    """A client for each subprotocol, connected to the same program."""
    references = [ReferenceClient(reference_program, gateway.port, each) for each in ("foxglove.websocket.v1", "foxglove.sdk.v1")]
    newest = new_client(gateway, "foxglove.sdk.v1.1")
    assert newest.subprotocol == "foxglove.sdk.v1.1"
    yield [*references, SameClient(newest)]
    for reference in references:
        reference.close()
        assert reference.values("error") == []
        assert reference.values("close") == [1005]


def wait_offer(clients: Clients, capability: str) -> None:
    """Waits until each knows a robot that can do something."""
    for client in clients:
        client.wait_for(
            lambda c=client: any(capability in info["capabilities"] for info in c.values("serverInfo")[-1:]), capability
        )


def service_of(client: Client, name: str) -> Json:
    """Waits until a service is offered."""

    def find() -> Json | None:
        gone = {each for ids in client.values("unadvertiseServices") for each in ids}
        offered = [each for services in client.values("advertiseServices") for each in services]
        return next((each for each in reversed(offered) if each["name"] == name and each["id"] not in gone), None)

    return client.wait_for(find, f"service {name}")


def start_call(client: Client, service: int, call: int, payload: bytes, encoding: str = "cdr") -> None:
    request = {"serviceId": service, "callId": call, "encoding": encoding, "data": binary(payload)}
    client.call("sendServiceCallRequest", request)


def answers(client: Client, call: int) -> list[Json]:
    """The answers to a call so far."""
    found = client.values("serviceCallResponse") + client.values("serviceCallFailure")
    return [answer for answer in found if answer["callId"] == call]


def answer(client: Client, call: int) -> Json:
    """Waits for the answer to a call."""
    return client.wait_for(lambda: next(iter(answers(client, call)), None), f"answer to call {call}")


def statuses(client: Client) -> list[str]:
    return [status["message"] for status in client.values("status")]


def test_services_are_offered_and_called(new_bridge: BridgeFactory, peer: Peer, clients: Clients) -> None:
    new_bridge({"capabilities": "['services']", "service_timeouts": "['/silent.*=700']"})
    peer.run("""
        from std_srvs.srv import SetBool, Trigger
        def answer(request, response):
            response.success = request.data
            response.message = "on" if request.data else "off"
            return response
        service = node.create_service(SetBool, "/switch", answer)
        silent = node.create_service(Trigger, "/silent", lambda request, response: response)
    """)
    wait_offer(clients, "services")
    for client in clients:
        offered = service_of(client, "/switch")
        assert offered["type"] == "std_srvs/srv/SetBool"
        request, response = offered["request"], offered["response"]
        assert (request["encoding"], request["schemaEncoding"]) == ("cdr", "ros2msg")
        assert request["schemaName"] == "std_srvs/srv/SetBool_Request"
        assert response["schemaName"] == "std_srvs/srv/SetBool_Response"
        assert "bool data" in request["schema"]
        assert "string message" in response["schema"]
    # All at once, under the same numbers, each with a request of its own.
    wanted = [True, False, True]
    for client, data in zip(clients, wanted, strict=True):
        service = service_of(client, "/switch")["id"]
        start_call(client, service, 1, serialize_message(SetBool.Request(data=data)))
        start_call(client, service, 2, json.dumps({"data": not data}).encode(), "json")
        start_call(client, service, 3, b"\x00")
        start_call(client, service, 4, b"{}", "protobuf")
        start_call(client, 4_000_000, 5, b"")
    for client, data in zip(clients, wanted, strict=True):
        first = answer(client, 1)
        assert (first["serviceId"], first["encoding"]) == (service_of(client, "/switch")["id"], "cdr")
        response = deserialize_message(data_of(first), SetBool.Response)
        assert response == SetBool.Response(success=data, message="on" if data else "off")
        second = answer(client, 2)
        assert second["encoding"] == "json"
        assert json.loads(data_of(second)) == {"success": not data, "message": "off" if data else "on"}
        for call, reason in ((3, "SetBool_Request"), (4, "protobuf"), (5, "there is no service 4000000")):
            failure = answer(client, call)
            assert "data" not in failure
            assert reason in failure["message"]
    # A server that does not answer, and one that goes.
    silent = service_of(clients[0], "/silent")["id"]
    peer.signal(signal.SIGSTOP)
    for client in clients:
        start_call(client, silent, 6, b"{}", "json")
    for client in clients:
        assert answer(client, 6)["message"] == "no response within 700 ms"
    peer.signal(signal.SIGCONT)
    gone = service_of(clients[0], "/switch")["id"]
    peer.run("node.destroy_service(service)")
    for client in clients:
        client.wait_for(lambda c=client: [gone] in c.values("unadvertiseServices"), "end of /switch")
        assert [len(answers(client, call)) for call in range(1, 7)] == [1] * 6
    # It comes back under another id, with which it is called.
    peer.run('service = node.create_service(SetBool, "/switch", answer)')
    for client in clients:
        again = service_of(client, "/switch")["id"]
        assert again != gone
        start_call(client, again, 7, b'{"data": true}', "json")
        assert json.loads(data_of(answer(client, 7)))["success"] is True


VALUES = {
    "/peer.a.bool": (None, True),
    "/peer.a.integer": (None, 7),
    "/peer.a.double": ("float64", 2.5),
    "/peer.a.string": (None, "text"),
    "/peer.a.bytes": ("byte_array", base64.b64encode(b"\x01\xff").decode()),
    "/peer.a.integers": (None, [1, 2]),
    "/peer.a.doubles": ("float64_array", [1.5, 2.5]),
    "/peer.a.strings": (None, ["x", "y"]),
}


@pytest.fixture
def declared(peer: Peer) -> Peer:
    """A node with parameters."""
    peer.run("""
        from rclpy.parameter import Parameter
        values = {
            "bool": True, "integer": 7, "double": 2.5, "string": "text", "bytes": [b"\\x01", b"\\xff"],
            "integers": [1, 2], "doubles": [1.5, 2.5], "strings": ["x", "y"],
        }
        for name, value in values.items():
            node.declare_parameter(f"a.{name}", value)
    """)
    return peer


def values_of(client: Client, request: str) -> dict[str, Json]:
    """Waits for the answer to a request for parameters."""
    found = client.wait_for(
        lambda: next((v for v in client.values("parameterValues") if v.get("id") == request), None), f"answer {request}"
    )
    return {parameter["name"]: parameter for parameter in found["parameters"]}


def updates(client: Client) -> dict[str, list[Any]]:
    """The changes that a client was told, by name."""
    told: dict[str, list[Any]] = {}
    for update in client.values("parameterValues"):
        if update.get("id") is None:
            for parameter in update["parameters"]:
                told.setdefault(parameter["name"], []).append(parameter["value"])
    return told


def test_parameters_are_read_set_and_followed(new_bridge: BridgeFactory, declared: Peer, clients: Clients) -> None:
    new_bridge({"capabilities": "['parameters', 'parametersSubscribe']"})
    wait_offer(clients, "parameters")
    number = iter(range(10_000))

    def known() -> bool:
        request = f"known {next(number)}"
        clients[0].call("getParameters", [], request)
        return set(VALUES) <= set(values_of(clients[0], request))

    wait_until(known, "the node's parameters", pause=0.2)
    for client in clients:
        client.call("getParameters", list(VALUES), "get")
    for client in clients:
        found = values_of(client, "get")
        assert {name: (each.get("type"), each["value"]) for name, each in found.items()} == VALUES
    # Two watch one parameter each, the third everything.
    clients[0].call("subscribeParameterUpdates", ["/peer.a.integer"])
    clients[1].call("subscribeParameterUpdates", ["/peer.a.double"])
    clients[2].call("subscribeParameterUpdates", [])
    for index, client in enumerate(clients):
        # 3 without a fraction is what JavaScript makes of 3.0: a double stays a double.
        new = [{"name": "/peer.a.integer", "value": 10 + index}, {"name": "/peer.a.double", "value": 3 + index}]
        client.call("setParameters", new, "set")
        found = values_of(client, "set")
        assert found["/peer.a.integer"]["value"] == 10 + index
        assert "type" not in found["/peer.a.integer"]
        assert (found["/peer.a.double"]["type"], found["/peer.a.double"]["value"]) == ("float64", 3 + index)
        kinds = "[type(node.get_parameter(f'a.{name}').value).__name__ for name in ('integer', 'double')]"
        assert declared.run(f"result = {kinds}") == ["int", "float"]
    # What a node itself changes is told, too.
    declared.run('node.set_parameters([Parameter("a.integer", value=77), Parameter("a.double", value=7.5)])')
    clients[0].wait_for(lambda: updates(clients[0]).get("/peer.a.integer", [0])[-1] == 77, "the integer")
    clients[1].wait_for(lambda: updates(clients[1]).get("/peer.a.double", [0])[-1] == 7.5, "the double")
    everything = ("/peer.a.integer", 77), ("/peer.a.double", 7.5)
    for name, value in everything:
        clients[2].wait_for(lambda n=name, v=value: updates(clients[2]).get(n, [0])[-1] == v, name)
    assert set(updates(clients[0])) == {"/peer.a.integer"}
    assert set(updates(clients[1])) == {"/peer.a.double"}
    # One stops watching and hears no more; another one still does.
    clients[2].call("unsubscribeParameterUpdates", [])
    clients[2].call("getParameters", ["/peer.a.integer"], "after")
    values_of(clients[2], "after")
    told = updates(clients[2])
    declared.run('node.set_parameters([Parameter("a.integer", value=78)])')
    clients[0].wait_for(lambda: updates(clients[0])["/peer.a.integer"][-1] == 78, "the last change")
    clients[2].call("getParameters", ["/peer.a.integer"], "last")
    assert values_of(clients[2], "last")["/peer.a.integer"]["value"] == 78
    assert updates(clients[2]) == told
    # What cannot be set is told.
    clients[1].call("setParameters", [{"name": "/peer.a.bool", "value": "maybe"}], "wrong")
    assert values_of(clients[1], "wrong")["/peer.a.bool"]["value"] is True
    clients[1].wait_for(lambda: any("/peer.a.bool" in text for text in statuses(clients[1])), "status")


def graph_of(client: Client) -> dict[str, dict[str, list[str]]]:
    """What a client makes of the updates of the graph."""
    kinds = {
        "published": ("publishedTopics", "publisherIds", "removedTopics"),
        "subscribed": ("subscribedTopics", "subscriberIds", "removedTopics"),
        "services": ("advertisedServices", "providerIds", "removedServices"),
    }
    graph: dict[str, dict[str, list[str]]] = {kind: {} for kind in kinds}
    for update in client.values("connectionGraphUpdate"):
        for kind, (entries, ids, removed) in kinds.items():
            graph[kind].update({each["name"]: each[ids] for each in update[entries]})
            for name in update[removed]:
                graph[kind].pop(name, None)
    return graph


def test_the_connection_graph_is_followed(new_bridge: BridgeFactory, publisher: Publisher, peer: Peer, clients: Clients) -> None:
    new_bridge()
    publisher.advertise("/here", STRING)
    peer.run("""
        from std_msgs.msg import String
        from std_srvs.srv import Trigger
        subscription = node.create_subscription(String, "/here", print, 10)
        service = node.create_service(Trigger, "/work", lambda request, response: response)
    """)
    wait_offer(clients, "connectionGraph")
    for client in clients:
        client.channel("/here")
        assert client.values("connectionGraphUpdate") == []

    def complete(graph: dict[str, dict[str, list[str]]]) -> bool:
        topics = graph["published"].get("/here") == ["/test_publisher"] and graph["subscribed"].get("/here") == ["/peer"]
        return topics and graph["services"].get("/work") == ["/peer"]

    # One after the other: those that come later get the whole of it, too.
    for client in clients:
        client.call("subscribeConnectionGraph")
        client.wait_for(lambda c=client: complete(graph_of(c)), "the graph")
    first, second, third = clients
    second.call("unsubscribeConnectionGraph")
    second.call("fetchAsset", "package://none", 1)
    second.wait_for(lambda: second.values("fetchAssetResponse"), "word that all before was read")
    told = len(second.values("connectionGraphUpdate"))
    publisher.withdraw("/here")
    peer.run("node.destroy_subscription(subscription); node.destroy_service(service)")
    publisher.advertise("/new", STRING)

    def changed(graph: dict[str, dict[str, list[str]]]) -> bool:
        gone = "/here" not in graph["published"] | graph["subscribed"] and "/work" not in graph["services"]
        return gone and graph["published"].get("/new") == ["/test_publisher"]

    for client in (first, third):
        client.wait_for(lambda c=client: changed(graph_of(c)), "the changes")
    assert len(second.values("connectionGraphUpdate")) == told


def test_assets_are_fetched(new_bridge: BridgeFactory, clients: Clients) -> None:
    new_bridge({"capabilities": "['assets']", "asset_uri_allowlist": "['package://std_msgs/.*']"})
    wait_offer(clients, "assets")
    files = ["String", "Header", "Bool"]
    for client, name in zip(clients, files, strict=True):
        client.call("fetchAsset", f"package://std_msgs/msg/{name}.msg", 1)
        client.call("fetchAsset", "package://geometry_msgs/msg/Twist.msg", 2)
        client.call("fetchAsset", "package://std_msgs/../geometry_msgs/msg/Twist.msg", 3)

    def of(client: Client, request: int) -> Json:
        return client.wait_for(
            lambda: next((v for v in client.values("fetchAssetResponse") if v["requestId"] == request), None), f"asset {request}"
        )

    share = Path(get_package_share_directory("std_msgs"))
    for client, name in zip(clients, files, strict=True):
        assert of(client, 1)["status"] == 0
        assert data_of(of(client, 1)) == (share / f"msg/{name}.msg").read_bytes()
        for request in (2, 3):
            assert of(client, request)["status"] == 1
            assert "data" not in of(client, request)
        assert "asset_uri_allowlist" in of(client, 2)["error"]


def test_clients_publish_in_cdr_and_json(new_bridge: BridgeFactory, observer: Observer, clients: Clients) -> None:
    new_bridge({"capabilities": "['clientPublish']"})
    wait_offer(clients, "clientPublish")
    heard: list[str] = []
    observer.create_subscription("/chat", STRING, lambda message: heard.append(message.data))
    for index, client in enumerate(clients):
        assert client.values("serverInfo")[-1]["supportedEncodings"] == ["cdr", "json"]
        # The numbers of channels are the same for each client.
        cdr = client.call("advertise", {"topic": "/chat", "encoding": "cdr", "schemaName": STRING})
        text = client.call("advertise", {"topic": "/chat", "encoding": "json", "schemaName": STRING})
        assert (cdr, text) == (1, 2)
        as_json = json.dumps({"data": f"JSON of {index}"}).encode()
        _publish_until(client, cdr, serialize_message(build(STRING, index)), lambda i=index: f"message {i}" in heard)
        _publish_until(client, text, as_json, lambda i=index: f"JSON of {i}" in heard)
    # A message that is none is told.
    clients[1].call("sendMessage", 1, binary(b"\x00\x01\x00\x00\xff\xff\xff\xff"))
    clients[1].wait_for(lambda: any("was not published" in text for text in statuses(clients[1])), "status")
    assert observer.node.count_publishers("/chat") == 1
    for client in clients:
        client.call("unadvertise", 1)
        client.call("unadvertise", 2)
    wait_until(lambda: observer.node.count_publishers("/chat") == 0, "end of the publisher")


def _publish_until(client: Client, channel: int, message: bytes, heard: Callable[[], bool]) -> None:
    def arrived() -> bool:
        # What is published before publisher and subscriber have met is lost, as it is everywhere in ROS.
        client.call("sendMessage", channel, binary(message))
        return heard()

    wait_until(arrived, "message", pause=0.2)


def test_simulated_time_is_told(new_bridge: BridgeFactory, peer: Peer, clients: Clients) -> None:
    new_bridge({"use_sim_time": "true"})
    wait_offer(clients, "time")
    peer.run("""
        from rosgraph_msgs.msg import Clock
        clock = node.create_publisher(Clock, "/clock", 10)
        seconds = 1000
        def tick():
            message = Clock()
            message.clock.sec = seconds
            clock.publish(message)
        timer = node.create_timer(0.05, tick)
    """)
    for seconds in (1000, 500):
        peer.run(f"seconds = {seconds}")
        for client in clients:
            told = str(seconds * 10**9)
            client.wait_for(lambda c=client, t=told: any(v["timestamp"] == t for v in c.values("time")), f"time {told}")


def test_what_is_not_allowed_is_told(new_bridge: BridgeFactory, declared: Peer, clients: Clients) -> None:
    new_bridge()
    asking, *others = clients
    wait_offer(clients, "connectionGraph")
    offered = {"parameters", "parametersSubscribe", "connectionGraph"}
    assert all(set(client.values("serverInfo")[-1]["capabilities"]) == offered for client in clients)
    asking.call("advertise", {"topic": "/chat", "encoding": "cdr", "schemaName": STRING})
    asking.wait_for(lambda: any('"clientPublish"' in text for text in statuses(asking)), "status about publishing")
    asking.call("setParameters", [{"name": "/peer.a.integer", "value": 9}], "set")
    asking.wait_for(lambda: any("setting parameters is not allowed" in text for text in statuses(asking)), "status")
    start_call(asking, 1, 1, b"{}", "json")
    assert answer(asking, 1)["message"]
    asking.call("fetchAsset", "package://std_msgs/msg/String.msg", 1)
    refused = asking.wait_for(lambda: next(iter(asking.values("fetchAssetResponse")), None), "answer")
    assert refused["status"] == 1
    assert not any(other.values("fetchAssetResponse") + other.values("serviceCallFailure") for other in others)
    assert declared.run('result = node.get_parameter("a.integer").value') == 7
