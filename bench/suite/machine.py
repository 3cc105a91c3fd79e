"""Describes the machine and the versions that the figures belong to."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from suite import places


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


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def _output(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True, cwd=places.ROOT, timeout=20)
    return result.stdout.strip() or "unknown"
