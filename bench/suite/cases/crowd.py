"""What a robot with 1,000 topics costs with 100 viewers that watch none of them, and with one that watches all."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from suite import figures
from suite.case import Bench, Case, Figure, number
from suite.load import Load
from suite.measure import Stand
from suite.processes import Child, Processes
from suite.sides import Robot, Side
from suite.viewers import RUST, Viewer, ViewerPlan, start_viewer

TOPICS = 1000
VIEWERS = 100
SETTLE = 10.0
LONG = 300.0


class _Room:
    """A robot with its topics, and viewers that come."""

    def __init__(self, processes: Processes, stand: Stand, side: Side) -> None:
        self._join = partial(start_viewer, processes, stand.server, stand.site, side)
        self._name = f"bench-{side.name}-{secrets.token_hex(4)}"
        self._count = 0
        self.robot: Robot = side.start(processes, stand.server, stand.site, self._name, Load(idle_topics=TOPICS), 0)

    def join(self, channels: str) -> Viewer:
        """A viewer that watches the topics with this prefix."""
        self._count += 1
        return self._join(self._name, ViewerPlan(RUST, channels=channels), self._count)

    def wait_topics(self, viewer: Viewer) -> tuple[float, float]:
        """When a viewer had joined, and when it knew all topics."""
        joined = viewer.child.wait_for("joined", LONG, needs=self.process)
        known = viewer.child.wait_for("advertise", LONG, lambda event: event["channels"] >= TOPICS, needs=self.process)
        return joined["time"], known["time"]

    @property
    def process(self) -> Child:
        """The robot's process."""
        return self.robot.process


@contextmanager
def _settled_room(bench: Bench, side: Side) -> Iterator[_Room]:
    """A robot that knows its topics."""
    with Processes() as processes:
        room = _Room(processes, bench.loopback, side)
        first = room.join("/none/")
        room.wait_topics(first)
        first.finish()
        time.sleep(SETTLE)
        yield room


def _measure_many(bench: Bench, side: Side) -> list[Figure]:
    with _settled_room(bench, side) as room:
        alone = room.process.usage()
        viewers = [room.join("/none/") for _ in range(VIEWERS)]
        times = [room.wait_topics(viewer) for viewer in viewers]
        greeted = room.process.usage()
        time.sleep(SETTLE)
        before = room.process.usage()
        time.sleep(bench.options.seconds(20.0))
        after = room.process.usage()
        for viewer in viewers:
            viewer.finish()
        time.sleep(SETTLE)
        left = room.process.usage()
    label = f"{TOPICS} topics, {VIEWERS} viewers that join at once"
    waited = max(known for _, known in times) - min(joined for joined, _ in times)
    return [
        Figure(f"{label}: first joined → last knows all topics", number(waited, "s")),
        Figure(f"{label}: CPU for that", number(greeted.cpu - alone.cpu, "s")),
        Figure(f"{label}: CPU once they are there", number(100 * figures.cores(before, after), "% of a core")),
        Figure(f"{label}: RSS before / with them / after", _sizes(alone.resident, after.resident, left.resident)),
    ]


def _measure_all(bench: Bench, side: Side) -> list[Figure]:
    with _settled_room(bench, side) as room:
        alone = room.process.usage()
        viewer = room.join("/bench/idle")
        room.wait_topics(viewer)
        time.sleep(SETTLE)
        before = room.process.usage()
        time.sleep(bench.options.seconds(20.0))
        after = room.process.usage()
        viewer.finish()
        # The robot keeps subscriptions for a while.
        time.sleep(2 * SETTLE)
        left = room.process.usage()
    label = f"{TOPICS} topics, a viewer that watches all"
    return [
        Figure(f"{label}: CPU to subscribe", number(before.cpu - alone.cpu, "s")),
        Figure(f"{label}: CPU once it is there", number(100 * figures.cores(before, after), "% of a core")),
        Figure(f"{label}: RSS before / with it / after", _sizes(alone.resident, after.resident, left.resident)),
    ]


def _sizes(*sizes: int) -> str:
    return " / ".join(number(size / 1e6) for size in sizes) + " MB"


CASES = (
    Case("crowd-100", _measure_many, on_request=True),
    Case("watch-1000", _measure_all, on_request=True),
)
