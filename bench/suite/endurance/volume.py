"""Very many bytes through one connection, and the memory of both ends."""

from __future__ import annotations

import bisect
import time
import urllib.request
from contextlib import ExitStack

from suite import places
from suite.case import loopback_stand
from suite.command import progress
from suite.endurance.growth import Sample
from suite.load import Load
from suite.measure import Run, Scene, Stand, run
from suite.processes import BenchError
from suite.sides import Bridge
from suite.viewers import RUST

MESSAGE = 1_000_000
STEP = 0.5
LOOK = 1.0
LONGEST = 800.0
COUNTER = "remote_access_bridge_uplink_bytes_total"


def volume(gigabytes: float) -> dict[str, list[Sample]]:
    """A closed loop of 1 MB messages to the Rust viewer on loopback, until so many GB are sent."""
    port = places.free_port()
    looks: list[tuple[float, Sample, Sample]] = []

    def watch(scene: Scene) -> None:
        deadline = time.monotonic() + LONGEST
        sent, told = 0.0, STEP
        while sent < gigabytes:
            time.sleep(LOOK)
            sent = _sent(port)
            ends = (scene.robot.process.pid, scene.viewers[0].child.pid)
            robot, viewer = (Sample.of(pid, sent) for pid in ends)
            looks.append((time.time(), robot, viewer))
            if sent >= told:
                progress(f"    {sent:.1f} GB: bridge {robot.resident:.1f} MB, viewer {viewer.resident:.1f} MB")
                told += STEP
            if time.monotonic() > deadline:
                progress(f"    the time is over after {sent:.1f} GB")
                return

    with ExitStack() as stack:
        base = loopback_stand(stack)
        side = Bridge(metrics_address=f"127.0.0.1:{port}")
        result = run(Stand(base.server, base.site, RUST), side, Load.saturating(MESSAGE), during=watch)
    done = looks[-1][1].done
    _check(result, done)
    return {
        "bridge": _steps([robot for _, robot, _ in looks], done),
        "viewer": _steps([viewer for _, _, viewer in looks], done),
    }


def _sent(port: int) -> float:
    """GB that the bridge has sent."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(COUNTER)) / 1e9


def _check(result: Run, gigabytes: float) -> None:
    arrived = result.received()[1] / 1e9
    progress(f"    {arrived:.2f} GB arrived, {result.missing()} messages missing, {arrived / result.seconds * 1e3:.1f} MB/s")
    if arrived < 0.9 * gigabytes:
        raise BenchError(f"only {arrived:.2f} GB arrived")


def _steps(samples: list[Sample], gigabytes: float) -> list[Sample]:
    """The first sample at each half gigabyte."""
    at = [sample.done for sample in samples]
    steps = [STEP * number for number in range(1, int(gigabytes / STEP) + 1)]
    return [samples[min(bisect.bisect_left(at, step), len(samples) - 1)] for step in steps]
