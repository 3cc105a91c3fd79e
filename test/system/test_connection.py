"""How the bridge finds its server, keeps the connection, and ends."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from bridge_process import Bridge
from client import mint_token
from conftest import BridgeFactory, ViewerFactory
from decoding import decode
from livekit_server import LiveKitServer
from ros_side import Observer, Publisher
from viewer_client import Viewer

TOPIC = "/connected"
# Both sides back off between their tries, and the server takes its time to notice.
RECONNECT_SECONDS = 120.0


@pytest.fixture
def topic(publisher: Publisher) -> str:
    """A topic with a publisher."""
    publisher.advertise(TOPIC, "std_msgs/msg/String")
    return TOPIC


def assert_served(viewer: Viewer, publisher: Publisher) -> None:
    """A message of now arrives."""
    viewer.subscribe(TOPIC)
    publisher.match(TOPIC)
    viewer.ping()
    publisher.publish(TOPIC, first=41)
    viewer.wait_for(
        lambda: "message 41" in [decode(viewer.channels()[TOPIC], m.data).data for m in viewer.messages(TOPIC)],
        "message 41",
    )


def test_a_server_that_is_not_there_yet_is_retried(
    new_bridge: BridgeFactory, own_server: LiveKitServer, publisher: Publisher, topic: str, new_viewer: ViewerFactory
) -> None:
    bridge = new_bridge(environment=Bridge.credentials(own_server))
    bridge.wait_output(f"127.0.0.1:{own_server.port}")
    assert bridge.process.exit_code() is None
    own_server.start()
    assert_served(new_viewer(at=own_server), publisher)


def test_the_url_may_be_a_parameter(
    new_bridge: BridgeFactory, server: LiveKitServer, publisher: Publisher, topic: str, new_viewer: ViewerFactory
) -> None:
    secrets = {"LIVEKIT_API_KEY": server.key, "LIVEKIT_API_SECRET": server.secret}
    new_bridge({"livekit_url": server.url}, environment=secrets)
    assert_served(new_viewer(), publisher)


def test_a_ready_token_is_enough(
    new_bridge: BridgeFactory,
    server: LiveKitServer,
    room: str,
    publisher: Publisher,
    topic: str,
    new_viewer: ViewerFactory,
) -> None:
    token = mint_token(server.key, server.secret, room, "robot-with-a-token")
    new_bridge(environment={"LIVEKIT_URL": server.url, "LIVEKIT_TOKEN": token})
    viewer = new_viewer()
    assert_served(viewer, publisher)
    assert viewer.robot() == "robot-with-a-token"


@pytest.mark.parametrize("what", ["token", "secret"])
def test_a_wrong_token_is_named_as_such(new_bridge: BridgeFactory, server: LiveKitServer, room: str, what: str) -> None:
    wrong = "0" * 48
    if what == "token":
        environment = {"LIVEKIT_TOKEN": mint_token(server.key, wrong, room, "robot")}
    else:
        environment = {"LIVEKIT_API_KEY": server.key, "LIVEKIT_API_SECRET": wrong}
    bridge = new_bridge(environment={"LIVEKIT_URL": server.url, **environment})
    bridge.wait_output("rejected the access token")
    assert wrong not in bridge.output()


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"LIVEKIT_URL": "ws://127.0.0.1:9"}, "LIVEKIT_TOKEN"),
        ({"LIVEKIT_URL": "ws://127.0.0.1:9", "LIVEKIT_API_KEY": "key"}, "LIVEKIT_API_SECRET"),
    ],
    ids=["no credentials", "no secret"],
)
def test_what_is_missing_is_named(new_bridge: BridgeFactory, environment: dict[str, str], named: str) -> None:
    bridge = new_bridge(environment=environment)
    assert bridge.process.wait(60) not in (0, None)
    assert named in bridge.output()


def test_an_address_that_is_none_is_named(new_bridge: BridgeFactory) -> None:
    bridge = new_bridge(environment={"LIVEKIT_URL": "ftp://127.0.0.1", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s" * 32})
    assert bridge.process.wait(60) not in (0, None)
    assert "ftp://127.0.0.1" in bridge.output()


def test_a_missing_room_is_named(new_bridge: BridgeFactory) -> None:
    bridge = new_bridge({"room": "''"})
    assert bridge.process.wait(60) not in (0, None)
    assert "room" in bridge.output()


def test_a_server_that_restarts_while_viewers_watch_is_joined_again(
    new_bridge: BridgeFactory,
    own_server: LiveKitServer,
    publisher: Publisher,
    topic: str,
    new_viewer: ViewerFactory,
    observer: Observer,
) -> None:
    own_server.start()
    new_bridge(environment=Bridge.credentials(own_server))
    viewers = [new_viewer(at=own_server) for _ in range(2)]
    for viewer in viewers:
        assert_served(viewer, publisher)
    own_server.stop()
    own_server.start()
    newcomer = new_viewer("newcomer", at=own_server)
    newcomer.wait_for(lambda: newcomer.channels().get(TOPIC), "advertisement after the restart", RECONNECT_SECONDS)
    assert_served(newcomer, publisher)
    for viewer in viewers:
        # Those who came back by themselves are told everything again; their own stream went with the old room.
        viewer.wait_text("serverInfo", 2, RECONNECT_SECONDS)
        viewer.open_stream()
        assert_served(viewer, publisher)


def test_the_subscription_ends_while_the_server_is_gone_for_good(
    new_bridge: BridgeFactory,
    own_server: LiveKitServer,
    publisher: Publisher,
    topic: str,
    new_viewer: ViewerFactory,
    observer: Observer,
) -> None:
    own_server.start()
    bridge = new_bridge(environment=Bridge.credentials(own_server))
    assert_served(new_viewer(at=own_server), publisher)
    own_server.stop()
    observer.wait_subscriptions(TOPIC, 0, RECONNECT_SECONDS)
    assert bridge.process.exit_code() is None


@pytest.fixture(params=["idle", "served", "no server"])
def running_bridge(
    request: pytest.FixtureRequest,
    new_bridge: BridgeFactory,
    publisher: Publisher,
    topic: str,
    new_viewer: ViewerFactory,
) -> Bridge:
    """A bridge in each of the states that it may be asked to end in."""
    if request.param == "no server":
        bridge = new_bridge(
            environment={"LIVEKIT_URL": "ws://127.0.0.1:9", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s" * 32}
        )
        bridge.wait_output("127.0.0.1:9")
    else:
        bridge = new_bridge()
        viewer = new_viewer()
        viewer.wait_channel(TOPIC)
        if request.param == "served":
            assert_served(viewer, publisher)
    return bridge


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(running_bridge: Bridge, observer: Observer, number: signal.Signals) -> None:
    assert running_bridge.stop(number) == 0
    assert "[ERROR]" not in running_bridge.output(), running_bridge.output()
    observer.wait_subscriptions(TOPIC, 0)


def test_viewers_learn_that_it_ended(bridge: Bridge, publisher: Publisher, topic: str, viewer: Viewer) -> None:
    assert_served(viewer, publisher)
    robot = viewer.robot()
    assert bridge.stop() == 0
    viewer.wait_for(lambda: [c for c in viewer.room_changes("left") if c.identity == robot], "the robot's leave")
    assert not any(level in bridge.output() for level in ("[WARN]", "[ERROR]")), bridge.output()


def test_no_secret_is_a_parameter_or_on_the_command_line(bridge: Bridge, server: LiveKitServer, viewer: Viewer) -> None:
    viewer.robot()
    command_line = Path(f"/proc/{bridge.process.pid}/cmdline").read_text()
    assert server.secret not in command_line
