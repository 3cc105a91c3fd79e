"""A viewer that stops reading beside one that does not, with servers that treat slow ones differently."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from pathlib import Path

import pytest

from bridge_process import Bridge
from client import mint_token
from conftest import BridgeFactory, ViewerFactory
from decoding import decode
from livekit_server import LiveKitServer
from processes import ChildProcess, wait_until
from ros_side import Publisher
from viewer_client import Viewer

IMAGES = 20
# Between two images, in seconds: the test is not about a robot that has no time.
PAUSE = 0.05
# The server blocks the robot for 50 ms with each packet, so there must be few.
MOST_DROPPED = 100


@pytest.mark.parametrize("slow_threshold", [0, 2_000_000], ids=["server buffers", "server blocks and drops"])
def test_a_viewer_that_stops_reading_holds_up_nobody(
    slow_threshold: int, new_bridge: BridgeFactory, new_viewer: ViewerFactory, publisher: Publisher, room: str, tmp_path: Path
) -> None:
    server = LiveKitServer(tmp_path, slow_threshold=slow_threshold)
    server.start()
    stopped: ChildProcess | None = None
    try:
        bridge = new_bridge(environment=Bridge.credentials(server))
        publisher.advertise("/camera", "sensor_msgs/msg/PointCloud2", depth=1)
        publisher.advertise("/state", "std_msgs/msg/String", depth=100)
        fast = new_viewer(at=server)
        fast.subscribe("/camera", "/state")
        publisher.match("/camera")
        publisher.match("/state")
        environment = {
            "LIVEKIT_URL": server.url,
            "LIVEKIT_TOKEN": mint_token(server.key, server.secret, room, "slow"),
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        program = str(Path(__file__).parents[1] / "support/doomed_viewer.py")
        slow = ChildProcess("viewer", [sys.executable, program, "/camera"], tmp_path / "viewer.log", environment)
        stopped = slow

        def seen() -> int:
            return slow.output().count("received")

        def show_until(count: int) -> None:
            """Publishes images until the slow viewer has seen so many."""

            def shown() -> bool:
                publisher.publish("/camera")
                time.sleep(PAUSE)
                return seen() >= count or slow.exit_code() is not None

            wait_until(shown, f"{count} images at the slow viewer")
            assert slow.exit_code() is None, slow.output()

        show_until(3)
        slow.send_signal(signal.SIGSTOP)
        before = len(fast.messages("/camera"))
        for number in range(IMAGES):
            publisher.publish("/camera", first=number)
            publisher.publish("/state", first=number)
            # It arrives before the next one is published: nothing waits for the stopped viewer.
            wait_state(fast, publisher, number, lossy=slow_threshold > 0)

        def shown_to_fast() -> bool:
            publisher.publish("/camera")
            time.sleep(PAUSE)
            return len(fast.messages("/camera")) - before >= IMAGES

        # Far more than what may be on the way to a viewer that acknowledges nothing.
        wait_until(shown_to_fast, "images")
        assert bridge.process.exit_code() is None
        # Only a server that drops can have made it necessary to start the reading viewer anew.
        assert slow_threshold > 0 or len(fast.texts("serverInfo")) == 1
        assert dropped_packets(server) <= MOST_DROPPED
    finally:
        if stopped is not None:
            stopped.send_signal(signal.SIGCONT)
            stopped.stop()
        server.stop()


def wait_state(viewer: Viewer, publisher: Publisher, number: int, *, lossy: bool) -> None:
    """Waits for the state with a number, the last of all so far. A lossy server may want it to be sent again."""

    def arrived() -> bool:
        messages = viewer.messages("/state")
        return bool(messages) and decode(viewer.channels()["/state"], messages[-1].data).data == f"message {number}"

    def sent_again() -> bool:
        if not arrived():
            publisher.publish("/state", first=number)
            time.sleep(PAUSE)
        return arrived()

    if lossy:
        wait_until(sent_again, f"state {number}")
    else:
        viewer.wait_for(arrived, f"state {number}")


def dropped_packets(server: LiveKitServer) -> int:
    """How many packets the server says that it dropped for one viewer: it says so at each 100th."""
    counts = re.findall(r'drop data message by slow reader.*"count": (\d+)', server.log.read_text())
    return max(map(int, counts), default=0)
