"""A server behind TLS with a certificate of its owner's own authority."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge_process import Bridge
from check_program import PROGRAMS, check
from conftest import BridgeFactory, ViewerFactory, ViewerGatewayFactory
from livekit_server import LiveKitServer
from processes import wait_until
from robot_network import make_certificate
from ros_side import Publisher
from tls_front import TlsFront
from viewer_client import Loop

ADVICE = "name the file of that in SSL_CERT_FILE"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate that nobody trusts."""
    return make_certificate(tmp_path, "localhost")[0]


@pytest.fixture
def secure(loop: Loop, server: LiveKitServer, certificate: Path) -> Iterator[dict[str, str]]:
    """Access to the server through TLS."""
    front = TlsFront(loop, certificate, certificate.with_name("key.pem"), server.port)
    yield {**Bridge.credentials(server), "LIVEKIT_URL": f"wss://localhost:{front.port}"}
    front.close()


def test_an_own_authority_is_trusted_when_it_is_named(
    secure: dict[str, str],
    certificate: Path,
    new_bridge: BridgeFactory,
    new_gateway: ViewerGatewayFactory,
    new_viewer: ViewerFactory,
    publisher: Publisher,
) -> None:
    publisher.advertise("/alive", "std_msgs/msg/String")
    trusting = {**secure, "SSL_CERT_FILE": str(certificate)}
    new_bridge(environment=trusting)
    gateway = new_gateway(environment=trusting)
    viewer = new_viewer()
    viewer.wait_channel("/alive")
    wait_until(lambda: "joined" in gateway.output(), "the viewer gateway in the room")
    for program in PROGRAMS:
        result = check(program, trusting)
        assert result.returncode == 0, result.stdout + result.stderr


def test_an_unknown_authority_is_refused_with_advice(
    secure: dict[str, str], new_bridge: BridgeFactory, new_gateway: ViewerGatewayFactory
) -> None:
    bridge = new_bridge(environment=secure)
    gateway = new_gateway(environment=secure)
    bridge.wait_output(ADVICE)
    wait_until(lambda: ADVICE in gateway.output(), "advice by the viewer gateway")
    for program in PROGRAMS:
        result = check(program, secure)
        assert result.returncode == 1
        assert ADVICE in result.stdout
