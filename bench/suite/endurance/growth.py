"""Memory, file descriptors and threads of a process over a long run, and whether they grow."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from suite.processes import BenchError, usage_of

# What comes before this share of a run is warm-up: pools and caches fill.
WARM_UP = 0.4
# Growth over the rest of a run that still counts as flat: memory as a share, the others in number.
FLAT_SHARE = 0.02
FLAT_NUMBER = 1.0


@dataclass(frozen=True)
class Sample:
    """A process at one moment. `done` is how often it has happened by then, or how much."""

    done: float
    resident: float
    descriptors: float
    threads: float

    @staticmethod
    def of(pid: int, done: float) -> Sample:
        """The process now."""
        usage = usage_of(pid)
        try:
            descriptors = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - names of the kernel's, not paths
        except OSError as error:
            raise BenchError(f"process {pid} has ended: {error}") from error
        return Sample(done, usage.resident / 1e6, descriptors, len(usage.threads))


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Growth per unit of the first value, by least squares."""
    count = len(points)
    if count < 2:
        return 0.0
    middle = sum(x for x, _ in points) / count
    height = sum(y for _, y in points) / count
    spread = sum((x - middle) ** 2 for x, _ in points)
    return sum((x - middle) * (y - height) for x, y in points) / spread if spread else 0.0


@dataclass(frozen=True)
class Trend:
    """How a value goes after the warm-up: growth over that part of the run by the fitted line."""

    start: float
    growth: float
    per_unit: float
    flat: bool

    @staticmethod
    def of(points: Sequence[tuple[float, float]], share: float = 0.0, number: float = 0.0) -> Trend:
        """Flat is what grows by at most this share of its mean, or this number."""
        late = [point for point in points if point[0] >= points[-1][0] * WARM_UP]
        per_unit = slope(late)
        growth = per_unit * (late[-1][0] - late[0][0])
        mean = sum(value for _, value in late) / len(late)
        return Trend(late[0][1], growth, per_unit, growth <= max(share * mean, number))


def trends(samples: Sequence[Sample]) -> dict[str, Trend]:
    """One for each of the three."""
    return {
        "memory": Trend.of([(each.done, each.resident) for each in samples], share=FLAT_SHARE),
        "file descriptors": Trend.of([(each.done, each.descriptors) for each in samples], number=FLAT_NUMBER),
        "threads": Trend.of([(each.done, each.threads) for each in samples], number=FLAT_NUMBER),
    }
