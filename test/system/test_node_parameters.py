"""Parameters of all nodes: read, set and watched by viewers, with their types."""

from __future__ import annotations

import base64
import signal

import pytest

from conftest import BridgeFactory, PeerFactory, ViewerFactory
from processes import wait_until
from ros_side import Peer
from viewer_client import Viewer

DECLARE = """
node.declare_parameter("a.bool", True)
node.declare_parameter("a.integer", 7)
node.declare_parameter("a.double", 2.0)
node.declare_parameter("a.string", "text")
node.declare_parameter("a.bytes", [b"\\x01", b"\\xff"])
node.declare_parameter("a.bools", [True, False])
node.declare_parameter("a.integers", [1, 2])
node.declare_parameter("a.doubles", [1.0, 2.5])
node.declare_parameter("a.strings", ["x", "y"])
"""
VALUES = {
    "/peer.a.bool": (None, True),
    "/peer.a.integer": (None, 7),
    "/peer.a.double": ("float64", 2.0),
    "/peer.a.string": (None, "text"),
    "/peer.a.bytes": ("byte_array", base64.b64encode(b"\x01\xff").decode()),
    "/peer.a.bools": (None, [True, False]),
    "/peer.a.integers": (None, [1, 2]),
    "/peer.a.doubles": ("float64_array", [1.0, 2.5]),
    "/peer.a.strings": (None, ["x", "y"]),
}


@pytest.fixture
def declared(peer: Peer) -> Peer:
    """A node with a parameter of each type."""
    peer.run(DECLARE)
    return peer


@pytest.fixture
def setter(new_bridge: BridgeFactory, new_viewer: ViewerFactory, declared: Peer) -> Viewer:
    """A viewer that may do everything with parameters."""
    new_bridge({"capabilities": "['parameters', 'parametersSubscribe']"})
    viewer = new_viewer()
    wait_until(lambda: "/peer.a.bool" in viewer.parameters("/peer.a.bool"), "the node's parameters", pause=0.2)
    return viewer


def _value(peer: Peer, name: str) -> object:
    return peer.run(f'value = node.get_parameter("{name}").value; result = [type(value).__name__, str(value)]')


def test_every_type_is_read_with_its_type(setter: Viewer) -> None:
    found = setter.parameters(*VALUES)
    assert {name: (each.get("type"), each["value"]) for name, each in found.items()} == VALUES
    everything = setter.parameters()
    assert set(VALUES) <= set(everything)
    # The bridge is a node as any other.
    assert "/remote_access_bridge.room" in everything


def test_every_type_is_set_and_stays_what_it_is(setter: Viewer, declared: Peer) -> None:
    new = {
        "/peer.a.bool": (None, False),
        "/peer.a.integer": (None, 8),
        # A number without a fraction, as JavaScript writes it: the parameter stays a double.
        "/peer.a.double": (None, 3),
        "/peer.a.string": (None, "other"),
        "/peer.a.bytes": ("byte_array", base64.b64encode(b"\x02").decode()),
        "/peer.a.bools": (None, [False]),
        "/peer.a.integers": (None, [3]),
        "/peer.a.doubles": (None, [3, 4]),
        "/peer.a.strings": (None, []),
    }
    request = [{"name": n, "value": v, **({"type": t} if t else {})} for n, (t, v) in new.items()]
    found = setter.set_parameters(*request)
    assert {name: each["value"] for name, each in found.items()} == {name: value for name, (_, value) in new.items()}
    assert found["/peer.a.double"]["type"] == "float64"
    assert _value(declared, "a.integer") == ["int", "8"]
    assert _value(declared, "a.double") == ["float", "3.0"]
    assert _value(declared, "a.strings")[1] == "[]"
    assert setter.texts("status") == []


def test_what_a_node_refuses_is_told_and_the_answer_has_the_old_value(setter: Viewer, declared: Peer) -> None:
    declared.run("""
        from rcl_interfaces.msg import ParameterDescriptor
        node.declare_parameter("fixed", 1, ParameterDescriptor(read_only=True))
    """)
    found = setter.set_parameters({"name": "/peer.fixed", "value": 2}, {"name": "/peer.a.integer", "value": 5})
    assert {name: each["value"] for name, each in found.items()} == {"/peer.fixed": 1, "/peer.a.integer": 5}
    setter.wait_status("parameter /peer.fixed: ")
    setter.set_parameters({"name": "/peer.a.bytes", "type": "byte_array", "value": "*"})
    setter.wait_status("parameter /peer.a.bytes: a byte array must be a string of base64")
    setter.set_parameters({"name": "/nobody.a", "value": 1})
    setter.wait_status("parameter /nobody.a: ")


def test_changes_are_told_to_those_who_watch(setter: Viewer, declared: Peer, new_viewer: ViewerFactory) -> None:
    other = new_viewer()
    other.wait_text("serverInfo")
    setter.send({"op": "subscribeParameterUpdates", "parameterNames": ["/peer.a.integer"]})
    setter.ping()
    asked = len(setter.texts("parameterValues"))
    number = iter(range(100, 10_000))

    def told() -> bool:
        declared.run(f"""
            from rclpy.parameter import Parameter
            node.set_parameters([Parameter("a.integer", value={next(number)}), Parameter("a.string", value="s")])
        """)
        return len(setter.texts("parameterValues")) > asked

    wait_until(told, "a change", pause=0.2)
    changes = setter.texts("parameterValues")[asked:]
    assert all([each["name"] for each in change["parameters"]] == ["/peer.a.integer"] for change in changes)
    assert changes[-1]["parameters"][0]["value"] >= 100
    other.ping()
    assert other.texts("parameterValues") == []


def test_reading_is_allowed_by_default_and_setting_is_not(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, declared: Peer
) -> None:
    new_bridge()
    viewer = new_viewer()
    capabilities = viewer.wait_text("serverInfo")["capabilities"]
    assert capabilities == ["parameters", "parametersSubscribe", "connectionGraph"]
    wait_until(lambda: viewer.parameters("/peer.a.integer"), "the parameter", pause=0.2)
    viewer.send({"op": "setParameters", "parameters": [{"name": "/peer.a.integer", "value": 9}]})
    assert '"parameters"' in viewer.wait_status("setting parameters is not allowed")
    assert viewer.parameters("/peer.a.integer")["/peer.a.integer"]["value"] == 7


def test_the_whitelist_of_parameters_holds(new_bridge: BridgeFactory, new_viewer: ViewerFactory, declared: Peer) -> None:
    new_bridge({"capabilities": "['parameters']", "param_whitelist": "['/peer.a.integer.*']"})
    viewer = new_viewer()
    wait_until(lambda: viewer.parameters(), "parameters", pause=0.2)
    assert set(viewer.parameters()) == {"/peer.a.integer", "/peer.a.integers"}
    viewer.set_parameters({"name": "/peer.a.string", "value": "no"})
    assert "param_whitelist" in viewer.wait_status("parameter /peer.a.string: ")
    assert _value(declared, "a.string") == ["str", "text"]


def test_a_node_that_does_not_answer_delays_nobody_for_long(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, declared: Peer, new_peer: PeerFactory
) -> None:
    new_bridge({"parameter_timeout_ms": "500"})
    stuck = new_peer("stuck")
    stuck.run('node.declare_parameter("here", 1)')
    viewer = new_viewer()
    wait_until(lambda: {"/peer.a.bool", "/stuck.here"} <= set(viewer.parameters()), "both nodes", pause=0.2)
    stuck.signal(signal.SIGSTOP)
    found = viewer.parameters()
    assert "/peer.a.bool" in found
    assert "/stuck.here" not in found
    stuck.signal(signal.SIGCONT)
    wait_until(lambda: "/stuck.here" in viewer.parameters(), "the node that is back", pause=0.5)
