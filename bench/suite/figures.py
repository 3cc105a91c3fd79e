"""Small arithmetic on what viewers and /proc report."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from suite.processes import Usage

BUSY_THREAD = 0.85
BUSY_MACHINE = 0.93


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; NaN when there is nothing."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


@dataclass(frozen=True)
class Latency:
    """Milliseconds from the producer's stamp to the viewer's hands."""

    p50: float
    p99: float
    worst: float
    count: int

    @staticmethod
    def of(seconds: Sequence[float]) -> Latency:
        """From seconds."""
        milliseconds = [value * 1e3 for value in seconds]
        worst = max(milliseconds, default=math.nan)
        return Latency(percentile(milliseconds, 0.5), percentile(milliseconds, 0.99), worst, len(milliseconds))


def latencies(report: dict[str, Any], topic: str, start: float, end: float) -> list[float]:
    """Latencies in seconds of one topic's messages that arrived between two moments."""
    samples = report["topics"].get(topic, {"samples": []})["samples"]
    return [late for at, late in samples if start <= at < end]


def received(report: dict[str, Any], start: float, end: float) -> tuple[float, float]:
    """Messages and bytes a viewer received between two moments, interpolated on its timeline."""
    (messages0, bytes0), (messages1, bytes1) = _at(report["timeline"], start), _at(report["timeline"], end)
    return messages1 - messages0, bytes1 - bytes0


def _at(timeline: list[list[float]], when: float) -> tuple[float, float]:
    times = [point[0] for point in timeline]
    after = bisect.bisect_left(times, when)
    if after == 0:
        return timeline[0][1], timeline[0][2]
    if after == len(times):
        return timeline[-1][1], timeline[-1][2]
    (t0, m0, b0), (t1, m1, b1) = timeline[after - 1], timeline[after]
    share = (when - t0) / (t1 - t0) if t1 > t0 else 1.0
    return m0 + share * (m1 - m0), b0 + share * (b1 - b0)


def cores(before: Usage, after: Usage) -> float:
    """Average number of cores a process kept busy between two moments."""
    return (after.cpu - before.cpu) / max(1e-9, after.time - before.time)


def busiest_thread(before: Usage, after: Usage) -> tuple[str, float]:
    """Name and core share of the process's busiest thread between two moments."""
    seconds = max(1e-9, after.time - before.time)
    shares = [
        (name, (cpu - before.threads.get(thread, (name, 0.0))[1]) / seconds) for thread, (name, cpu) in after.threads.items()
    ]
    return max(shares, key=lambda item: item[1], default=("none", 0.0))


def limit_met(usage: dict[str, tuple[Usage, Usage]], machine_share: float) -> str:
    """What kept the run from being faster: a thread that is busy all the time, the machine, or neither."""
    threads = {name: busiest_thread(before, after) for name, (before, after) in usage.items()}
    process, (_, share) = max(threads.items(), key=lambda item: item[1][1])
    parts = []
    if machine_share >= BUSY_MACHINE:
        parts.append("all cores busy")
    if share >= BUSY_THREAD:
        parts.append(f"one thread of the {process} busy")
    return " and ".join(parts) or "no CPU: waiting"
