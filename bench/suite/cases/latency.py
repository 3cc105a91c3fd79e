"""Latency from the producer's stamp to the viewer's hands at fixed rates."""

from __future__ import annotations

from dataclasses import dataclass, replace

from suite.case import Bench, Case, Figure, caveat, number, size_name
from suite.load import TOPIC, Load
from suite.measure import run
from suite.sides import Side
from suite.viewers import PYTHON, RUST


@dataclass(frozen=True)
class _Latency:
    size: int
    rate: float
    viewers: int = 1
    # Where the Python viewer is near its limit, the Rust one measures too.
    each_kind: bool = False

    def _label(self, kind: str) -> str:
        to = f" to {self.viewers} viewers" if self.viewers > 1 else ""
        by = f", {'Rust' if kind == RUST else 'Python'} viewer" if self.each_kind else ""
        return f"{size_name(self.size)} at {self.rate:g} Hz{to}{by}"

    def __call__(self, bench: Bench, side: Side) -> list[Figure]:
        """Measures with each viewer that is due."""
        kinds = bench.options.viewer_kinds if self.each_kind else (PYTHON,)
        return [figure for kind in kinds for figure in self._measure(bench, side, kind)]

    def _measure(self, bench: Bench, side: Side, kind: str) -> list[Figure]:
        """After a warm-up long enough for a queue to show."""
        seconds = bench.options.seconds(12.0)
        load = Load.steady(self.size, self.rate)
        stand = replace(bench.loopback, viewer=kind)
        result = run(stand, side, load, viewers=self.viewers, warm_up=3.0, seconds=seconds)
        late = result.latency(TOPIC)
        arrived = late.count / (self.rate * result.seconds * self.viewers)
        numbers = {
            "p50_ms": late.p50,
            "p99_ms": late.p99,
            "max_ms": late.worst,
            "arrived_share": arrived,
            "robot_cpu_share": result.cpu("robot") / result.seconds,
            "foreign_cores": result.foreign_load(),
        }
        text = " / ".join(number(value) for value in (late.p50, late.p99, late.worst)) + " ms"
        if arrived < 0.98:
            text += f", {arrived:.0%} of the rate"
        label = self._label(kind)
        return [
            Figure(f"{label}: latency p50 / p99 / max", text + caveat(result), numbers),
            Figure(f"{label}: robot CPU", number(100 * result.cpu("robot") / result.seconds, "% of a core")),
            Figure(f"{label}: limit met", result.limit()),
        ]


CASES = (
    Case("latency-1kB-100Hz", _Latency(1_000, 100.0)),
    Case("latency-1MB-2Hz", _Latency(1_000_000, 2.0)),
    Case("latency-1MB-10Hz", _Latency(1_000_000, 10.0, each_kind=True)),
    Case("latency-100kB-4Hz-4viewers", _Latency(100_000, 4.0, viewers=4)),
)
