"""One run: a robot, viewers, a warm-up and a window in which everything is read."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from suite import figures, machine, places
from suite.links import Site
from suite.load import Load
from suite.processes import Processes, Usage
from suite.server import Server
from suite.sides import Robot, Side
from suite.viewers import PYTHON, Viewer, ViewerPlan, start_viewer

FIRST_SECONDS = 60.0


@dataclass(frozen=True)
class Stand:
    """What stays the same during all runs."""

    server: Server
    site: Site
    viewer: str = PYTHON


@dataclass
class Snapshot:
    """Everything that is read at one moment."""

    time: float
    usage: dict[str, Usage]
    uplink: int | None
    machine: tuple[float, float]


@dataclass
class Run:
    """A finished run, read between `before` and `after`."""

    before: Snapshot
    after: Snapshot
    reports: list[dict[str, Any]]
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Length of the window."""
        return self.after.time - self.before.time

    def received(self, viewer: int = 0) -> tuple[float, float]:
        """Messages and bytes this viewer received in the window."""
        return figures.received(self.reports[viewer], self.before.time, self.after.time)

    def latency(self, topic: str) -> figures.Latency:
        """Latency of a topic over all viewers in the window."""
        values: list[float] = []
        for report in self.reports:
            values += figures.latencies(report, topic, self.before.time, self.after.time)
        return figures.Latency.of(values)

    def cpu(self, name: str) -> float:
        """CPU seconds a process took in the window."""
        return self.after.usage[name].cpu - self.before.usage[name].cpu

    def resident(self, name: str) -> int:
        """Its resident memory at the end of the window, in bytes."""
        return self.after.usage[name].resident

    def missing(self) -> int:
        """Messages that never reached a viewer although later ones did, over the whole run."""
        return sum(topic["missing"] for report in self.reports for topic in report["topics"].values())

    def limit(self) -> str:
        """What kept the run from being faster."""
        busy = self.after.machine[0] - self.before.machine[0]
        idle = self.after.machine[1] - self.before.machine[1]
        usage = {name: (self.before.usage[name], self.after.usage[name]) for name in self.before.usage}
        return figures.limit_met(usage, busy / max(1e-9, busy + idle))

    def foreign_load(self) -> float:
        """Cores that processes outside the run kept busy: figures under foreign load are worth less."""
        busy = self.after.machine[0] - self.before.machine[0]
        own = sum(self.cpu(name) for name in self.before.usage)
        return max(0.0, busy - own) / self.seconds


@dataclass
class Scene:
    """A run in progress."""

    robot: Robot
    viewers: list[Viewer]
    stand: Stand
    room: str

    def snapshot(self) -> Snapshot:
        """Reads all processes, the machine and the link now."""
        usage = {"robot": self.robot.process.usage(), "server": self.stand.server.child.usage()}
        if self.robot.producer is not self.robot.process:
            usage["publisher"] = self.robot.producer.usage()
        for number, viewer in enumerate(self.viewers):
            usage["viewer" if number == 0 else f"viewer {number}"] = viewer.child.usage()
        return Snapshot(time.time(), usage, self.stand.site.uplink_bytes(), machine.busy_and_idle())

    def finish(self) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """Ends viewers and producer; their reports and the messages sent."""
        reports = [viewer.finish() for viewer in self.viewers]
        self.robot.producer.ask_to_end()
        return reports, self.robot.producer.wait_for("report", 30.0)["counts"]


def run(
    stand: Stand,
    side: Side,
    load: Load,
    *,
    viewers: int = 1,
    warm_up: float = 1.5,
    seconds: float = 8.0,
    during: Callable[[Scene], None] | None = None,
) -> Run:
    """Starts robot and viewers, waits until each has a message, measures for so many seconds.

    `during` runs instead of the plain wait, for cases that do something meanwhile.
    """
    room = f"bench-{side.name}-{secrets.token_hex(4)}"
    confirm_port = places.free_port() if load.window else 0
    plan = ViewerPlan(stand.viewer, confirm_port)
    with Processes() as processes:
        robot = side.start(processes, stand.server, stand.site, room, load, confirm_port)
        started = [start_viewer(processes, stand.server, stand.site, side, room, plan, number) for number in range(viewers)]
        for viewer in started:
            viewer.wait_first(FIRST_SECONDS, robot.process)
        scene = Scene(robot, started, stand, room)
        time.sleep(warm_up)
        before = scene.snapshot()
        if during:
            during(scene)
        else:
            time.sleep(seconds)
        after = scene.snapshot()
        reports, counts = scene.finish()
    return Run(before, after, reports, counts)
