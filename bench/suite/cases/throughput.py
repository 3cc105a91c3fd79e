"""How much gets through to one viewer, and what it costs the robot."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from suite.case import Bench, Case, Figure, caveat, number, size_name
from suite.load import Load
from suite.measure import Run, run
from suite.sides import Side
from suite.viewers import RUST

SIZES = (1_000, 10_000, 100_000, 1_000_000)


def _measure(bench: Bench, side: Side, size: int) -> list[Figure]:
    figures = []
    for kind in bench.options.viewer_kinds:
        stand = replace(bench.loopback, viewer=kind)
        result = run(stand, side, Load.saturating(size), seconds=bench.options.seconds(8.0))
        figures += _figures(result, f"{size_name(size)}, {'Rust' if kind == RUST else 'Python'} viewer")
    return figures


def _figures(result: Run, label: str) -> list[Figure]:
    messages, size = result.received()
    rate = size / result.seconds / 1e6
    cost = result.cpu("robot") / (size / 1e9) if size else float("nan")
    sent = max(result.counts.values())
    numbers = {
        "megabytes_per_second": rate,
        "messages_per_second": messages / result.seconds,
        "robot_cpu_seconds_per_gigabyte": cost,
        "publisher_cpu_seconds": result.cpu("publisher") if "publisher" in result.before.usage else 0.0,
        "server_cpu_seconds": result.cpu("server"),
        "viewer_cpu_seconds": result.cpu("viewer"),
        "robot_resident_bytes": result.resident("robot"),
        "missing_messages": result.missing(),
        "sent_messages": sent,
        "foreign_cores": result.foreign_load(),
    }
    lost = f", {result.missing()} of {sent} dropped" if result.missing() else ""
    return [
        Figure(f"{label}: throughput", f"{number(rate, 'MB/s')}{lost}{caveat(result)}", numbers),
        Figure(f"{label}: robot CPU per GB", number(cost, "s")),
        Figure(f"{label}: CPU per GB of publisher / server / viewer", _others(result, size)),
        Figure(f"{label}: limit met", result.limit()),
        Figure(f"{label}: robot RSS", number(result.resident("robot") / 1e6, "MB")),
    ]


def _others(result: Run, size: float) -> str:
    """What the other processes take: on shared cores it bounds the throughput as the robot's does."""
    if not size:
        return "none arrived"
    names = [name if name in result.before.usage else None for name in ("publisher", "server", "viewer")]
    return " / ".join(number(result.cpu(name) / (size / 1e9)) if name else "none" for name in names) + " s"


CASES = tuple(Case(f"throughput-{size_name(size).replace(' ', '')}", partial(_measure, size=size)) for size in SIZES)
