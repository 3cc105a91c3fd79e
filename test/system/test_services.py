"""Viewers call services of real nodes, in CDR and JSON, and get one answer to each call."""

from __future__ import annotations

import json
import signal

import pytest
from rcl_interfaces.srv import ListParameters
from rclpy.serialization import deserialize_message, serialize_message
from std_srvs.srv import SetBool, Trigger

from conftest import BridgeFactory, ViewerFactory
from ros_side import Peer
from viewer_client import Viewer
from wire import ServiceResponse

SET_BOOL = """
from std_srvs.srv import SetBool
def answer(request, response):
    response.success = request.data
    response.message = "on" if request.data else "off"
    return response
service = node.create_service(SetBool, "/switch", answer)
"""
TRIGGER = """
from std_srvs.srv import Trigger
def answer(request, response):
    response.success = True
    response.message = "x" * {size}
    return response
trigger = node.create_service(Trigger, "/{name}", answer)
"""


@pytest.fixture
def caller(new_bridge: BridgeFactory, new_viewer: ViewerFactory) -> Viewer:
    """A viewer that may call services."""
    new_bridge({"capabilities": "['services']", "service_timeouts": "['/silent.*=700']"})
    return new_viewer()


def _answer(viewer: Viewer, call: int) -> str:
    answer = viewer.wait_call(call)
    assert isinstance(answer, dict), answer
    return answer["message"]


def test_a_service_is_offered_with_its_schemas_and_called(caller: Viewer, peer: Peer) -> None:
    peer.run(SET_BOOL)
    service = caller.wait_service("/switch")
    assert service["type"] == "std_srvs/srv/SetBool"
    request, response = service["request"], service["response"]
    assert (request["schemaName"], request["schemaEncoding"]) == ("std_srvs/srv/SetBool_Request", "ros2msg")
    assert "bool data" in request["schema"]
    assert (response["encoding"], response["schemaName"]) == ("cdr", "std_srvs/srv/SetBool_Response")
    assert "string message" in response["schema"]

    payload = caller.call("/switch", serialize_message(SetBool.Request(data=True)))
    assert deserialize_message(payload, SetBool.Response) == SetBool.Response(success=True, message="on")
    payload = caller.call("/switch", json.dumps({"data": False}).encode(), "json")
    assert json.loads(payload) == {"success": False, "message": "off"}


def test_services_of_nested_types_work_too(caller: Viewer, peer: Peer) -> None:
    """Those of the parameters of a node, which every node has."""
    peer.run('node.declare_parameter("speed", 1.0)')
    request = ListParameters.Request(prefixes=["speed"])
    payload = caller.call("/peer/list_parameters", serialize_message(request))
    assert deserialize_message(payload, ListParameters.Response).result.names == ["speed"]


def test_a_bad_request_fails_and_does_not_reach_the_server(caller: Viewer, peer: Peer) -> None:
    peer.run(SET_BOOL)
    service = caller.wait_service("/switch")["id"]
    assert _answer(caller, caller.start_call(service, b"\x00"))
    assert _answer(caller, caller.start_call(service, b"no json", "json"))
    assert "encoding" in _answer(caller, caller.start_call(service, b"", "protobuf"))
    assert "no such service" in _answer(caller, caller.start_call(4_000_000, b""))
    caller.call("/switch", b'{"data": true}', "json")


def test_a_server_that_does_not_answer_fails_in_the_time_of_its_name(caller: Viewer, peer: Peer) -> None:
    peer.run(TRIGGER.format(name="silent", size=1))
    service = caller.wait_service("/silent")["id"]
    caller.call("/silent", serialize_message(Trigger.Request()))
    peer.signal(signal.SIGSTOP)
    call = caller.start_call(service, serialize_message(Trigger.Request()))
    assert _answer(caller, call) == "no response within 700 ms"
    peer.signal(signal.SIGCONT)
    # The late response is dropped; the next call works.
    caller.call("/silent", serialize_message(Trigger.Request()))
    assert len(caller.call_answers(call)) == 1


def test_many_calls_at_once_get_one_answer_each(caller: Viewer, peer: Peer) -> None:
    peer.run(SET_BOOL)
    service = caller.wait_service("/switch")["id"]
    calls = [caller.start_call(service, serialize_message(SetBool.Request(data=True))) for _ in range(100)]
    answers = [caller.wait_call(call) for call in calls]
    caller.ping()
    assert all(len(caller.call_answers(call)) == 1 for call in calls)
    refused = [answer["message"] for answer in answers if isinstance(answer, dict)]
    assert all("calls are possible at once" in message for message in refused), refused
    assert len(refused) < 100


def test_a_large_response_arrives_and_does_not_hold_up_others(caller: Viewer, peer: Peer) -> None:
    peer.run(TRIGGER.format(name="large", size=8_000_000))
    call = caller.start_call(caller.wait_service("/large")["id"], serialize_message(Trigger.Request()))
    pings = 0
    while not caller.call_answers(call):
        caller.ping()
        pings += 1
    answer = caller.wait_call(call)
    assert isinstance(answer, ServiceResponse)
    assert len(deserialize_message(answer.payload, Trigger.Response).message) == 8_000_000
    assert pings > 1


def test_a_service_that_goes_is_withdrawn_and_its_calls_fail(caller: Viewer, peer: Peer) -> None:
    peer.run(SET_BOOL)
    service = caller.wait_service("/switch")["id"]
    caller.call("/switch", b'{"data": true}', "json")
    peer.run("node.destroy_service(service)")
    caller.wait_for(lambda: "/switch" not in caller.services(), "withdrawal of /switch")
    assert "no such service" in _answer(caller, caller.start_call(service, b'{"data": true}', "json"))
    # It comes back under another id.
    peer.run(SET_BOOL)
    assert caller.wait_service("/switch")["id"] != service
    caller.call("/switch", b'{"data": true}', "json")


def test_the_whitelist_of_services_holds(new_bridge: BridgeFactory, new_viewer: ViewerFactory, peer: Peer) -> None:
    new_bridge({"capabilities": "['services']", "service_whitelist": "['/open.*']"})
    peer.run(TRIGGER.format(name="secret", size=1))
    peer.run(TRIGGER.format(name="open", size=1))
    viewer = new_viewer()
    viewer.wait_service("/open")
    assert set(viewer.services()) == {"/open"}


def test_nobody_calls_unless_it_is_allowed(new_bridge: BridgeFactory, new_viewer: ViewerFactory, peer: Peer) -> None:
    new_bridge()
    peer.run(SET_BOOL)
    viewer = new_viewer()
    assert "services" not in viewer.wait_text("serverInfo")["capabilities"]
    for service in range(1, 20):
        text = _answer(viewer, viewer.start_call(service, b'{"data": true}', "json"))
        assert '"services"' in text
    assert viewer.services() == {}
