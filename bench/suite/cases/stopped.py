"""One of four viewers stops reading: what the other three notice."""

from __future__ import annotations

import signal
import statistics
import time

from suite import figures
from suite.case import Bench, Case, Figure, caveat, number
from suite.load import TOPIC, Load
from suite.measure import Run, Scene, run
from suite.sides import Side

LOAD = Load.steady(10_000, 20.0)
RUNS = 5
# The first moment after the stop is left out of both phases.
SETTLE = 1.0


def _once(bench: Bench, side: Side) -> tuple[Run, float, float]:
    """One run; p99 in ms of the three others before and after the fourth stopped."""
    phase = 10.0
    moments: list[float] = []

    def stop_one(scene: Scene) -> None:
        time.sleep(phase)
        moments.append(time.time())
        scene.viewers[3].child.send(signal.SIGSTOP)
        time.sleep(SETTLE + phase)
        moments.append(time.time())
        scene.viewers[3].child.send(signal.SIGCONT)

    result = run(bench.loopback, side, LOAD, viewers=4, warm_up=3.0, during=stop_one)
    stopped, continued = moments
    p99s = []
    for start, end in ((result.before.time, stopped), (stopped + SETTLE, continued)):
        late = [value for report in result.reports[:3] for value in figures.latencies(report, TOPIC, start, end)]
        p99s.append(figures.percentile(late, 0.99) * 1e3)
    return result, p99s[0], p99s[1]


def _measure(bench: Bench, side: Side) -> list[Figure]:
    runs = [_once(bench, side) for _ in range(1 if bench.options.quick else RUNS)]
    before = statistics.median(p99 for _, p99, _ in runs)
    after = statistics.median(p99 for _, _, p99 in runs)
    change = statistics.median(100 * (late / early - 1) for _, early, late in runs)
    text = f"{change:+.0f} % ({number(before)} → {number(after)} ms){caveat(runs[-1][0])}"
    numbers = {"p99_before_ms": before, "p99_after_ms": after, "change_percent": change}
    return [Figure("one of four viewers stopped: change of the others' p99", text, numbers)]


CASES = (Case("stopped", _measure),)
