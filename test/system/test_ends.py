"""The bridge ends with the process that started it, if asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from bridge_process import NO_CREDENTIALS, Bridge, executable, runs
from livekit_server import LiveKitServer
from processes import wait_until

# Prints the process id of what it starts, and waits.
PARENT = "import subprocess, sys; print(subprocess.Popen(sys.argv[1:]).pid, flush=True); sys.stdin.read()"


def test_it_ends_with_its_parent_if_asked(server: LiveKitServer, room: str, tmp_path: Path) -> None:
    log = tmp_path / "bridge.log"
    with log.open("wb") as output:
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(executable()), "--end-with-parent", "--ros-args", "-p", f"room:={room}"],
            env={**os.environ, **NO_CREDENTIALS, **Bridge.credentials(server)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=output,
        )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    try:
        wait_until(lambda: "joined the room" in log.read_text(), "the bridge in the room")
        assert runs(pid)
        parent.kill()
        wait_until(lambda: not runs(pid), "the end of the bridge")
        # In good order, not killed.
        assert "stopping" in log.read_text()
    finally:
        if runs(pid):
            os.kill(pid, signal.SIGKILL)
        parent.communicate()
