"""No secret in anything that the bridge says: log at any level, ROS topics, parameters, metrics, and what viewers are told."""

from __future__ import annotations

import base64
import urllib.request
from pathlib import Path

from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters
from rclpy.qos import QoSProfile

from bridge_process import Bridge
from conftest import BridgeFactory, ViewerFactory
from livekit_server import LiveKitServer
from processes import wait_until
from ros_side import Observer
from viewer_client import Viewer

NAME = "remote_access_bridge"
KEY = "a key that nobody will guess"
SECRET = "the secret of this test alone, which is long enough"
CAPABILITIES = "['clientPublish', 'services', 'parameters', 'parametersSubscribe', 'connectionGraph', 'assets']"


def secrets() -> dict[str, list[bytes]]:
    """What must not be found, in the forms that it could have."""
    texts = {"the API secret": SECRET, "the encryption key": KEY}
    found = {}
    for what, text in texts.items():
        data = text.encode()
        # Base64 of a text that begins inside a group of three bytes looks different.
        inner = [base64.b64encode(data[start:])[:-4] for start in range(3)]
        found[what] = [data, data.hex().encode(), *inner]
    # Every token begins with the same JSON, in one of two orders.
    return {**found, "a token": [b"eyJhbGciOi", b"eyJ0eXAiOi"]}


def topics(observer: Observer) -> dict[str, str]:
    """The topics that the bridge publishes, with their types."""
    return {name: kinds[0] for name, kinds in observer.node.get_publisher_names_and_types_by_node(NAME, "/")}


def published(observer: Observer) -> dict[str, list[bytes]]:
    """Everything that the bridge publishes from now on, and what it keeps for those who come late, by topic."""
    heard = {}
    for topic, kind in topics(observer).items():
        (info,) = [each for each in observer.node.get_publishers_info_by_topic(topic) if each.node_name == NAME]
        profile = QoSProfile(depth=1000, reliability=info.qos_profile.reliability, durability=info.qos_profile.durability)
        heard[topic] = observer.subscribe_raw(topic, kind, profile)
    return heard


def parameters(observer: Observer) -> str:
    """All parameters of the bridge, with their values and descriptions."""
    names = observer.call(ListParameters, f"/{NAME}/list_parameters", ListParameters.Request()).result.names
    values = observer.call(GetParameters, f"/{NAME}/get_parameters", GetParameters.Request(names=names)).values
    texts = observer.call(DescribeParameters, f"/{NAME}/describe_parameters", DescribeParameters.Request(names=names)).descriptors
    return f"{names} {values} {texts}"


def ask_everything(viewer: Viewer) -> None:
    """A viewer watches all topics, and reads, sets, calls and publishes what it can."""
    viewer.wait_channel("/diagnostics")
    viewer.subscribe(*viewer.channels())
    assert f"/{NAME}.room" in viewer.parameters()
    viewer.send({"op": "setParameters", "parameters": [{"name": f"/{NAME}.livekit_url", "value": "ws://127.0.0.1:1"}]})
    viewer.send({"op": "subscribeConnectionGraph"})
    viewer.advertise("/chat", "std_msgs/msg/String")
    viewer.ping()


def test_no_secret_is_told(
    own_server: LiveKitServer, port: int, new_bridge: BridgeFactory, new_viewer: ViewerFactory, observer: Observer
) -> None:
    own_server.secret = SECRET
    own_server.start()
    bridge = new_bridge(
        {
            "capabilities": CAPABILITIES,
            "metrics_address": f"127.0.0.1:{port}",
            "diagnostics": "true",
            "audit_topic": "true",
            "include_hidden": "true",
        },
        environment={**Bridge.credentials(own_server), "LIVEKIT_E2EE_KEY": KEY, "RUST_LOG": "trace"},
    )
    observer.wait_node(NAME)
    own = {"/rosout", "/diagnostics", f"/{NAME}/connection", f"/{NAME}/viewers", f"/{NAME}/_audit"}
    wait_until(lambda: own <= topics(observer).keys(), "publishers of the bridge")
    heard = published(observer)

    viewers = [new_viewer("insider", at=own_server, key=KEY), new_viewer("outsider", at=own_server)]
    viewers.append(new_viewer("stranger", at=own_server, key="the key of somebody else"))
    ask_everything(viewers[0])
    for other in viewers[1:]:
        other.open_stream(robot=viewers[0].robot())
        other.send({"op": "subscribeConnectionGraph"})
    bridge.wait_output("it is not encrypted")
    bridge.wait_output("it is encrypted with another key")
    wait_until(lambda: all(heard[f"/{NAME}/{topic}"] for topic in ("connection", "viewers", "_audit")), "messages of the bridge")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        metrics = answer.read()
    # It loses the server, and another takes its place that does not know the secret.
    own_server.stop()
    own_server.secret = "another secret, that no token was signed with"
    own_server.start()
    # The SDK tries for a while by itself.
    bridge.wait_output("rejected the access token", seconds=120)

    told = {
        "the log": bridge.output().encode(),
        "the command line": Path(f"/proc/{bridge.process.pid}/cmdline").read_bytes(),
        "parameters": parameters(observer).encode(),
        "metrics": metrics,
        **{topic: b"".join(messages) for topic, messages in heard.items()},
        **{viewer.identity: str(viewer.received()).encode() for viewer in viewers},
    }
    assert all(told[where] for where in ("the log", "metrics", "/rosout", "insider"))
    leaks = [
        f"{what} in {where}" for where, text in told.items() for what, forms in secrets().items() if any(f in text for f in forms)
    ]
    assert not leaks, leaks
