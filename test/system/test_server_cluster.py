"""More than one LiveKit server: rooms are shared through Redis, and one that dies is replaced by the other."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from client import mint_token
from conftest import BridgeFactory
from decoding import decode
from ros_side import Publisher
from server_cluster import ServerCluster
from viewer_client import Loop, Viewer

TOPIC = "/clustered"
# The surviving node takes a room over when the dead one has not reported for a while.
TAKE_OVER_SECONDS = 180.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[ServerCluster]:
    """Two servers and their Redis."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed (sudo apt install redis-server): SEVERAL SERVERS WERE NOT TESTED")
    cluster = ServerCluster(tmp_path)
    yield cluster
    cluster.close()


def join(loop: Loop, cluster: ServerCluster, room: str, name: str) -> Viewer:
    """A viewer in the room, through the cluster's address."""
    key, secret = cluster.nodes[0].key, cluster.nodes[0].secret
    return Viewer(loop, cluster.url, mint_token(key, secret, room, name, True), name).join()


def assert_served(viewer: Viewer, publisher: Publisher, number: int) -> None:
    """A message of now arrives."""
    viewer.wait_for(lambda: viewer.channels().get(TOPIC), "channel", TAKE_OVER_SECONDS)
    viewer.subscribe(TOPIC)
    publisher.match(TOPIC)
    viewer.ping()
    publisher.publish(TOPIC, first=number)
    viewer.wait_for(
        lambda: f"message {number}" in [decode(viewer.channels()[TOPIC], m.data).data for m in viewer.messages(TOPIC)],
        f"message {number}",
    )


def test_robot_and_viewers_meet_again_when_the_node_of_their_room_dies(
    cluster: ServerCluster, new_bridge: BridgeFactory, publisher: Publisher, room: str, loop: Loop
) -> None:
    publisher.advertise(TOPIC, "std_msgs/msg/String")
    credentials = {"LIVEKIT_API_KEY": cluster.nodes[0].key, "LIVEKIT_API_SECRET": cluster.nodes[0].secret}
    bridge = new_bridge(environment={"LIVEKIT_URL": cluster.url, **credentials})
    viewer = join(loop, cluster, room, "before")
    assert_served(viewer, publisher, 1)
    cluster.holder(room).stop()
    newcomer = join_again(loop, cluster, room)
    assert_served(newcomer, publisher, 2)
    # One fault, one reconnection.
    comebacks = [line for line in bridge.output().splitlines() if "joined the room" in line or line.endswith(" reconnected")]
    assert len(comebacks) == 2, bridge.output()
    for each in (viewer, newcomer):
        each.leave()


def join_again(loop: Loop, cluster: ServerCluster, room: str) -> Viewer:
    """A viewer that comes after the fault, as soon as the room can be joined."""
    for attempt in range(100):
        try:
            return join(loop, cluster, room, f"after-{attempt}")
        except Exception as error:
            last = error
    raise last
