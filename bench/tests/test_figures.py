"""The arithmetic behind the table."""

from __future__ import annotations

import math

from programs.payload import MessageMaker
from programs.tally import Tally
from suite.case import Figure, number, size_name
from suite.figures import Latency, latencies, limit_met, percentile, received
from suite.processes import Usage
from suite.table import Table


def test_percentiles_are_nearest_rank() -> None:
    values = [float(value) for value in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([3.0], 0.99) == 3.0
    assert math.isnan(percentile([], 0.5))


def test_received_interpolates_between_points() -> None:
    report = {"timeline": [[10.0, 0, 0], [11.0, 100, 1000], [12.0, 300, 3000]]}
    assert received(report, 10.5, 11.5) == (150, 1500)
    assert received(report, 0.0, 99.0) == (300, 3000)


def test_latencies_belong_to_the_window_in_which_they_arrived() -> None:
    report = {"topics": {"/a": {"samples": [[1.0, 0.1], [2.0, 0.2], [3.0, 0.3]]}}}
    assert latencies(report, "/a", 2.0, 3.0) == [0.2]
    assert latencies(report, "/b", 0.0, 9.0) == []
    assert Latency.of([0.002]).p99 == 2.0


def usage(time: float, threads: dict[int, tuple[str, float]]) -> Usage:
    return Usage(time, sum(cpu for _, cpu in threads.values()), threads, 0)


def test_names_the_limit_that_was_met() -> None:
    before = usage(0.0, {1: ("main", 0.0), 2: ("io", 0.0)})
    busy = usage(1.0, {1: ("main", 0.1), 2: ("io", 0.95)})
    idle = usage(1.0, {1: ("main", 0.1), 2: ("io", 0.2)})
    assert limit_met({"viewer": (before, busy)}, 0.5) == "one thread of the viewer busy"
    assert limit_met({"viewer": (before, idle)}, 0.99) == "all cores busy"
    assert limit_met({"viewer": (before, idle)}, 0.5) == "no CPU: waiting"


def test_tally_counts_gaps_but_not_what_came_before() -> None:
    tally, maker = Tally(), MessageMaker(100)
    for sequence in (100, 101, 105, 103):
        tally.message("/a", memoryview(maker.make(sequence)))
    topic = tally.report()["topics"]["/a"]
    assert (topic["messages"], topic["bytes"], topic["missing"], topic["repeated"]) == (4, 400, 3, 1)
    assert all(0 <= late < 5 for _, late in topic["samples"])


def test_table_keeps_rows_in_order_and_marks_what_is_missing() -> None:
    table = Table(("bridge", "peer"))
    table.add("bridge", [Figure("one", "1"), Figure("two", "2")])
    table.add("peer", [Figure("two", "3")])
    assert table.markdown().splitlines()[2:] == ["| one | 1 | - |", "| two | 2 | 3 |"]


def test_figures_are_shown_with_three_digits() -> None:
    assert [number(value) for value in (1234.5, 56.78, 1.234, math.nan)] == ["1,234", "56.8", "1.23", "none arrived"]
    assert [size_name(size) for size in (1_000, 100_000, 1_000_000)] == ["1 kB", "100 kB", "1 MB"]
