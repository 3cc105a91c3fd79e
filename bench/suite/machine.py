"""Describes the machine and the versions that the figures belong to."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from suite import places
from suite.processes import TICKS_PER_SECOND

# Other work below so many cores does not count; a look at it takes so many seconds.
QUIET_CORES = 0.15
LOOK = 3.0


def describe() -> list[str]:
    """Lines for the report: when, on what, and which versions."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory = int(_lines("/proc/meminfo")[0].split()[1]) / 1e6
    load = os.getloadavg()
    return [
        f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC, commit {_output('git', 'rev-parse', '--short', 'HEAD')}",
        f"{os.cpu_count()} x {cpu}, {memory:.0f} GB, Linux {platform.release()}",
        f"load average at the start: {load[0]:.2f} {load[1]:.2f} {load[2]:.2f}",
        f"server: {_output(places.livekit_server(), '--version')}",
        f"peer: foxglove-sdk {version('foxglove-sdk')}; Python viewer: livekit {version('livekit')}",
    ]


def busy_and_idle() -> tuple[float, float]:
    """Busy and idle CPU seconds of the whole machine since it started."""
    fields = [int(text) for text in _lines("/proc/stat")[0].split()[1:9]]
    idle = fields[3] + fields[4]
    # Steal counts as busy: another guest had the core.
    return (sum(fields) - idle) / TICKS_PER_SECOND, idle / TICKS_PER_SECOND


def wait_until_quiet(patience: float) -> bool:
    """Waits until other work takes less than `QUIET_CORES`, at most so many seconds; whether it does."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        before, start = busy_and_idle()[0], time.monotonic()
        time.sleep(LOOK)
        if (busy_and_idle()[0] - before) / (time.monotonic() - start) < QUIET_CORES:
            return True
    return False


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def _output(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True, cwd=places.ROOT, timeout=20)
    return result.stdout.strip() or "unknown"
