"""Sessions that the server ends."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from client import mint_token
from livekit_server import LiveKitServer
from peers import RustPeer

# Of which one in five came back when DTLS that the server ended was a failure at once.
REMOVALS = int(os.environ.get("REMOVALS", "20"))
AT_ONCE = 10


def test_a_participant_that_is_removed_stays_out(server: LiveKitServer, tmp_path: Path) -> None:
    """The SDK answers a connection that failed with a new one; an end by the server must not look like that."""
    ends = []
    for first in range(0, REMOVALS, AT_ONCE):
        names = [f"guest-{number}" for number in range(first, min(first + AT_ONCE, REMOVALS))]

        def join(name: str) -> RustPeer:
            return RustPeer(server.url, mint_token(server.key, server.secret, f"room-{name}", name), tmp_path / f"{name}.log")

        with ThreadPoolExecutor(AT_ONCE) as pool:
            peers = list(pool.map(join, names))
            list(pool.map(lambda name: server.remove(f"room-{name}", name), names))
        for peer in peers:
            peer.wait_for(lambda peer=peer: peer.of("disconnected") or peer.of("reconnected"), "end")
            ends.append((len(peer.of("reconnected")), [event["reason"] for event in peer.of("disconnected")]))
        for peer in peers:
            # Those that are out have ended by themselves.
            peer.process.kill()
            peer.process.wait()
    back = [end for end in ends if end != (0, ["ParticipantRemoved"])]
    print(f"{len(back)} of {len(ends)} did not end as they should: {back}")
    assert not back
