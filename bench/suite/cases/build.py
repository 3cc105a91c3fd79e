"""How long a clean release build takes."""

from __future__ import annotations

import resource
import subprocess
import tempfile
import time
from pathlib import Path

from suite import places
from suite.case import Bench, Case, Figure, number
from suite.processes import BenchError
from suite.sides import Side

HANG_SECONDS = 3600.0


def _measure(_bench: Bench, side: Side) -> list[Figure]:
    """Crates are fetched beforehand, so that the network is not measured."""
    label = "clean release build: wall / CPU time"
    if side.name != "bridge":
        return [Figure(label, "none (binary wheel)")]
    with tempfile.TemporaryDirectory(prefix="rab_bench_build_") as target:
        environment = places.ros_environment(1, CARGO_TARGET_DIR=target)
        fetch = ["cargo", "fetch", "--locked"]
        build = ["cargo", "build", "--release", "--locked", "--package", "remote_access_bridge", "--bins"]
        _cargo(fetch, environment)
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        _cargo(build, environment)
        wall = time.monotonic() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        size = Path(target, "release/remote_access_bridge_node").stat().st_size
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    numbers = {"wall_seconds": wall, "cpu_seconds": cpu, "executable_bytes": size}
    text = f"{number(wall, 's')} / {number(cpu, 's')}, executable {number(size / 1e6, 'MB')}"
    return [Figure(label, text, numbers)]


def _cargo(command: list[str], environment: dict[str, str]) -> None:
    result = subprocess.run(command, cwd=places.ROOT, env=environment, capture_output=True, text=True, timeout=HANG_SECONDS)
    if result.returncode != 0:
        raise BenchError(f"{' '.join(command)} failed\n{result.stderr[-2000:]}")


CASES = (Case("build", _measure, on_request=True),)
