"""A room full of audio and video does the Rust peer no harm, and what it cannot do it says."""

from __future__ import annotations

import os
from pathlib import Path

from conftest import Joiner
from peers import Peer, RustPeer, hear_each_other, numbered

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(peer: RustPeer) -> float:
    """CPU time of its process so far."""
    fields = Path(f"/proc/{peer.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_kilobytes(peer: RustPeer) -> int:
    """Memory of its process."""
    return int(Path(f"/proc/{peer.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


def exchange(ours: RustPeer, theirs: Peer, count: int, topic: str) -> None:
    """Packets go both ways, each of them."""
    messages = numbered(count, 500)
    for message in messages:
        ours.send(message, topic=topic)
        theirs.send(message, topic=topic)
        theirs.pump(0.02)
    for receiver in (ours, theirs):
        receiver.wait_for(lambda to=receiver: len(to.of("data", topic=topic)) >= count, "every packet")
        assert receiver.data("data", topic=topic) == messages


def test_data_goes_on_in_a_room_full_of_media(new_peer: Joiner) -> None:
    # It subscribes to everything, as the SDK does by default.
    ours = new_peer("rust")
    assert isinstance(ours, RustPeer)
    theirs = new_peer("python")
    hear_each_other(ours, theirs)
    exchange(ours, theirs, 50, "before")
    publishers = [new_peer("python"), new_peer("python"), new_peer("browser")]
    for publisher in publishers:
        publisher.publish_media()
    # Each publishes two tracks, and the other SDK gets them all.
    theirs.wait_for(lambda: len(theirs.of("media")) == 2 * len(publishers), "media at the Python peer")
    exchange(ours, theirs, 50, "meanwhile")
    # What the media leave behind shows over some time.
    before = cpu_seconds(ours), resident_kilobytes(ours), len(ours.output().splitlines())
    exchange(ours, theirs, 150, "later")
    after = cpu_seconds(ours), resident_kilobytes(ours), len(ours.output().splitlines())
    assert after[0] - before[0] < 1.0, "seconds of CPU for 150 packets in three seconds or more"
    assert after[1] - before[1] < 8_000, "kilobytes"
    assert after[2] - before[2] < 5, f"it logs on and on:\n{ours.output()[-3000:]}"
    assert not ours.of("reconnecting")
    # Publishers that leave and come are part of it.
    newcomer = new_peer("browser")
    newcomer.publish_media()
    exchange(ours, theirs, 50, "at last")
    assert len(ours.output().splitlines()) < 60, ours.output()[-3000:]


def test_publishing_media_is_refused_and_the_way_out_named(new_peer: Joiner) -> None:
    ours, theirs = new_peer("rust"), new_peer("python")
    assert isinstance(ours, RustPeer)
    hear_each_other(ours, theirs)
    ours.order("publish_media")
    ours.wait_for(lambda: ours.of("error"), "refusal")
    error = ours.of("error")[0]["error"]
    for part in ("not supported", "[patch.crates-io]", "libwebrtc"):
        assert part in error, error
    # The connection is as good as before.
    exchange(ours, theirs, 20, "after")
