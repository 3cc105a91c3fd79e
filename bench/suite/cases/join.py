"""How long a viewer waits between joining the room and knowing the robot's topics."""

from __future__ import annotations

import secrets
import statistics
import time

from suite.case import Bench, Case, Figure, number
from suite.load import Load
from suite.processes import Processes
from suite.rooms import ActiveWatch
from suite.sides import Side
from suite.viewers import ViewerPlan, start_viewer

JOINS = 6


def _measure(bench: Bench, side: Side) -> list[Figure]:
    """Viewers come and go one after the other while 1 kB at 100 Hz is published."""
    stand = bench.loopback
    room = f"bench-{side.name}-{secrets.token_hex(4)}"
    active, joined, first = [], [], []
    with Processes() as processes, ActiveWatch(stand.server, room) as watch:
        side.start(processes, stand.server, stand.site, room, Load.steady(1_000, 100.0), 0)
        # The robot's own way into the room is not part of a viewer's.
        time.sleep(4.0)
        for index in range(JOINS):
            viewer = start_viewer(processes, stand.server, stand.site, side, room, ViewerPlan(stand.viewer), index)
            viewer.wait_first(60.0)
            times = {name: event["time"] for name, event in viewer.child.seen.items()}
            # Seen a poll late, a quick robot may seem to be early.
            active.append(max(0.0, 1e3 * (times["advertise"] - watch.since(f"viewer-{index}"))))
            joined.append(1e3 * (times["advertise"] - times["joined"]))
            first.append(1e3 * (times["first"] - times["advertise"]))
            viewer.finish()
    return [
        _spread("listed as active → advertise", active),
        _spread("connect returned → advertise", joined),
        _spread("advertise → first message (1 kB at 100 Hz)", first),
    ]


def _spread(label: str, values: list[float]) -> Figure:
    numbers = {"median_ms": statistics.median(values), "max_ms": max(values)}
    text = f"{number(numbers['median_ms'])} / {number(numbers['max_ms'])} ms"
    return Figure(f"{label}, median / max of {len(values)}", text, numbers)


CASES = (Case("join", _measure),)
