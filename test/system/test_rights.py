"""What each viewer may do: by its grant, which the token program makes, and without one."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from geometry_msgs.msg import Twist
from rclpy.serialization import serialize_message

from bridge_process import Bridge
from client import mint_token
from conftest import BridgeFactory, ViewerFactory
from livekit_server import LiveKitServer
from processes import built_executable, wait_until
from ros_side import Observer, Publisher
from viewer_client import Loop, Viewer

TWIST = "geometry_msgs/msg/Twist"
STRING = "std_msgs/msg/String"
EVERYTHING = "[clientPublish, services, parameters, parametersSubscribe, connectionGraph, assets]"
PRIVATE_KEY = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
-----END PRIVATE KEY-----
"""
Joiner = Callable[[str, str], Viewer]
PUBLIC_KEY = "MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="


@pytest.fixture
def topics(publisher: Publisher) -> None:
    """Two topics with publishers."""
    publisher.advertise("/camera/left", STRING)
    publisher.advertise("/secret", STRING)


def start(new_bridge: BridgeFactory, **parameters: str) -> Bridge:
    """A bridge with its own default of what viewers may do."""
    return new_bridge(
        {"capabilities": EVERYTHING, "viewer_default_rights": "[watch]", "command_timeout_ms": "3600000", **parameters}
    )


def make_token(server: LiveKitServer, *arguments: str, **environment: str) -> tuple[str, str]:
    """What the token program makes: the viewer's token, and its identity."""
    made = subprocess.run(
        [str(built_executable("remote_access_token")), *arguments],
        env={**os.environ, **Bridge.credentials(server), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert server.secret not in made.stdout + made.stderr
    link = urlsplit(made.stdout.strip())
    assert (link.scheme, link.netloc, link.path) == ("http", "localhost:8765", "/")
    fields = parse_qs(link.fragment)
    assert fields["url"] == [server.url]
    token = fields["token"][0]
    claims = jwt.decode(token, options={"verify_signature": False})
    return token, claims["sub"]


def with_grant(server: LiveKitServer, room: str, identity: str, grant: str) -> str:
    """A token as anybody's program may make it."""
    claims = jwt.decode(mint_token(server.key, server.secret, room, identity), options={"verify_signature": False})
    return jwt.encode({**claims, "attributes": {"grant": grant}}, server.secret, algorithm="HS256")


@pytest.fixture
def join(loop: Loop, server: LiveKitServer) -> Iterator[Joiner]:
    """Joins viewers with these tokens and identities."""
    made: list[Viewer] = []

    def make(token: str, identity: str) -> Viewer:
        made.append(Viewer(loop, server.url, token, identity).join())
        return made[-1]

    yield make
    for viewer in made:
        viewer.leave()


def drive(viewer: Viewer, heard: list[float]) -> None:
    """Publishes until the robot has heard it."""
    channel = viewer.advertise("/cmd_vel", TWIST)
    message = Twist()
    message.linear.x = 0.5

    def was_heard() -> bool:
        viewer.publish(channel, serialize_message(message))
        viewer.ping()
        return 0.5 in heard

    wait_until(was_heard, "command", pause=0.1)


@pytest.fixture
def speeds(observer: Observer) -> list[float]:
    """The forward speeds that the robot is told."""
    heard: list[float] = []
    observer.create_subscription("/cmd_vel", TWIST, lambda message: heard.append(message.linear.x))
    return heard


def test_a_viewer_without_a_grant_watches_and_one_with_a_grant_does_what_it_says(
    new_bridge: BridgeFactory,
    new_viewer: ViewerFactory,
    join: Joiner,
    server: LiveKitServer,
    room: str,
    topics: None,
    speeds: list[float],
    observer: Observer,
) -> None:
    entries: list[dict[str, Any]] = []
    topic = "/remote_access_bridge/_audit"
    observer.create_subscription(topic, STRING, lambda message: entries.append(json.loads(message.data)))
    # A node that logs only errors publishes them all the same.
    bridge = start(new_bridge, audit_topic="true", log_level="error")
    wait_until(lambda: observer.node.count_publishers(topic) == 1, "a publisher of the audit")
    watcher = new_viewer()
    watcher.wait_channel("/secret")
    watcher.advertise("/cmd_vel", TWIST)
    refusal = watcher.wait_status("driving (/cmd_vel) is not among this viewer's rights")
    assert "viewer_default_rights" in refusal
    token, identity = make_token(server, "--room", room, "--name", "anna", "--see", "/camera/.*", "--drive")
    driver = join(token, identity)
    driver.wait_channel("/camera/left")
    drive(driver, speeds)
    assert set(driver.channels()) == {"/camera/left"}
    assert topic not in watcher.channels()
    assert "/secret" not in str(driver.received())
    driver.leave()
    wait_until(lambda: speeds[-1] == 0.0, "stop")
    expected = [
        {"by": watcher.identity, "act": "driving", "name": "/cmd_vel", "refused": True},
        *({"by": identity, "act": act, "name": "/cmd_vel"} for act in ("publishes", "drives", "stopped")),
    ]
    wait_until(lambda: all(entry in entries for entry in expected), "the audit on its topic")
    assert "audit]" not in bridge.output()


def test_a_grant_ends_while_its_viewer_is_there_and_the_robot_stops(
    new_bridge: BridgeFactory, join: Joiner, server: LiveKitServer, room: str, topics: None, speeds: list[float]
) -> None:
    bridge = start(new_bridge)
    bridge.wait_output("joined the room")
    claims = {
        "aud": "remote_access_bridge",
        "sub": "anna",
        "room": room,
        "exp": int(time.time()) + 6,
        "rights": {"see": [".*"], "drive": True},
    }
    token = with_grant(server, room, "anna", jwt.encode(claims, server.secret, algorithm="HS256"))
    viewer = join(token, "anna")
    viewer.wait_channel("/secret")
    drive(viewer, speeds)
    viewer.wait_status("the rights of this viewer have ended")
    wait_until(lambda: speeds[-1] == 0.0, "stop")
    viewer.wait_for(lambda: not viewer.channels() or None, "end of the channels")
    bridge.wait_output("remote_access_bridge.audit]")
    for act in ("publishes", "drives", "stopped"):
        bridge.wait_output(f'by="anna" act="{act}" name="/cmd_vel"')


def forgeries(server: LiveKitServer, room: str) -> dict[str, str]:
    """What a viewer may try that wants more than the default."""
    rights = {"see": [".*"], "drive": True}
    claims: dict[str, Any] = {
        "aud": "remote_access_bridge",
        "sub": "mallory",
        "room": room,
        "exp": int(time.time()) + 3600,
        "rights": rights,
    }
    return {
        "unsigned": jwt.encode(claims, "", algorithm="none"),
        "by another secret": jwt.encode(claims, "another secret of the right length", algorithm="HS256"),
        "by the public key": jwt.encode(claims, PUBLIC_KEY.rstrip("="), algorithm="HS256"),
        "of another viewer": jwt.encode({**claims, "sub": "anna"}, server.secret, algorithm="HS256"),
        "of another room": jwt.encode({**claims, "room": "other"}, server.secret, algorithm="HS256"),
        "that is over": jwt.encode({**claims, "exp": int(time.time()) - 1}, server.secret, algorithm="HS256"),
        "too complicated": jwt.encode(
            {**claims, "rights": {"see": ["(a{1000}){1000}"], "drive": True}}, server.secret, algorithm="HS256"
        ),
        "too long": "x" * 10_000,
    }


def test_a_grant_that_does_not_count_leaves_nothing(
    new_bridge: BridgeFactory, join: Joiner, server: LiveKitServer, room: str, topics: None, speeds: list[float]
) -> None:
    bridge = start(new_bridge, grant_public_key=PUBLIC_KEY)
    bridge.wait_output("joined the room")
    for what, grant in forgeries(server, room).items():
        viewer = join(with_grant(server, room, "mallory", grant), "mallory")
        viewer.wait_status("its grant does not count")
        viewer.advertise("/cmd_vel", TWIST)
        viewer.wait_status("driving (/cmd_vel) is not among")
        assert viewer.channels() == {}, what
        viewer.leave()
    assert speeds == []


def test_a_robot_without_the_secret_checks_grants_with_a_public_key(
    new_bridge: BridgeFactory, join: Joiner, server: LiveKitServer, room: str, topics: None, tmp_path: Any, speeds: list[float]
) -> None:
    key = tmp_path / "grants.pem"
    key.write_text(PRIVATE_KEY)
    robot = mint_token(server.key, server.secret, room, "robot")
    bridge = new_bridge(
        {"capabilities": EVERYTHING, "viewer_default_rights": "[none]", "grant_public_key": PUBLIC_KEY},
        environment={"LIVEKIT_URL": server.url, "LIVEKIT_TOKEN": robot},
    )
    bridge.wait_output("joined the room")
    arguments = ("--room", room, "--name", "anna", "--all")
    token, identity = make_token(server, *arguments, REMOTE_ACCESS_GRANT_KEY_FILE=str(key))
    viewer = join(token, identity)
    viewer.wait_channel("/secret")
    drive(viewer, speeds)
    token, identity = make_token(server, *arguments)
    other = join(token, identity)
    assert "grant_public_key" in other.wait_status("its grant does not count")
    assert other.channels() == {}
