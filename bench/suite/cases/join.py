"""How long a viewer waits between joining the room and knowing the robot's topics."""

from __future__ import annotations

import secrets
import statistics
import time

from suite.case import Bench, Case, Figure, number
from suite.load import Load
from suite.processes import Processes
from suite.sides import Side
from suite.viewers import ViewerPlan, start_viewer

JOINS = 6


def _measure(bench: Bench, side: Side) -> list[Figure]:
    """Viewers come and go one after the other while 1 kB at 100 Hz is published."""
    stand = bench.loopback
    room = f"bench-{side.name}-{secrets.token_hex(4)}"
    advertise, first = [], []
    with Processes() as processes:
        side.start(processes, stand.server, stand.site, room, Load.steady(1_000, 100.0), 0)
        # The robot's own way into the room is not part of a viewer's.
        time.sleep(4.0)
        for index in range(JOINS):
            viewer = start_viewer(processes, stand.server, stand.site, side, room, ViewerPlan(), index)
            viewer.wait_first(60.0)
            seen = viewer.child.seen
            advertise.append(1e3 * (seen["advertise"]["time"] - seen["joined"]["time"]))
            first.append(1e3 * (seen["first"]["time"] - seen["advertise"]["time"]))
            viewer.finish()
    numbers = {"median_ms": statistics.median(advertise), "max_ms": max(advertise)}
    text = f"{number(numbers['median_ms'])} / {number(numbers['max_ms'])} ms"
    return [
        Figure(f"join → advertise, median / max of {JOINS}", text, numbers),
        Figure(
            f"advertise → first message (1 kB at 100 Hz), median / max of {JOINS}",
            f"{number(statistics.median(first))} / {number(max(first))} ms",
        ),
    ]


CASES = (Case("join", _measure),)
