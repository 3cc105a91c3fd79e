"""The cases, in the order of the table."""

from __future__ import annotations

from suite.case import Case
from suite.cases import build, idle, join, latency, stopped, throughput, uplink

CASES: tuple[Case, ...] = (
    *throughput.CASES,
    *latency.CASES,
    *uplink.CASES,
    *stopped.CASES,
    *join.CASES,
    *idle.CASES,
    *build.CASES,
)
