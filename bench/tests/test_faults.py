"""The arithmetic on what a viewer and the robot's log tell of a fault."""

from __future__ import annotations

from math import inf
from typing import Any

from suite.faults.record import LATCHED, STATE, Reconnect, Record, reconnects


def message(at: float, sequence: int, topic: str = STATE) -> dict[str, Any]:
    return {"event": "message", "time": at, "topic": topic, "sequence": sequence}


def steady(first: float, last: float, start: int = 0) -> list[dict[str, Any]]:
    return [message(first + number / 20, start + number) for number in range(round((last - first) * 20))]


def test_the_longest_gap_that_ends_after_the_fault_is_dark() -> None:
    record = Record([message(0.0, 0), message(5.0, 1), *steady(5.05, 8.0, 2), *steady(10.0, 12.0, 61)])
    dark, back = record.dark(6.0)
    assert round(dark, 2) == 2.05
    assert back == 10.0


def test_a_state_that_does_not_come_back_is_dark_for_ever() -> None:
    record = Record([*steady(0.0, 5.0), {"event": "left", "time": 30.0}])
    assert record.dark(4.9) == (inf, inf)
    assert Record(steady(0.0, 5.0)).dark(4.0)[0] < 0.1


def test_at_the_start_darkness_begins_with_the_fault() -> None:
    assert Record(steady(12.0, 15.0)).dark(2.0, at_start=True) == (10.0, 12.0)


def test_missing_are_numbers_that_never_came() -> None:
    record = Record([message(0.0, 7), message(0.1, 8), message(1.0, 11), message(1.1, 10), message(1.2, 14)])
    assert record.missing(0.5) == 3
    assert record.missing(0.0) == 3
    assert Record().missing(0.0) == 0


def test_returns_are_read_from_the_log() -> None:
    log = "\n".join(
        [
            '[INFO] [10.5] [remote_access_bridge]: joined the room room="a"',
            "\x1b[0m[INFO] [20.5] [remote_access_bridge]: connection{number=1}: reconnected\x1b[0m",
            "[INFO] [21.0] [remote_access_bridge]: something else was reconnected today",
            '[INFO] [22.0] [remote_access_bridge]: joined the room room="a"',
        ]
    )
    assert reconnects(log, 15.0) == [Reconnect(20.5, False), Reconnect(22.0, True)]


def test_the_first_message_after_a_moment_is_found_by_topic() -> None:
    record = Record([message(1.0, 0, LATCHED), message(2.5, 1), message(3.0, 0, LATCHED)])
    assert record.first_after(LATCHED, 2.0) == 1.0
    assert record.first_after(STATE, 2.6) == inf
