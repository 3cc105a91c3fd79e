"""Many robots on one server, each in a room of its own with one viewer: what the server takes, and who waits."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from functools import partial

from programs.pacing import Stream
from suite import figures, machine, places
from suite.case import Bench, Case, Figure, number
from suite.load import Load
from suite.processes import BenchError, Child, Processes
from suite.sides import Bridge, Side
from suite.viewers import RUST, Viewer, ViewerPlan, start_viewer

STATE, POSE = Stream("/bench/state", 200, 10.0), Stream("/bench/pose", 1000, 5.0)
LOAD = Load((STATE, POSE))
SETTLE = 10.0
LONG = 120.0
# ROS domains whose ports do not meet those that Linux gives to clients.
DOMAINS = 100


class DomainBridge(Bridge):
    """A robot in a ROS domain of its own: else each would offer the topics of all."""

    def __init__(self, domain: int) -> None:
        super().__init__()
        self._domain = domain

    def environment(self, **extra: str) -> dict[str, str]:
        """For the processes of this robot."""
        return places.ros_environment(self._domain, **extra)


@dataclass(frozen=True)
class Place:
    """A room with its robot and its viewer."""

    robot: Child
    viewer: Viewer


def _measure(bench: Bench, side: Side, rooms: int) -> list[Figure]:
    if not isinstance(side, Bridge):
        raise BenchError("rooms of the peer are not measured: its producer is in the same process")
    if rooms > DOMAINS:
        raise BenchError(f"at most {DOMAINS} rooms: each robot needs a ROS domain")
    stand = bench.loopback
    server = stand.server.child
    with Processes() as processes:
        alone = server.usage()
        began = time.time()
        taken = [_start(bench, processes, domain) for domain in range(1, rooms + 1)]
        for place in taken:
            place.viewer.wait_first(LONG, place.robot)
        started = time.time() - began
        time.sleep(SETTLE)
        before, busy_before, from_time = _usage(server, taken), machine.busy_and_idle(), time.time()
        time.sleep(bench.options.seconds(30.0))
        after, busy_after, to_time = _usage(server, taken), machine.busy_and_idle(), time.time()
        reports = [place.viewer.finish() for place in taken]
    seconds = to_time - from_time
    latencies = [figures.latencies(report, STATE.topic, from_time, to_time) for report in reports]
    all_late = figures.Latency.of([value for values in latencies for value in values])
    worst = max(figures.Latency.of(values).p99 for values in latencies)
    missing = sum(topic["missing"] for report in reports for topic in report["topics"].values())
    rates = [len(values) / seconds for values in latencies]
    cpu = [100 * (late - early) / seconds for (early, _), (late, _) in zip(before, after, strict=True)]
    busy = (busy_after[0] - busy_before[0]) / seconds
    robots = [resident for _, resident in after[1:]]
    label = f"{rooms} rooms"
    return [
        Figure(f"{label}: all started and seen", number(started, "s")),
        Figure(f"{label}: state, fewest of 10 Hz in a room", f"{min(rates):.1f}, {missing} messages missing in all"),
        Figure(
            f"{label}: latency p50 / p99 / p99 of the worst room",
            f"{number(all_late.p50)} / {number(all_late.p99)} / {number(worst, 'ms')}",
        ),
        Figure(f"{label}: server CPU", number(cpu[0], "% of a core")),
        Figure(f"{label}: server RSS before / after", f"{number(alone.resident / 1e6)} / {number(after[0][1] / 1e6, 'MB')}"),
        Figure(
            f"{label}: CPU of a bridge, mean / most", f"{number(sum(cpu[1:]) / rooms)} / {number(max(cpu[1:]), '% of a core')}"
        ),
        Figure(
            f"{label}: RSS of a bridge, mean / most", f"{number(sum(robots) / rooms / 1e6)} / {number(max(robots) / 1e6, 'MB')}"
        ),
        Figure(f"{label}: cores busy in all, with publishers and viewers", number(busy)),
    ]


def _start(bench: Bench, processes: Processes, domain: int) -> Place:
    stand = bench.loopback
    side = DomainBridge(domain)
    room = f"bench-{domain}-{secrets.token_hex(4)}"
    robot = side.start(processes, stand.server, stand.site, room, LOAD, 0).process
    return Place(robot, start_viewer(processes, stand.server, stand.site, side, room, ViewerPlan(RUST), 0))


def _usage(server: Child, taken: list[Place]) -> list[tuple[float, int]]:
    """CPU seconds and resident bytes of the server and of each bridge."""
    return [(usage.cpu, usage.resident) for usage in (server.usage(), *(place.robot.usage() for place in taken))]


CASES = (Case("rooms-50", partial(_measure, rooms=50), on_request=True),)
"""Run only when named: it starts 150 processes."""
