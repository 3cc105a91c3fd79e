"""End-to-end encryption of data beside the other SDKs, both ways: packets, byte streams, data tracks, ratcheting, wrong keys."""

from __future__ import annotations

from conftest import Joiner
from peers import Peer, RustPeer, hear_each_other, numbered, ways
from tracks import open_track, push_until_it_arrives

# The peers of `pair` encrypt under it.
KEY = "a secret of the room"


def test_packets_and_streams_are_read_by_those_with_the_key(pair: tuple[Peer, Peer]) -> None:
    for sender, receiver in ways(pair):
        packets = [bytes([number]) * size for number, size in enumerate((1, 15, 16, 1_000, 14_000))]
        for packet in packets:
            sender.send(packet, topic="secret")
        receiver.wait_for(lambda to=receiver: len(to.of("data", topic="secret")) >= 5, "every packet")
        assert receiver.data("data", topic="secret") == packets
        data = bytes(range(256)) * 500
        sender.stream(data, "interop")
        receiver.wait_for(lambda to=receiver: to.of("stream"), "the stream")
        assert receiver.data("stream") == [data]


def test_frames_of_data_tracks_are_encrypted(pair: tuple[Peer, Peer]) -> None:
    for sender, receiver in ways(pair):
        name = f"secret of {sender.identity}"
        open_track(sender, receiver, name)
        for frame in (b"a", b"b" * 20_000):
            push_until_it_arrives(sender, receiver, name, frame)


def test_a_key_that_was_ratcheted_is_followed(new_peer: Joiner, pair: tuple[Peer, Peer]) -> None:
    sort = pair[1].identity.split("-")[0]
    peers = new_peer("rust", KEY), new_peer(sort, KEY)
    hear_each_other(*peers)
    ours, theirs = peers
    send_ratcheted(theirs, ours, 2)
    # Keys are shared: theirs took two steps, so three are one more.
    if sort == "browser":
        # This SDK ratchets when told; it does not find later keys by itself, for data.
        theirs.ratchet()
    send_ratcheted(ours, theirs, 3)


def send_ratcheted(sender: Peer, receiver: Peer, steps: int) -> None:
    """Moves the sender's key on; the receiver must read what it sends then."""
    for _ in range(steps):
        sender.ratchet()
    topic = f"{sender.identity} after {steps}"
    sender.send(b"new key", topic=topic)
    receiver.wait_for(lambda: receiver.of("data", topic=topic), "the packet under the new key")
    assert receiver.data("data", topic=topic) == [b"new key"]


def test_a_wrong_key_is_told_and_costs_nobody_else_anything(new_peer: Joiner, pair: tuple[Peer, Peer]) -> None:
    sort = pair[1].identity.split("-")[0]
    ours, theirs = peers = new_peer("rust", KEY), new_peer(sort, KEY)
    assert isinstance(ours, RustPeer)
    hear_each_other(*peers)
    eve, outsider = new_peer(sort, "another secret"), new_peer("rust")
    messages = numbered(20, 500)
    for number, message in enumerate(messages):
        ours.send(message, topic="ours")
        if number % 10 == 0:
            # Each costs the other SDKs half a second, in which they try all keys that could follow.
            eve.send(message, topic="eve")
        theirs.send(message, topic="theirs")
    ours.wait_for(lambda: len(ours.of("data", topic="theirs")) >= len(messages), "every packet of theirs")
    theirs.wait_for(lambda: len(theirs.of("data", topic="ours")) >= len(messages), "every packet of ours")
    assert ours.data("data", topic="theirs") == messages
    assert theirs.data("data", topic="ours") == messages
    ours.wait_for(lambda: f'participant "{eve.identity}" does not fit' in ours.output(), "a warning about the wrong key")
    assert "another secret" not in ours.output()
    assert KEY not in ours.output()
    for peer in (ours, theirs):
        assert not peer.of("data", topic="eve")
    for listener in (eve, outsider):
        assert not listener.of("data", topic="ours")
        assert not listener.of("data", topic="theirs")
    # With the right key it is one of them.
    eve.set_key(KEY)
    ours.wait_for(lambda: _heard_again(eve, ours), "a packet of the corrected key")


def _heard_again(sender: Peer, receiver: Peer) -> bool:
    sender.send(b"better", topic="corrected")
    receiver.pump(0.2)
    return bool(receiver.of("data", topic="corrected"))
