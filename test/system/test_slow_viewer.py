"""A viewer that stops reading beside one that does not, with a server that buffers for slow ones."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from bridge_process import Bridge
from client import mint_token
from conftest import BridgeFactory, ViewerFactory
from decoding import decode
from livekit_server import LiveKitServer
from processes import ChildProcess, wait_until
from ros_side import Publisher

IMAGES = 20


def test_a_viewer_that_stops_reading_holds_up_nobody(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, publisher: Publisher, room: str, tmp_path: Path
) -> None:
    server = LiveKitServer(tmp_path)
    server.start()
    stopped: ChildProcess | None = None
    try:
        bridge = new_bridge(environment=Bridge.credentials(server))
        publisher.advertise("/camera", "sensor_msgs/msg/Image", depth=1)
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
        program = str(Path(__file__).with_name("doomed_viewer.py"))
        slow = ChildProcess("viewer", [sys.executable, program, "/camera"], tmp_path / "viewer.log", environment)
        stopped = slow

        def seen() -> int:
            return slow.output().count("received")

        def show_until(count: int) -> None:
            """Publishes images until the slow viewer has seen so many."""

            def shown() -> bool:
                publisher.publish("/camera")
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
            messages = fast.wait_messages("/state", number + 1)
        channel = fast.channels()["/state"]
        assert [decode(channel, m.data).data for m in messages] == [f"message {n}" for n in range(IMAGES)]
        # Far more than what may be on the way to a viewer that acknowledges nothing.
        wait_until(lambda: publisher.publish("/camera") or len(fast.messages("/camera")) - before >= IMAGES, "images")
        assert len(fast.texts("serverInfo")) == 1
        assert bridge.process.exit_code() is None
    finally:
        if stopped is not None:
            stopped.send_signal(signal.SIGCONT)
            stopped.stop()
        server.stop()
