"""The robot behind networks that let little through, against the real server and its TURN server."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge_process import NO_CREDENTIALS, Bridge
from client import mint_token
from decoding import decode
from livekit_server import LiveKitServer
from processes import wait_until
from robot_network import SERVER, TURN_NAME, RobotNetwork, lacking, make_certificate
from ros_side import Publisher
from viewer_client import Loop, Viewer
from viewer_gateway import executable

LACK = lacking()
pytestmark = pytest.mark.skipif(LACK is not None, reason=f"NOT TESTED: {LACK}")
TOPIC = "/through_the_network"
# The server gives every robot this port, whatever it listens on itself.
TLS_PORT = 443
TURN_PORT = 34780
# The SDK and the bridge back off between their tries, and the server takes its time to notice.
RECOVERY_SECONDS = 180.0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of the TURN server; its key is beside it."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))[0]


@pytest.fixture(scope="module")
def turn_server(network: RobotNetwork, certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    """A LiveKit server at the other end of the link, with its own TURN server over UDP and TLS."""
    more = f"""\
turn:
  enabled: true
  domain: {TURN_NAME}
  bind_addresses: ["{SERVER}"]
  udp_port: {TURN_PORT}
  tls_port: {TLS_PORT}
  cert_file: {certificate}
  key_file: {certificate.with_name("key.pem")}
  allow_restricted_peer_cidrs: ["{SERVER}/32"]
"""
    server = LiveKitServer(tmp_path_factory.mktemp("turn"), SERVER, network.interface, more)
    server.start()
    yield server
    server.stop()


class Connected:
    """A bridge in the namespace with a publisher, and a viewer outside of it."""

    def __init__(self, network: RobotNetwork, server: LiveKitServer, certificate: Path, directory: Path, loop: Loop) -> None:
        room = f"room-{secrets.token_hex(4)}"
        self.publisher = Publisher(network.prefix)
        self.publisher.advertise(TOPIC, "std_msgs/msg/String")
        environment = {
            **Bridge.credentials(server),
            "SSL_CERT_FILE": str(certificate),
            "RUST_LOG": "info,webrtc_channels=debug",
        }
        self.bridge = Bridge(directory, environment, {"room": room}, prefix=network.prefix)
        self.viewer = Viewer(loop, server.url, mint_token(server.key, server.secret, room, "viewer"))
        self._published = 0
        self._joined = 0

    def assert_serves(self) -> None:
        """A message of now arrives, at the latest once the robot has joined anew."""
        number = self._published = self._published + 1
        deadline = time.monotonic() + RECOVERY_SECONDS
        self._follow()
        while f"message {number}" not in self._texts():
            assert time.monotonic() < deadline, f"no message within {RECOVERY_SECONDS:g} s: {self.viewer.summary()}"
            # A robot that joined anew knows nothing of earlier streams and subscriptions.
            self._follow()
            with contextlib.suppress(TimeoutError, StopIteration):
                self.viewer.wait_for(lambda: self.viewer.channels().get(TOPIC), "channel", 1)
                self.viewer.subscribe(TOPIC)
            self.publisher.publish(TOPIC, first=number)
            with contextlib.suppress(TimeoutError):
                self.viewer.wait_for(lambda: f"message {number}" in self._texts(), "message", 2)

    def _follow(self) -> None:
        joined = len(self.viewer.room_changes("joined"))
        if joined > self._joined:
            self._joined = joined
            self.viewer.open_stream()

    def _texts(self) -> list[str]:
        channel = self.viewer.channels().get(TOPIC)
        return [decode(channel, m.data).data for m in self.viewer.messages(TOPIC)] if channel else []

    def close(self) -> None:
        """Ends it all; the bridge must have told no secret."""
        self.viewer.leave()
        self.publisher.close()
        assert self.bridge.stop() == 0
        assert "panicked" not in self.bridge.output()
        assert "eyJ" not in self.bridge.output()


@pytest.fixture
def connect(
    network: RobotNetwork, turn_server: LiveKitServer, certificate: Path, tmp_path: Path, loop: Loop
) -> Iterator[list[Connected]]:
    """Holds what a test connects, and takes it down."""
    made: list[Connected] = []
    yield made
    network.unblock()
    for each in made:
        each.close()


def start(connect: list[Connected], *arguments: object) -> Connected:
    connect.append(Connected(*arguments))  # type: ignore[arg-type]
    connect[-1].viewer.join()
    return connect[-1]


@pytest.fixture
def robot(
    connect: list[Connected],
    network: RobotNetwork,
    turn_server: LiveKitServer,
    certificate: Path,
    tmp_path: Path,
    loop: Loop,
) -> Connected:
    """A robot and its viewer, connected."""
    return start(connect, network, turn_server, certificate, tmp_path, loop)


# What the robot's network drops, and the path that is left.
LITTLE = {
    "ICE over TCP": [["-p", "udp"]],
    "TURN over UDP": [["-p", "udp", "!", "--dport", str(TURN_PORT)], ["-p", "tcp", "--dport", "{tcp}"]],
    "TURN over TLS": [["-p", "udp"], ["-p", "tcp", "--dport", "{tcp}"]],
}


@pytest.mark.parametrize("left", LITTLE)
def test_a_robot_gets_through_a_network_that_leaves_only(
    left: str,
    connect: list[Connected],
    network: RobotNetwork,
    turn_server: LiveKitServer,
    certificate: Path,
    tmp_path: Path,
    loop: Loop,
) -> None:
    for rule in LITTLE[left]:
        network.block(*(part.format(tcp=turn_server.tcp_port) for part in rule))
    robot = start(connect, network, turn_server, certificate, tmp_path, loop)
    robot.assert_serves()
    sort = "path: tcp" if left == "ICE over TCP" else "path: udp"
    robot.bridge.wait_output(sort)
    code, said = check(network, turn_server, certificate)
    assert (code, "WRONG" in said) == (0, False), said
    if left == "ICE over TCP":
        assert "note   data: flows over tcp, which is slower than UDP on bad links" in said
    else:
        assert "data: flows over udp through a relay" in said


def check(network: RobotNetwork, server: LiveKitServer, certificate: Path, *options: str) -> tuple[int, str]:
    """Exit code and output of `--check` in the robot's network."""
    command = [*network.prefix, str(executable()), "--room", "checked", *options, "--check"]
    environment = {**os.environ, **NO_CREDENTIALS, **Bridge.credentials(server), "SSL_CERT_FILE": str(certificate)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return result.returncode, result.stdout


def test_a_network_that_lets_no_data_through_is_named(
    network: RobotNetwork, turn_server: LiveKitServer, certificate: Path
) -> None:
    network.block("-p", "udp")
    for port in (turn_server.tcp_port, TLS_PORT):
        network.block("-p", "tcp", "--dport", str(port))
    try:
        code, said = check(network, turn_server, certificate)
    finally:
        network.unblock()
    assert code == 1
    assert "WRONG  data: the server answers, but the data connection fails" in said


@pytest.mark.parametrize(
    ("options", "works"),
    [(["--interface", "eth.*"], True), (["--interface", "wlan.*"], False), (["--deny-interface", "eth0"], False)],
)
def test_the_gateway_connects_over_the_interfaces_that_are_named(
    network: RobotNetwork, turn_server: LiveKitServer, certificate: Path, options: list[str], works: bool
) -> None:
    code, said = check(network, turn_server, certificate, *options)
    assert (code, "WRONG  data" in said) == ((0, False) if works else (1, True)), said


def test_a_path_that_is_cut_under_a_connection_is_replaced(robot: Connected, network: RobotNetwork) -> None:
    robot.assert_serves()
    network.block("-p", "udp")
    robot.assert_serves()
    network.unblock()
    robot.assert_serves()


def test_a_robot_that_sends_comes_back_after_an_outage_that_ends_its_connection(robot: Connected, network: RobotNetwork) -> None:
    robot.assert_serves()
    network.cut_first()

    def reconnects() -> bool:
        # More than there is room for: the SDK waits with it, and must not wait for ever.
        robot.publisher.publish(TOPIC, count=20)
        return "connection interrupted, reconnecting" in robot.bridge.output()

    wait_until(reconnects, "attempt at a new connection", pause=0.2)
    network.unblock()
    robot.assert_serves()
