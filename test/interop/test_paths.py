"""The path that the Rust peer takes to the server, by its own statistics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from client import mint_token
from livekit_server import LiveKitServer
from peers import PythonPeer, RustPeer, field, hear_each_other, numbered
from robot_network import SERVER, RobotNetwork, lacking
from viewer_client import Loop

LACK = lacking()
pytestmark = pytest.mark.skipif(LACK is not None, reason=f"NOT TESTED: {LACK}")
TURN_PORT = 34790


@pytest.fixture(scope="module")
def turn_server(network: RobotNetwork, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    """A LiveKit server at the other end of the link, with its own TURN server."""
    more = f"""\
turn:
  enabled: true
  udp_port: {TURN_PORT}
  bind_addresses: ["{SERVER}"]
  allow_restricted_peer_cidrs: ["{SERVER}/32"]
"""
    server = LiveKitServer(tmp_path_factory.mktemp("turn"), SERVER, network.interface, more)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("relay_only", [False, True])
def test_what_the_configuration_says_of_relays_is_obeyed(
    network: RobotNetwork, turn_server: LiveKitServer, loop: Loop, tmp_path: Path, relay_only: bool
) -> None:
    def token(identity: str) -> str:
        return mint_token(turn_server.key, turn_server.secret, "paths", identity)

    log = tmp_path / "rust.log"
    ours = RustPeer(
        turn_server.url, token("rust"), log, prefix=network.prefix, settings={"RELAY_ONLY": "1"} if relay_only else None
    )
    theirs = PythonPeer(loop, turn_server.url, token("python"))
    ours.identity, theirs.identity = "rust", "python"
    hear_each_other(ours, theirs)
    messages = numbered(50, 1_000)
    for message in messages:
        ours.send(message, topic="counted")
    theirs.wait_for(lambda: len(theirs.of("data", topic="counted")) >= len(messages), "every packet")
    assert theirs.data("data", topic="counted") == messages
    transport = ours.reports("Transport")[0]
    (selected,) = [p for p in ours.reports("CandidatePair") if f'id: "{field(transport, "selected_candidate_pair_id")}"' in p]
    local = field(selected, "local_candidate_id")
    (candidate,) = [c for c in ours.reports("LocalCandidate") if f'id: "{local}"' in c]
    assert ("Some(Relay)" in candidate) is relay_only, candidate
    if relay_only:
        # As the official library: which server gave it, and how that is reached.
        assert field(candidate, "url").startswith("turn:"), candidate
        assert field(candidate, "relay_protocol") == "Some(Udp)", candidate
    assert int(field(selected, "bytes_sent")) > 50_000
    # The server knows DTLS 1.2 at most.
    assert field(transport, "tls_version") == "FEFD"
    assert field(transport, "dtls_cipher") == "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    ours.close()
    theirs.close()
