"""The demo shows data, ends when told, fails when a part of it fails, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import secrets
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge_process import executable
from foxglove_client import FoxgloveClient
from processes import ROOT, ChildProcess, built_executable, wait_until

# What the demo's robot publishes, as the viewer's table names it.
TOPICS = ["/camera/image", "/lidar/points", "/tf", "/tf_static", "/odom", "/battery"]
DEMO_SECONDS = 120.0
# Where something was changed since the last build, the demo builds first.
BUILD_SECONDS = 1200.0
MARK = "DEMO_UNDER_TEST"


class Demo:
    """A running demo. Its processes are found again by a mark in their environment."""

    def __init__(self, directory: Path, *command: str) -> None:
        self._mark = secrets.token_hex(8)
        self.process = ChildProcess(
            "demo",
            list(command),
            directory / "demo.log",
            {MARK: self._mark, "TMPDIR": str(directory)},
        )

    def processes(self) -> dict[int, str]:
        """The command lines of all processes that belong to the demo, by process id."""
        found = {}
        for directory in Path("/proc").iterdir():
            try:
                if f"{MARK}={self._mark}".encode() in (directory / "environ").read_bytes().split(b"\0"):
                    found[int(directory.name)] = (directory / "cmdline").read_text().replace("\0", " ")
            except (OSError, ValueError):
                continue
        return found

    def wait_for_data(self) -> None:
        """Waits until a client of the viewer gateway sees the camera: all parts are up."""
        client = FoxgloveClient(self.wait_for_page())
        try:
            client.subscribe("/camera/image")
            client.wait_data("/camera/image", 5)
            # Whoever tries the demo may drive the robot, call its services and set its parameters.
            allowed = client.texts("serverInfo")[-1]["capabilities"]
            assert {"clientPublish", "services", "parameters", "assets"} <= set(allowed)
        finally:
            client.close()

    def wait_for_page(self) -> int:
        """Waits until the page's address is printed; returns its port."""
        pattern = re.compile(r"http://localhost:(\d+)/")
        wait_until(
            lambda: pattern.search(self.process.output()) or self.process.exit_code() is not None,
            f"address in the demo's output:\n{self.process.output()[-2000:]}",
            DEMO_SECONDS,
        )
        assert self.process.exit_code() is None, self.process.output()[-3000:]
        found = pattern.search(self.process.output())
        assert found is not None
        return int(found[1])


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A demo that runs until it is told to end."""
    programs = ("--bridge", str(executable()), "--gateway", str(built_executable("remote_access_viewer")))
    demo = Demo(tmp_path, sys.executable, str(ROOT / "demo/run.py"), *programs, "--port", "0")
    yield demo
    demo.process.kill()


def test_the_demo_shows_every_topic_and_ends(tmp_path: Path) -> None:
    # As a newcomer does it: sets up and builds what is missing, which is nothing here.
    demo = Demo(tmp_path, str(ROOT / "scripts/demo"), "--table", "--seconds", "20", "--port", "0")
    try:
        code = demo.process.wait(BUILD_SECONDS)
    finally:
        demo.process.kill()
    output = demo.process.output()
    assert code == 0, output[-3000:]
    for topic in TOPICS:
        (*_, last) = [line for line in output.splitlines() if line.startswith(f"{topic} ")]
        assert "not decoded" not in last
        assert not last.endswith(" -"), f"nothing arrived on {topic}"
    assert demo.processes() == {}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_of_it(demo: Demo, number: signal.Signals) -> None:
    demo.wait_for_data()
    assert len(demo.processes()) >= 5
    demo.process.send_signal(number)
    assert demo.process.wait(DEMO_SECONDS) == 0, demo.process.output()[-3000:]
    assert demo.processes() == {}


def test_the_demo_fails_when_the_bridge_dies(demo: Demo) -> None:
    demo.wait_for_data()
    (bridge,) = [pid for pid, line in demo.processes().items() if str(executable()) in line and "--ros-args" in line]
    os.kill(bridge, signal.SIGKILL)
    assert demo.process.wait(DEMO_SECONDS) != 0
    assert "bridge ended by itself" in demo.process.output()
    assert demo.processes() == {}


def test_nothing_stays_when_the_demo_itself_is_killed(demo: Demo) -> None:
    demo.wait_for_data()
    demo.process.send_signal(signal.SIGKILL)
    demo.process.wait(DEMO_SECONDS)
    wait_until(lambda: demo.processes() == {}, "end of the demo's processes")
