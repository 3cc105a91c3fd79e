"""What a watched video does while the link gets narrow and wide again."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import Any

from suite import camera_figures, places
from suite.camera_figures import ages
from suite.camera_sides import STATE, BridgeCameras, Scenery
from suite.case import Bench, Figure, caveat, number
from suite.figures import Latency, latencies
from suite.links import Impairment, Link
from suite.load import Load
from suite.measure import Run, Scene, run
from suite.processes import Processes

NARROW = 0.7
# Seconds before, during and after; the way up takes longer.
SECONDS = (10.0, 20.0, 30.0)
ORDER = "before / during / after"
# The bit rate is back when it is at this share of what it was.
BACK = 0.95
GAP = f"longest gap between two frames: {ORDER}"
GOALS = [Figure(GAP, "≤ 1,000 ms")]


@dataclass
class Course:
    """When the phases began and the last one ended, bytes sent until then, and what the encoder was to make."""

    moments: list[float] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)
    aims: list[list[float]] = field(default_factory=list)

    def mark(self, link: Link) -> None:
        """A phase ends and another one begins."""
        self.moments.append(time.time())
        self.sent.append(link.uplink_bytes())

    @property
    def phases(self) -> list[tuple[float, float]]:
        """Beginning and end of each."""
        return list(itertools.pairwise(self.moments))

    def aim_at(self, moment: float) -> float:
        """What the encoder was to make then, in bits per second."""
        return [aim for at, aim in self.aims if at <= moment][-1]

    def until_aim(self, phase: int, least: float, most: float) -> float | None:
        """Seconds from the beginning of a phase until the encoder's aim was within these bounds."""
        start, end = self.phases[phase]
        times = [start, *(at for at, _ in self.aims if start < at < end)]
        return next((at - start for at in times if least <= self.aim_at(at) <= most), None)


def measure(bench: Bench, scenery: Scenery, impairment: Impairment) -> list[Figure]:
    """A run in which the link gets narrow and wide again."""
    port = places.free_port()
    side = BridgeCameras(scenery, "/video", metrics_address=f"127.0.0.1:{port}")
    course = Course()

    def during(scene: Scene) -> None:
        link = scene.stand.site
        assert isinstance(link, Link)
        watch = ["-m", "programs.aim_watch", f"--url=http://127.0.0.1:{port}/metrics", f"--topic={topic}"]
        with Processes() as processes:
            program = link.at_robot([str(places.BENCH_PYTHON), *watch])
            watcher = processes.start("aim watch", program, places.plain_environment())
            watcher.wait_for("ready", 10.0)
            for rate, seconds in zip((impairment.megabits, NARROW, impairment.megabits), SECONDS, strict=True):
                link.change_rate(rate)
                course.mark(link)
                time.sleep(seconds)
            course.mark(link)
            watcher.ask_to_end()
            course.aims = watcher.wait_for("report", 10.0)["changes"]

    topic = f"{scenery.topics[0]}/video"
    with bench.link(impairment) as stand:
        result = run(stand, side, Load(), warm_up=8.0, during=during)
    return [*_traffic(result, course, topic), *_quality(course, scenery, side.environment())]


def _traffic(result: Run, course: Course, topic: str) -> list[Figure]:
    report = result.reports[0]
    arrivals = [at for at, _ in report["topics"][topic]["samples"]]
    gaps = [(later, later - earlier) for earlier, later in itertools.pairwise(arrivals)]
    longest = [max(gap for at, gap in gaps if start <= at < end) for start, end in course.phases]
    frames = [Latency.of(latencies(report, topic, *phase)) for phase in course.phases]
    states = [Latency.of(latencies(report, STATE.topic, *phase)) for phase in course.phases]
    rates = [late.count / (end - start) for late, (start, end) in zip(frames, course.phases, strict=True)]
    sent = [later - earlier for earlier, later in itertools.pairwise(course.sent)]
    megabits = [count * 8e-6 / (end - start) for count, (start, end) in zip(sent, course.phases, strict=True)]
    return [
        Figure(f"frames/s: {ORDER}", _joined(rates) + caveat(result), _numbers(rates)),
        Figure(GAP, _joined([gap * 1e3 for gap in longest], "ms"), _numbers(longest)),
        *(
            Figure(f"{name}, {phase}: age p50 / p99 / max", ages(late))
            for name, every in (("video", frames), ("state", states))
            for phase, late in zip(("before", "during", "after"), every, strict=True)
        ),
        Figure(f"uplink used: {ORDER}", _joined(megabits, "Mbit/s"), _numbers(megabits)),
    ]


def _quality(course: Course, scenery: Scenery, environment: dict[str, str]) -> list[Figure]:
    bounds = [f"--phase={start}:{end}" for start, end in course.phases]
    found: dict[str, Any] = camera_figures.compare(scenery.scene, scenery.video, environment, *bounds)
    medians = [phase["median"] for phase in found["phases"]]
    aims = [course.aim_at(end) / 1e6 for _, end in course.phases]
    down = course.until_aim(1, 0, NARROW * 1e6)
    up = course.until_aim(2, BACK * course.aim_at(course.moments[1]), float("inf"))
    times = " / ".join("not reached" if value is None else number(value, "s") for value in (down, up))
    alike = " / ".join(f"{median:.3f}" for median in medians)
    return [
        Figure(f"encoder's bit rate at the end: {ORDER}", _joined(aims, "Mbit/s"), _numbers(aims)),
        Figure(f"time until it is below {NARROW:g} Mbit/s / back", times),
        Figure(f"SSIM, median: {ORDER}", f"{alike}, {found['failed']} of {found['decoded']} not decoded", _numbers(medians)),
    ]


def _joined(values: list[float], unit: str = "") -> str:
    return f"{' / '.join(number(value) for value in values)} {unit}".strip()


def _numbers(values: list[float]) -> dict[str, float]:
    return dict(zip(("before", "during", "after"), values, strict=True))
