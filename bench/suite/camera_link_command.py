"""`bench/camera_link`: cameras as video through a narrow, lossy uplink, with a state topic beside them.

How many pictures arrive, how old, and how much do they look like those of the camera? Needs root.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from programs.pacing import Stream
from suite import command, places
from suite.case import Bench, Figure, Options, caveat, loopback_stand, number
from suite.links import Impairment, why_no_namespaces
from suite.load import Load
from suite.measure import run
from suite.processes import BenchError
from suite.sides import Bridge

STATE = Stream("/bench/state", 200, 20.0)
SUPPORT = places.ROOT / "test/support"


class Cameras(Bridge):
    """The bridge beside a publisher of cameras, whose videos are watched."""

    def __init__(self, args: argparse.Namespace, directory: Path) -> None:
        super().__init__()
        self.topics = [f"/bench/camera{number}" for number in range(args.cameras)]
        self.scene = directory / "scene.npy"
        self.video = directory / "video"
        wanted = ",".join([STATE.topic, *(f"{topic}/video" for topic in self.topics)])
        self.viewer_options = (
            *Bridge.viewer_options,
            f"--only={wanted}",
            "--header-stamps=/bench/camera",
            f"--keep={self.topics[0]}/video:{self.video}",
        )
        self._options = [f"--rate={args.rate}", f"--scene={self.scene}", f"--state={STATE.topic}:{STATE.size}:{STATE.rate}"]

    def publisher(self, load: Load, confirm_port: int) -> list[str]:
        """The cameras."""
        return ["-m", "programs.camera_publisher", *self._options, *(f"--camera={topic}" for topic in self.topics)]

    def environment(self, **extra: str) -> dict[str, str]:
        """With the scene."""
        environment = super().environment(**extra)
        environment["PYTHONPATH"] += f":{SUPPORT}"
        return environment

    def likeness(self) -> dict[str, Any]:
        """How the first camera's video looks."""
        program = ["python3", "-m", "programs.camera_likeness", str(self.scene), str(self.video)]
        result = subprocess.run(program, env=self.environment(), capture_output=True, text=True, check=False)
        if result.returncode:
            raise BenchError(f"the video cannot be compared: {result.stderr.strip()[-500:]}")
        return dict(json.loads(result.stdout))


def _measure(bench: Bench, args: argparse.Namespace) -> list[Figure]:
    with tempfile.TemporaryDirectory() as directory, bench.link(Impairment(args.megabits, args.loss)) as stand:
        side = Cameras(args, Path(directory))
        result = run(stand, side, Load(), warm_up=8.0, seconds=bench.options.seconds(30.0))
        likeness = side.likeness()
    uplink = ((result.after.uplink or 0) - (result.before.uplink or 0)) * 8 / result.seconds / 1e6
    figures = []
    for topic in [STATE.topic, *(f"{topic}/video" for topic in side.topics)]:
        late = result.latency(topic)
        values = " / ".join(number(value) for value in (late.p50, late.p99, late.worst))
        text = f"{values} ms, {late.count / result.seconds:.1f} Hz{caveat(result)}"
        figures.append(Figure(f"{topic}: age p50 / p99 / max", text))
    text = f"{likeness['median']:.3f} / {likeness['worst']:.3f}, {likeness['failed']} of {likeness['decoded']} not decoded"
    return [
        *figures,
        Figure("SSIM of the first video: median / worst", text),
        Figure("uplink used", number(uplink, "Mbit/s")),
        Figure("CPU of the bridge", number(100 * result.cpu("robot") / result.seconds, "% of a core")),
    ]


def main() -> int:
    """Returns 0, or 1 when a run failed."""
    parser = argparse.ArgumentParser(prog="bench/camera_link", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a window of a third")
    parser.add_argument("--megabits", type=float, default=5.0, help="rate of the uplink, 0 = no limit")
    parser.add_argument("--loss", type=float, default=0.01, help="share of packets lost in each direction")
    parser.add_argument("--cameras", type=int, default=1, help="cameras of 640 x 480")
    parser.add_argument("--rate", type=float, default=30.0, help="pictures per second of each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    parser.add_argument("--patience", type=float, default=0.0, metavar="SECONDS", help="wait so long for a quiet machine")
    args = parser.parse_args()
    if reason := why_no_namespaces():
        print(f"bench/camera_link: {reason}", file=sys.stderr)
        return 1
    command.stop_on_termination()
    try:
        description = command.describe()
        description.append(f"{args.cameras} cameras at {args.rate:g} Hz, uplink {args.megabits:g} Mbit/s, {args.loss:.1%} loss")
        with ExitStack() as stack:
            bench = Bench(Options(args.quick), loopback_stand(stack))
            column = "bridge, video"
            table, good = command.run_jobs([("cameras", column, lambda: _measure(bench, args))], (column,), args.patience)
    except BenchError as error:
        print(f"bench/camera_link: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench/camera_link: interrupted", file=sys.stderr)
        return 130
    command.publish(table, description, args.json)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
