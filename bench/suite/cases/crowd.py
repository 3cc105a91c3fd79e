"""What a robot with 1,000 topics costs with 100 viewers that watch none of them, and with one that watches all."""

from __future__ import annotations

import secrets
import time
from functools import partial

from suite import figures
from suite.case import Bench, Case, Figure, number
from suite.load import Load
from suite.processes import Child, Processes
from suite.sides import Side
from suite.viewers import RUST, Viewer, ViewerPlan, start_viewer

TOPICS = 1000
# The prefix of no topic.
NOTHING = "/none/"
SETTLE = 10.0
LONG = 300.0


def _measure(bench: Bench, side: Side, count: int, channels: str, label: str) -> list[Figure]:
    """Viewers that join at once, when the robot knows its topics, and watch those with this prefix."""
    stand = bench.loopback
    room = f"bench-{side.name}-{secrets.token_hex(4)}"
    with Processes() as processes:
        robot = side.start(processes, stand.server, stand.site, room, Load(idle_topics=TOPICS), 0).process

        def join(index: int, channels: str) -> Viewer:
            return start_viewer(processes, stand.server, stand.site, side, room, ViewerPlan(RUST, channels=channels), index)

        first = join(0, NOTHING)
        _wait_topics(first, robot)
        first.finish()
        time.sleep(SETTLE)
        alone = robot.usage()
        viewers = [join(index, channels) for index in range(1, count + 1)]
        times = [_wait_topics(viewer, robot) for viewer in viewers]
        time.sleep(SETTLE)
        before = robot.usage()
        time.sleep(bench.options.seconds(20.0))
        after = robot.usage()
        for viewer in viewers:
            viewer.finish()
        # The robot keeps subscriptions for a while.
        time.sleep(2 * SETTLE)
        left = robot.usage()
    waited = max(known for _, known in times) - min(joined for joined, _ in times)
    sizes = " / ".join(number(usage.resident / 1e6) for usage in (alone, after, left))
    label = f"{TOPICS} topics, {label}"
    return [
        Figure(f"{label}: first joined → last knows all topics", number(waited, "s")),
        Figure(f"{label}: CPU until {SETTLE:.0f} s later", number(before.cpu - alone.cpu, "s")),
        Figure(f"{label}: CPU after that", number(100 * figures.cores(before, after), "% of a core")),
        Figure(f"{label}: RSS before / meanwhile / after", f"{sizes} MB"),
    ]


def _wait_topics(viewer: Viewer, robot: Child) -> tuple[float, float]:
    """When a viewer had joined, and when it knew all topics."""
    joined = viewer.child.wait_for("joined", LONG, needs=robot)
    known = viewer.child.wait_for("advertise", LONG, lambda event: event["channels"] >= TOPICS, needs=robot)
    return joined["time"], known["time"]


CASES = (
    Case("crowd-100", partial(_measure, count=100, channels=NOTHING, label="100 viewers that join at once"), on_request=True),
    Case("watch-1000", partial(_measure, count=1, channels="/bench/idle", label="a viewer that watches all"), on_request=True),
)
