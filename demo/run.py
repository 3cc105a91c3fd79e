#!/usr/bin/env python3
"""Runs the demo: a LiveKit server, a robot, the bridge and a viewer, all on this machine.

Called by scripts/demo in the environment of scripts/env. Ends with an error if one of the
parts ends by itself, and never leaves a process behind.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from client import mint_token
from livekit_server import LiveKitServer
from processes import ChildProcess
from ros_domain import free_domain

HERE = Path(__file__).resolve().parent
ROOM = "demo"
# How long the parts may take to end before they are killed.
PATIENCE = 10.0


class Stopped(Exception):  # noqa: N818 - not an error
    """SIGINT or SIGTERM came."""


def _stop(_number: int, _frame: object) -> None:
    raise Stopped


class Demo:
    """The parts in the order in which they start; they end in the opposite one."""

    def __init__(self, directory: Path, bridge: Path, seconds: float | None) -> None:
        self._directory = directory
        self._bridge = bridge
        self._seconds = seconds
        self._server = LiveKitServer(directory)
        self._parts: list[ChildProcess] = []
        self._viewer: ChildProcess | None = None

    def run(self) -> int:
        """Starts everything, watches it, and returns the exit code."""
        say(1, "LiveKit server on the loopback interface")
        self._server.start()
        say(1, f"    {self._server.url}, log {self._server.log}", continued=True)

        say(2, "demo robot: camera, lidar, tf, odometry, battery, diagnostics")
        self._start("robot", [sys.executable, str(HERE / "robot.py")])

        say(3, "bridge: makes the robot's topics available in the room")
        secrets = {"LIVEKIT_API_KEY": self._server.key, "LIVEKIT_API_SECRET": self._server.secret}
        self._start(
            "bridge",
            [str(self._bridge), "--ros-args", "-p", f"room:={ROOM}"],
            {"LIVEKIT_URL": self._server.url, **secrets},
        )

        say(4, "viewer: joins the same room from outside ROS and subscribes to everything")
        token = mint_token(self._server.key, self._server.secret, ROOM, "demo-viewer")
        arguments = [sys.executable, str(HERE / "viewer.py")]
        if self._seconds is not None:
            arguments += ["--seconds", str(self._seconds)]
        # The viewer draws on the terminal, so it alone has no log file.
        environment = {"LIVEKIT_URL": self._server.url, "LIVEKIT_TOKEN": token, "PYTHONUNBUFFERED": "1"}
        self._viewer = ChildProcess("viewer", arguments, None, environment)
        return self._watch(self._viewer)

    def stop(self) -> int:
        """Ends what still runs; returns how many parts did not end well."""
        bad = 0
        if self._viewer is not None:
            self._viewer.stop(PATIENCE)
        for part in reversed(self._parts):
            code = part.exit_code()
            if code is None and part.stop(PATIENCE) != 0:
                print(f"{part.name} did not end cleanly, see {part.log}", file=sys.stderr)
                bad += 1
        self._server.stop()
        return bad

    def _start(self, name: str, arguments: list[str], environment: dict[str, str] | None = None) -> None:
        self._parts.append(ChildProcess(name, arguments, self._directory / f"{name}.log", environment))

    def _watch(self, viewer: ChildProcess) -> int:
        while viewer.exit_code() is None:
            for part in self._parts:
                code = part.exit_code()
                if code is not None:
                    print(f"\nThe {part.name} ended by itself with {code}. Its last output:", file=sys.stderr)
                    print("\n".join(part.output().splitlines()[-20:]), file=sys.stderr)
                    return 1
            if self._server.exit_code() is not None:
                print(f"\nThe LiveKit server ended by itself, see {self._server.log}", file=sys.stderr)
                return 1
            time.sleep(0.1)
        return viewer.wait(PATIENCE)


def say(number: int, what: str, continued: bool = False) -> None:
    """One step of the story, on the terminal."""
    print(f"    {what}" if continued else f"{number}. {what}", flush=True)


def main() -> int:
    """Parses the command line and runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bridge", type=Path, required=True, help="the executable")
    parser.add_argument("--seconds", type=float, help="end after so long; without it, on Ctrl-C")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    # Other robots on this machine or network stay out of the picture.
    os.environ["ROS_DOMAIN_ID"] = str(free_domain())
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    directory = Path(tempfile.mkdtemp(prefix="remote-access-demo-"))
    demo = Demo(directory, arguments.bridge, arguments.seconds)
    result = 0
    try:
        result = demo.run()
    except Stopped:
        pass
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        print("\nStopping everything …", flush=True)
        bad = demo.stop()
    if bad == 0 and result == 0:
        shutil.rmtree(directory)
        print("Done.")
        return 0
    print(f"The logs are in {directory}", file=sys.stderr)
    return result or 1


if __name__ == "__main__":
    sys.exit(main())
