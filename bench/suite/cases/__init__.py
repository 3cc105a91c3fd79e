"""The cases, in the order of the table."""

from __future__ import annotations

from suite.case import Case
from suite.cases import build, crowd, idle, join, latency, producer, rooms, stopped, throughput, uplink

CASES: tuple[Case, ...] = (
    *producer.CASES,
    *throughput.CASES,
    *latency.CASES,
    *uplink.CASES,
    *stopped.CASES,
    *join.CASES,
    *idle.CASES,
    *crowd.CASES,
    *rooms.CASES,
    *build.CASES,
)
