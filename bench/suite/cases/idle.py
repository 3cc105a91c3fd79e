"""What the robot process takes while nobody watches."""

from __future__ import annotations

import secrets
import time
from functools import partial

from suite import figures
from suite.case import Bench, Case, Figure, number
from suite.load import Load
from suite.processes import Processes
from suite.sides import Side
from suite.viewers import ViewerPlan, start_viewer

SETTLE = 4.0


def _measure(bench: Bench, side: Side, topics: int, services: int = 0) -> list[Figure]:
    """A first viewer proves that all topics are known, then leaves; after a pause comes the window."""
    stand = bench.loopback
    room = f"bench-{side.name}-{secrets.token_hex(4)}"
    with Processes() as processes:
        begin = time.time()
        robot = side.start(processes, stand.server, stand.site, room, Load(idle_topics=topics, idle_services=services), 0)
        plan = ViewerPlan(channels="/none/")
        viewer = start_viewer(processes, stand.server, stand.site, side, room, plan, 0)
        joined = viewer.child.wait_for("joined", 30.0)
        known = viewer.child.wait_for("advertise", 120.0, lambda event: event["channels"] >= topics, needs=robot.process)
        viewer.finish()
        time.sleep(SETTLE)
        before = robot.process.usage()
        time.sleep(bench.options.seconds(20.0))
        after = robot.process.usage()
    busy = 100 * figures.cores(before, after)
    ready = known["time"] - max(begin, joined["time"])
    numbers = {"cpu_percent": busy, "resident_bytes": after.resident, "advertised_seconds": ready}
    label = f"{topics} topics, {services} services, no viewer" if services else f"{topics} topics, no viewer"
    return [
        Figure(f"{label}: CPU", number(busy, "% of a core"), numbers),
        Figure(f"{label}: RSS", number(after.resident / 1e6, "MB")),
        Figure(f"{label}: all advertised to a viewer that joined at the start", number(ready, "s")),
    ]


CASES = (
    Case("idle-50", partial(_measure, topics=50)),
    Case("idle-1000", partial(_measure, topics=1000, services=200), on_request=True),
)
