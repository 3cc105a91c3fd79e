#!/usr/bin/env python3
"""Runs the demo: a LiveKit server, a robot, the bridge and the viewer gateway, all on this machine.

Called by scripts/demo in the environment of scripts/env. Ends with an error if one of the
parts ends by itself, and never leaves a process behind.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from client import mint_token
from livekit_server import LiveKitServer
from processes import ChildProcess, wait_until
from ros_domain import free_domain

HERE = Path(__file__).resolve().parent
ROOM = "demo"
# What viewers may do. By default they may only watch; here whoever tries it drives, calls and sets.
CAPABILITIES = '["assets", "clientPublish", "connectionGraph", "parameters", "parametersSubscribe", "services", "time"]'
# How long the parts may take to end before they are killed.
PATIENCE = 10.0


class Failed(Exception):  # noqa: N818 - named as people say it
    """A part of the demo did not start; says why."""


class Stopped(Exception):  # noqa: N818 - not an error
    """SIGINT or SIGTERM came."""


def _stop(_number: int, _frame: object) -> None:
    raise Stopped


class Demo:
    """The parts in the order in which they start; they end in the opposite one."""

    def __init__(self, directory: Path, options: argparse.Namespace) -> None:
        self._directory = directory
        self._options = options
        self._server = LiveKitServer(directory)
        self._parts: list[ChildProcess] = []
        self._table: ChildProcess | None = None

    def run(self) -> int:
        """Starts everything, watches it, and returns the exit code."""
        say(1, "LiveKit server on the loopback interface")
        self._server.start()
        say(1, f"    {self._server.url}, log {self._server.log}", continued=True)

        say(2, "demo robot: camera, lidar, tf, odometry, battery, diagnostics")
        self._start("robot", [sys.executable, str(HERE / "robot.py")])

        say(3, "bridge: makes the robot's topics available in the room")
        server = {
            "LIVEKIT_URL": self._server.url,
            "LIVEKIT_API_KEY": self._server.key,
            "LIVEKIT_API_SECRET": self._server.secret,
        }
        arguments = ["--ros-args", "-p", f"room:={ROOM}", "-p", "name:=Demo robot", "-p", f"capabilities:={CAPABILITIES}"]
        self._start("bridge", [str(self._options.bridge), *arguments], server)

        say(4, "viewer gateway: joins the same room from outside ROS")
        arguments = [str(self._options.gateway), "--room", ROOM, "--port", str(self._options.port)]
        # A token that the shell may have is for another server.
        self._start("gateway", arguments, {**server, "LIVEKIT_TOKEN": "", "LIVEKIT_PAGE_TOKENS": ""})
        page, websocket = self._addresses(self._parts[-1])
        if self._options.table:
            self._start_table()
        print(f"\n    Look at the robot:       {page}", flush=True)
        print(f"    Foxglove or Lichtblick:  open connection, Foxglove WebSocket, {websocket}", flush=True)
        print(f"    Logs:                    {self._directory}", flush=True)
        print("    Ctrl-C stops all of it.\n", flush=True)
        return self._watch()

    def stop(self) -> int:
        """Ends what still runs; returns how many parts did not end well."""
        bad = 0
        if self._table is not None:
            self._table.stop(PATIENCE)
        for part in reversed(self._parts):
            code = part.exit_code()
            if code is None and part.stop(PATIENCE) != 0:
                print(f"{part.name} did not end cleanly, see {part.log}", file=sys.stderr)
                bad += 1
        self._server.stop()
        return bad

    def _addresses(self, gateway: ChildProcess) -> tuple[str, str]:
        """Where the viewer gateway is reached, as it prints it."""
        pattern = re.compile(r"^Foxglove WebSocket: (ws://\S+)\npage: (http://\S+)$", re.MULTILINE)
        wait_until(lambda: pattern.search(gateway.output()) or gateway.exit_code() is not None, "address of the page")
        found = pattern.search(gateway.output())
        if found is None:
            raise Failed(f"The viewer gateway did not start:\n{gateway.output()}")
        return found[2], found[1]

    def _start_table(self) -> None:
        """A viewer on the Python SDK that subscribes to everything and draws a table."""
        token = mint_token(self._server.key, self._server.secret, ROOM, "demo-viewer")
        environment = {"LIVEKIT_URL": self._server.url, "LIVEKIT_TOKEN": token, "PYTHONUNBUFFERED": "1"}
        # It draws on the terminal, so it alone has no log file.
        self._table = ChildProcess("table", [sys.executable, str(HERE / "viewer.py")], None, environment)

    def _start(self, name: str, arguments: list[str], environment: dict[str, str] | None = None) -> None:
        self._parts.append(ChildProcess(name, arguments, self._directory / f"{name}.log", environment))

    def _watch(self) -> int:
        seconds = self._options.seconds
        end = None if seconds is None else time.monotonic() + seconds
        while end is None or time.monotonic() < end:
            for part in self._parts:
                code = part.exit_code()
                if code is not None:
                    print(f"\nThe {part.name} ended by itself with {code}. Its last output:", file=sys.stderr)
                    print("\n".join(part.output().splitlines()[-20:]), file=sys.stderr)
                    return 1
            if self._server.exit_code() is not None:
                print(f"\nThe LiveKit server ended by itself, see {self._server.log}", file=sys.stderr)
                return 1
            if self._table is not None and self._table.exit_code() is not None:
                print("\nThe table ended by itself.", file=sys.stderr)
                return 1
            time.sleep(0.1)
        return 0


def say(number: int, what: str, continued: bool = False) -> None:
    """One step of the story, on the terminal."""
    print(f"    {what}" if continued else f"{number}. {what}", flush=True)


def main() -> int:
    """Parses the command line and runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bridge", type=Path, required=True, help="the bridge's executable")
    parser.add_argument("--gateway", type=Path, required=True, help="the executable of the viewer gateway")
    parser.add_argument("--port", type=int, default=8765, help="port of the page and the Foxglove WebSocket; 0: any")
    parser.add_argument("--table", action="store_true", help="also show a table of received topics")
    parser.add_argument("--seconds", type=float, help="stop after this time; default: run until Ctrl-C")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    # Other robots on this machine or network stay out of the picture.
    os.environ["ROS_DOMAIN_ID"] = str(free_domain())
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    directory = Path(tempfile.mkdtemp(prefix="remote-access-demo-"))
    demo = Demo(directory, arguments)
    result = 0
    try:
        result = demo.run()
    except Stopped:
        pass
    except Failed as failure:
        print(failure, file=sys.stderr)
        result = 1
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
