"""The lossy channel, data tracks and byte streams through the server, both ways, beside each SDK."""

from __future__ import annotations

from peers import Peer, numbered, ways
from tracks import open_track, push_until_it_arrives


def test_packets_of_the_lossy_channel_arrive_whole_and_as_lossy(pair: tuple[Peer, Peer]) -> None:
    messages = numbered(50, 1_000)
    for sender, receiver in ways(pair):
        for message in messages:
            sender.send(message, reliable=False, topic="lossy")
        # On loopback few are lost, but the channel promises nothing.
        receiver.wait_for(lambda to=receiver: len(to.of("data", topic="lossy")) > 40, "most of the packets")
        arrived = receiver.of("data", topic="lossy")
        assert {(event["reliable"], event["from"]) for event in arrived} == {(False, sender.identity)}
        assert {event["data"] for event in arrived} <= set(messages)
        assert len(arrived) == len({event["data"] for event in arrived}), "one came twice"


def test_the_two_channels_do_not_mix(pair: tuple[Peer, Peer]) -> None:
    messages = numbered(40, 2_000)
    for sender, receiver in ways(pair):
        for number, message in enumerate(messages):
            sender.send(message, reliable=number % 2 == 0, topic="mixed")
        reliable = messages[::2]
        receiver.wait_for(lambda to=receiver: len(to.of("data", topic="mixed", reliable=True)) >= 20, "every reliable packet")
        assert receiver.data("data", topic="mixed", reliable=True) == reliable, "all of them, in order"
        assert set(receiver.data("data", topic="mixed", reliable=False)) <= set(messages[1::2])


def test_frames_of_a_data_track_arrive(pair: tuple[Peer, Peer]) -> None:
    # Small, of one packet, and of many packets.
    frames = [bytes([number]) * size for number, size in enumerate((1, 200, 1_000, 20_000, 60_000))]
    for sender, receiver in ways(pair):
        name = f"of {sender.identity}"
        open_track(sender, receiver, name)
        for frame in frames:
            push_until_it_arrives(sender, receiver, name, frame)
        assert set(receiver.data("frame", track=name)) == set(frames)


def test_a_data_track_keeps_up_with_a_fast_sensor(pair: tuple[Peer, Peer]) -> None:
    frames = numbered(200, 500)
    for sender, receiver in ways(pair):
        name = f"fast of {sender.identity}"
        open_track(sender, receiver, name)
        push_until_it_arrives(sender, receiver, name, b"first")
        for frame in frames:
            sender.push(name, frame)
            sender.pump(0.002)
        receiver.wait_for(
            lambda to=receiver, name=name: len(set(to.data("frame", track=name)) & set(frames)) > 150, "most of the frames"
        )
        arrived = [frame for frame in receiver.data("frame", track=name) if frame != b"first"]
        assert arrived == sorted(arrived), "frames do not overtake each other"


def test_byte_streams_arrive_to_the_byte(pair: tuple[Peer, Peer]) -> None:
    data = bytes(range(256)) * 500
    for sender, receiver in ways(pair):
        sender.stream(data, "interop")
        receiver.wait_for(lambda to=receiver, by=sender: to.of("stream", **{"from": by.identity}), "the stream")
        assert receiver.data("stream", **{"from": sender.identity}) == [data]


def test_large_packets_arrive_and_larger_ones_are_refused_by_the_sdk(pair: tuple[Peer, Peer]) -> None:
    large = numbered(1, 60_000)[0]
    for sender, receiver in ways(pair):
        sender.send(large, topic="large")
        receiver.wait_for(lambda to=receiver: to.of("data", topic="large"), "the large packet")
        assert receiver.data("data", topic="large") == [large]
    ours, theirs = pair
    ours.send(numbered(1, 100_000)[0], topic="too large")
    ours.wait_for(lambda: ours.of("error"), "refusal")
    assert "maximum message size" in ours.of("error")[0]["error"]
    ours.send(b"after", topic="after")
    theirs.wait_for(lambda: theirs.of("data", topic="after"), "a packet after it")
    assert not theirs.of("data", topic="too large")
