"""`bench/viewer_gateway`: what the viewer gateway costs beside bare reception in the same SDK.

One robot publishes as much as gets through. Columns: a viewer that throws all bytes away as the SDK hands them out; one
that parses every stream; the viewer gateway with one local client, and with four.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from suite import command, figures, machine, places
from suite.case import Figure, loopback_stand, number, size_name
from suite.load import Load
from suite.measure import FIRST_SECONDS, Stand
from suite.processes import BenchError, Child, Processes
from suite.sides import Bridge
from suite.viewers import Viewer, start_gateway

SIZES = (10_000, 100_000, 1_000_000)
# A viewer that does not read cannot acknowledge: the bridge is to send all the same.
SIDE = Bridge(unacknowledged_viewer_rate=1_000_000_000)


@dataclass(frozen=True)
class Room:
    """Where a run takes place."""

    processes: Processes
    stand: Stand
    name: str
    size: int
    confirm_port: int

    def viewer(self, *options: str) -> Viewer:
        """A viewer in the room."""
        token = self.stand.server.credentials.mint(self.name, "viewer", SIDE.viewer_attributes)
        arguments = [f"--url={self.stand.server.url}", f"--topic={SIDE.stream_topic}", *self._common(), *options]
        return self._start("viewer", arguments, LIVEKIT_TOKEN=token)

    def gateway(self, clients: int) -> tuple[Child, list[Viewer]]:
        """The viewer gateway and its clients, of which the first one confirms."""
        gateway, port = start_gateway(self.processes, self.stand.server, self.stand.site, self.name)
        started = [self._start("client", [f"--websocket={port}", *self._common()])]
        for index in range(1, clients):
            started.append(self._start(f"client {index}", [f"--websocket={port}", "--channels=/bench/"]))
        return gateway, started

    def _common(self) -> list[str]:
        return ["--channels=/bench/", f"--confirm-port={self.confirm_port}"]

    def _start(self, name: str, arguments: list[str], **environment: str) -> Viewer:
        program = [places.rust_viewer(), *arguments]
        return Viewer(self.processes.start(name, program, places.plain_environment(**environment)))


Start = Callable[[Room], tuple[Child, list[Viewer]]]


def _viewer(room: Room, *options: str) -> tuple[Child, list[Viewer]]:
    viewer = room.viewer(*options)
    return viewer.child, [viewer]


COLUMNS: dict[str, Start] = {
    "bare SDK": lambda room: _viewer(room, f"--bare={room.size}"),
    "streams parsed": lambda room: _viewer(room, "--many", "--ping=0.1"),
    "program, 1 client": lambda room: room.gateway(1),
    "program, 4 clients": lambda room: room.gateway(4),
}


def _measure(stand: Stand, start: Start, size: int, seconds: float) -> list[Figure]:
    load = Load.saturating(size)
    confirm_port = places.free_port()
    name = f"bench-viewer-gateway-{secrets.token_hex(4)}"
    with Processes() as processes:
        robot = SIDE.start(processes, stand.server, stand.site, name, load, confirm_port)
        measured, viewers = start(Room(processes, stand, name, size, confirm_port))
        for viewer in viewers:
            viewer.wait_first(FIRST_SECONDS, robot.process)
        time.sleep(1.5)
        before, busy_before = measured.usage(), machine.busy_and_idle()
        time.sleep(seconds)
        after, busy_after = measured.usage(), machine.busy_and_idle()
        reports = [viewer.finish() for viewer in viewers]
    received = [figures.received(report, before.time, after.time)[1] for report in reports]
    cpu = after.cpu - before.cpu
    cost = cpu / (received[0] / 1e9) if received[0] else float("nan")
    window = after.time - before.time
    busy = (busy_after[0] - busy_before[0]) / max(1e-9, sum(busy_after) - sum(busy_before))
    label = size_name(size)
    rates = [size / window / 1e6 for size in received]
    numbers = {"cpu_seconds_per_gigabyte": cost, "megabytes_per_second": rates[0], "machine_busy": busy}
    least = f", slowest client {number(min(rates))}" if len(rates) > 1 else ""
    return [
        Figure(f"{label}: throughput", f"{number(rates[0], 'MB/s')}{least}", numbers),
        Figure(f"{label}: CPU per GB received", number(cost, "s")),
        Figure(f"{label}: RSS", number(after.resident / 1e6, "MB")),
        Figure(f"{label}: machine busy", f"{busy:.0%}"),
    ]


def main() -> int:
    """Returns 0, or 1 when a run failed."""
    parser = argparse.ArgumentParser(prog="bench/viewer_gateway", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure for a third of the time")
    parser.add_argument("--size", type=int, action="append", help="message size in bytes; repeatable")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    parser.add_argument("--patience", type=float, default=0.0, metavar="SECONDS", help="wait up to SECONDS for a quiet machine")
    args = parser.parse_args()
    command.stop_on_termination()
    seconds = 4.0 if args.quick else 12.0
    try:
        description = command.describe()
        with ExitStack() as stack:
            stand = loopback_stand(stack)
            jobs = [
                (size_name(size), column, partial(_measure, stand, start, size, seconds))
                for size in args.size or SIZES
                for column, start in COLUMNS.items()
            ]
            table, good = command.run_jobs(jobs, tuple(COLUMNS), args.patience)
    except BenchError as error:
        print(f"bench/viewer_gateway: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench/viewer_gateway: interrupted", file=sys.stderr)
        return 130
    command.publish(table, description, args.json)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
