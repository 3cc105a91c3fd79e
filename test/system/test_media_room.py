"""The bridge in a room where others publish audio and video."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge_process import Bridge
from client import mint_token
from conftest import BridgeFactory, ViewerFactory
from decoding import decode
from livekit_server import LiveKitServer
from media_publisher import MediaPublisher
from processes import wait_until
from ros_side import Publisher
from viewer_client import Loop, Viewer

TOPIC = "/in_a_call"
JoinMedia = Callable[[str], MediaPublisher]


@pytest.fixture
def join_media(loop: Loop, server: LiveKitServer, room: str) -> Iterator[JoinMedia]:
    """Joins publishers of media to the test's room."""
    made: list[MediaPublisher] = []

    def make(identity: str) -> MediaPublisher:
        made.append(MediaPublisher(loop, server.url, mint_token(server.key, server.secret, room, identity)))
        return made[-1]

    yield make
    for publisher in made:
        publisher.close()


def threads(bridge: Bridge) -> int:
    """Threads of its process."""
    return len(list(Path(f"/proc/{bridge.process.pid}/task").iterdir()))


def resident_megabytes(bridge: Bridge) -> float:
    """Memory of its process."""
    return int(Path(f"/proc/{bridge.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


class Exchange:
    """Messages from the robot to the viewer, and questions of the viewer."""

    def __init__(self, publisher: Publisher, viewer: Viewer) -> None:
        self._publisher, self._viewer = publisher, viewer
        self._sent = 0

    def step(self, count: int) -> None:
        """So many messages arrive in order, and pings are answered meanwhile."""
        for _ in range(count):
            self._publisher.publish(TOPIC, first=self._sent)
            self._sent += 1
            self._viewer.wait_messages(TOPIC, self._sent)
        channel = self._viewer.channels()[TOPIC]
        texts = [decode(channel, message.data).data for message in self._viewer.messages(TOPIC)]
        assert texts == [f"message {number}" for number in range(self._sent)]
        self._viewer.ping()


def test_others_with_cameras_and_microphones_change_nothing(
    new_bridge: BridgeFactory, publisher: Publisher, new_viewer: ViewerFactory, join_media: JoinMedia
) -> None:
    bridge = new_bridge()
    viewer = new_viewer()
    publisher.advertise(TOPIC, "std_msgs/msg/String", depth=100)
    viewer.subscribe(TOPIC)
    publisher.match(TOPIC)
    viewer.ping()
    exchange = Exchange(publisher, viewer)
    exchange.step(20)
    quiet_threads = threads(bridge)

    first, second = join_media("camera-1"), join_media("camera-2")
    # The media are there: each gets the other's two tracks.
    wait_until(lambda: min(first.tracks, second.tracks) >= 2, "media in the room")
    exchange.step(50)
    busy_megabytes = resident_megabytes(bridge)
    # Publishers that come and go leave nothing behind.
    for number in range(3, 6):
        another = join_media(f"camera-{number}")
        wait_until(lambda of=another: of.tracks >= 4, "media at the newcomer")
        exchange.step(30)
    exchange.step(100)
    # Threads that do what blocks come and go; they outlive their work by ten seconds.
    wait_until(lambda: threads(bridge) <= quiet_threads + 2, "number of threads as before")
    assert resident_megabytes(bridge) < busy_megabytes + 10
    for line in bridge.output().splitlines():
        if "resyncing" in line:
            # A machine this busy keeps the viewer from acknowledging.
            continue
        assert not any(level in line.upper() for level in ("WARN", "ERROR")), line
