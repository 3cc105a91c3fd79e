"""What `bench/camera_link` reads from a run, and what it is to reach."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from suite.camera_sides import STATE, Scenery
from suite.case import Figure, caveat, number
from suite.figures import Latency
from suite.measure import Run
from suite.processes import BenchError

LIKENESS = "SSIM of the first video: median / worst"
STATE_AGE = "state at 20 Hz: frames/s, age p50 / p99 / max"
UPLINK = "uplink used"


def _camera(index: int) -> str:
    return f"camera {index + 1}: frames/s, age p50 / p99 / max"


def goals(scenery: Scenery) -> list[Figure]:
    """What is asked for; more than one camera is only asked for its rate."""
    rate = "≥ 28/s" if scenery.rate >= 30 else f"≥ {scenery.rate - 1:.0f}/s"
    if scenery.cameras > 1:
        return [Figure(_camera(index), rate) for index in range(scenery.cameras)]
    return [
        Figure(_camera(0), f"{rate}, p50 ≤ 120 ms, p99 ≤ 300 ms"),
        Figure(STATE_AGE, "p99 ≤ 150 ms"),
        Figure(LIKENESS, "≥ 0.92"),
        Figure(UPLINK, "≤ 2 Mbit/s"),
    ]


def of(result: Run, topics: list[str]) -> list[Figure]:
    """Rates, ages and costs of a run in which these cameras were watched."""
    uplink = ((result.after.uplink or 0) - (result.before.uplink or 0)) * 8 / result.seconds / 1e6
    labels = {topic: _camera(index) for index, topic in enumerate(topics)} | {STATE.topic: STATE_AGE}
    busy = 100 * result.cpu("robot") / result.seconds
    return [
        *(_age(result, topic, label) for topic, label in labels.items()),
        Figure(UPLINK, number(uplink, "Mbit/s"), {"megabits": uplink}),
        Figure("CPU of the robot's process", number(busy, "% of a core"), {"percent": busy}),
    ]


def _age(result: Run, topic: str, label: str) -> Figure:
    late = result.latency(topic)
    rate = late.count / result.seconds
    numbers = {"p50_ms": late.p50, "p99_ms": late.p99, "max_ms": late.worst, "messages_per_second": rate}
    if not late.count:
        said = [text for report in result.reports for text in (*report["statuses"], *report["errors"])]
        return Figure(label, f"none arrived; the robot said: {said[-1] if said else 'nothing'}", numbers)
    return Figure(label, f"{rate:.1f}/s, {ages(late)}{caveat(result)}", numbers)


def ages(late: Latency) -> str:
    """Median, 99th percentile and maximum."""
    return " / ".join(number(value) for value in (late.p50, late.p99, late.worst)) + " ms"


def likeness(scenery: Scenery, environment: dict[str, str]) -> Figure:
    """How the first camera's video looks; no such figure without one."""
    found = compare(scenery.scene, scenery.video, environment)
    text = f"{found['median']:.3f} / {found['worst']:.3f}, {found['failed']} of {found['decoded']} not decoded"
    return Figure(LIKENESS, text, found)


def compare(scene: Path, video: Path, environment: dict[str, str], *options: str) -> dict[str, Any]:
    """What `programs.camera_likeness` says of a video."""
    program = ["python3", "-m", "programs.camera_likeness", *options, str(scene), str(video)]
    result = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BenchError(f"the video cannot be compared: {result.stderr.strip()[-500:]}")
    return dict(json.loads(result.stdout))
