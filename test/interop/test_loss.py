"""A link that loses packets between the Rust peer and the server: what is given up, and what arrives all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import Joiner
from livekit_server import LiveKitServer
from peers import Peer, hear_each_other, numbered, ways
from robot_network import SERVER, RobotNetwork, lacking
from tracks import open_track, push_until_it_arrives

LACK = lacking()
pytestmark = pytest.mark.skipif(LACK is not None, reason=f"NOT TESTED: {LACK}")
# Of the packets each way. With a tenth, SCTP in the server now and then waits for more than a minute: its timer doubles
# with each packet that is lost again.
LOSS = 0.05
PACKETS = 400


@pytest.fixture(scope="module")
def link_server(network: RobotNetwork, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    """A LiveKit server at the other end of the link."""
    server = LiveKitServer(tmp_path_factory.mktemp("link"), SERVER, network.interface)
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["python", "browser"])
def parted(
    request: pytest.FixtureRequest, network: RobotNetwork, link_server: LiveKitServer, tmp_path: Path
) -> Iterator[tuple[Peer, Peer]]:
    """A Rust peer behind a link that loses, and a peer on another SDK on the server's side."""
    joiner = Joiner(request, tmp_path, link_server, network.prefix)
    peers = joiner("rust"), joiner(request.param)
    hear_each_other(*peers)
    network.lose(LOSS)
    yield peers
    network.unblock()
    joiner.close()


def test_lossy_packets_are_given_up_and_reliable_ones_are_not(parted: tuple[Peer, Peer]) -> None:
    messages = numbered(PACKETS, 400)
    for sender, receiver in ways(parted):
        for number, message in enumerate(messages):
            sender.send(message, reliable=number % 2 == 0, topic="both")
            sender.pump(0.005)
        # What comes last is reliable, and shows that the link is idle again.
        sender.send(b"the end", topic="end")
        receiver.wait_for(lambda to=receiver: to.of("data", topic="end"), "the end")
        receiver.wait_for(
            lambda to=receiver: len(to.of("data", topic="both", reliable=True)) >= PACKETS // 2, "every reliable packet"
        )
        assert receiver.data("data", topic="both", reliable=True) == messages[::2], "each once, in order"
        lossy = receiver.data("data", topic="both", reliable=False)
        assert lossy == [message for message in messages[1::2] if message in lossy], "each once at most, in order"
        share = len(lossy) / (PACKETS // 2)
        assert 0.1 < share < 1, "some are missing: those that the link loses, and those for which SCTP has no room meanwhile"


def test_byte_streams_and_tracks_over_it(parted: tuple[Peer, Peer]) -> None:
    data = bytes(range(256)) * 150
    frames = numbered(PACKETS, 400)
    for sender, receiver in ways(parted):
        sender.stream(data, "interop")
        receiver.wait_for(lambda to=receiver, by=sender: to.of("stream", **{"from": by.identity}), "the stream")
        assert receiver.data("stream", **{"from": sender.identity}) == [data], "nothing is missing"
        name = f"of {sender.identity}"
        open_track(sender, receiver, name)
        push_until_it_arrives(sender, receiver, name, b"first")
        for frame in frames:
            sender.push(name, frame)
            sender.pump(0.005)
        push_until_it_arrives(sender, receiver, name, b"last")
        arrived = [frame for frame in receiver.data("frame", track=name) if frame not in (b"first", b"last")]
        assert arrived == [frame for frame in frames if frame in arrived], "each once at most, in order"
        assert 0.1 < len(arrived) / PACKETS < 1
