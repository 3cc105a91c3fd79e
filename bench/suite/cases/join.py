"""How long a viewer waits between joining the room and knowing the robot's topics."""

from __future__ import annotations

import secrets
import statistics
import time
from functools import partial
from typing import Any

from suite import places
from suite.case import Bench, Case, Figure, number
from suite.load import Load
from suite.measure import Stand
from suite.processes import Child, Processes
from suite.sides import Side
from suite.viewers import ViewerPlan, start_viewer

JOINS = 6


def _measure(bench: Bench, side: Side) -> list[Figure]:
    """Viewers come and go one after the other while 1 kB at 100 Hz is published."""
    stand = bench.loopback
    room = f"bench-{side.name}-{secrets.token_hex(4)}"
    listed, joined, first = [], [], []
    with Processes() as processes:
        robot = side.start(processes, stand.server, stand.site, room, Load.steady(1_000, 100.0), 0)
        observer = _start_observer(processes, stand, room)
        # The robot's own way into the room is not part of a viewer's.
        time.sleep(4.0)
        for index in range(JOINS):
            viewer = start_viewer(processes, stand.server, stand.site, side, room, ViewerPlan(stand.viewer), index)
            viewer.wait_first(60.0, robot.process)
            times = {name: event["time"] for name, event in viewer.child.seen.items()}
            active = observer.wait_for("active", 30.0, partial(_is_about, index))["time"]
            # The robot may have heard of the viewer a moment before the observer did.
            listed.append(max(0.0, 1e3 * (times["advertise"] - active)))
            joined.append(1e3 * (times["advertise"] - times["joined"]))
            first.append(1e3 * (times["first"] - times["advertise"]))
            viewer.finish()
    return [
        _spread("listed as active to the others → advertise", listed),
        _spread("viewer's connect returned → advertise", joined),
        _spread("advertise → first message (1 kB at 100 Hz)", first),
    ]


def _start_observer(processes: Processes, stand: Stand, room: str) -> Child:
    environment = places.plain_environment(LIVEKIT_TOKEN=stand.server.credentials.mint(room, "observer"))
    command = [str(places.BENCH_PYTHON), "-m", "programs.observer", f"--url={stand.server.url}"]
    observer = processes.start("observer", stand.site.at_server(command), environment)
    observer.wait_for("joined", 30.0)
    return observer


def _is_about(index: int, event: dict[str, Any]) -> bool:
    return bool(event["identity"] == f"viewer-{index}")


def _spread(label: str, values: list[float]) -> Figure:
    numbers = {"median_ms": statistics.median(values), "max_ms": max(values)}
    text = f"{number(numbers['median_ms'])} / {number(numbers['max_ms'])} ms"
    return Figure(f"{label}, median / max of {len(values)}", text, numbers)


CASES = (Case("join", _measure),)
