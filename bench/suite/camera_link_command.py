"""`bench/camera_link`: cameras through a narrow, lossy uplink, with a state topic beside them.

How many pictures arrive, how old, and how much do they look like those of the camera? Needs root.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from suite import camera_figures, camera_join, camera_step, command
from suite.camera_sides import JPEG_QUALITY, BridgeCameras, PeerCameras, Scenery, WebSocketCameras
from suite.case import Bench, Figure, Options, loopback_stand
from suite.links import Impairment, why_no_namespaces
from suite.load import Load
from suite.measure import run
from suite.processes import BenchError
from suite.sides import Side

VIDEO = "/video"
Watch = Callable[[Bench, Scenery, Impairment], list[Figure]]
SIDES: dict[str, tuple[str, Callable[[Scenery], Side]]] = {
    "video": ("bridge, video", lambda scenery: BridgeCameras(scenery, VIDEO)),
    "raw": ("bridge, raw images", lambda scenery: BridgeCameras(scenery, "")),
    "websocket-raw": ("WebSocket, raw images", WebSocketCameras),
    "websocket-jpeg": (f"WebSocket, JPEG {JPEG_QUALITY}", lambda scenery: WebSocketCameras(scenery, JPEG_QUALITY)),
    "peer-video": ("peer, its video track", PeerCameras),
}


def _scenery(args: argparse.Namespace, directory: str) -> Scenery:
    parameters = (("camera_max_bit_rate", args.max_bit_rate),) if args.max_bit_rate else ()
    return Scenery(Path(directory), args.cameras, args.rate, not args.builtin_transports, parameters)


def _measure(bench: Bench, args: argparse.Namespace, impairment: Impairment, make: Callable[[Scenery], Side]) -> list[Figure]:
    with tempfile.TemporaryDirectory() as directory, bench.link(impairment) as stand:
        scenery = _scenery(args, directory)
        side = make(scenery)
        result = run(stand, side, Load(), warm_up=8.0, seconds=bench.options.seconds(args.seconds))
        suffix = side.suffix if isinstance(side, BridgeCameras) else ""
        figures = camera_figures.of(result, [topic + suffix for topic in scenery.topics])
        if isinstance(side, BridgeCameras) and suffix == VIDEO:
            figures.append(camera_figures.likeness(scenery, side.environment()))
    return figures


def _watch(bench: Bench, args: argparse.Namespace, impairment: Impairment, measure: Watch) -> list[Figure]:
    with tempfile.TemporaryDirectory() as directory:
        return measure(bench, _scenery(args, directory), impairment)


def _goals(args: argparse.Namespace) -> list[Figure]:
    if args.step:
        return camera_step.GOALS
    return camera_join.GOALS if args.join else camera_figures.goals(_scenery(args, ""))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/camera_link", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a window of a third")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of the window")
    parser.add_argument("--side", action="append", choices=SIDES, help="a column; several times for several; default: all")
    parser.add_argument("--megabits", type=float, default=5.0, help="rate of the uplink, 0 = no limit")
    parser.add_argument("--loss", type=float, default=0.01, help="share of packets lost in each direction")
    parser.add_argument("--delay", type=float, default=0.0, metavar="MS", help="added delay in each direction")
    parser.add_argument("--cameras", type=int, default=1, help="cameras of 640 x 480")
    parser.add_argument("--rate", type=float, default=30.0, help="pictures per second of each")
    parser.add_argument("--max-bit-rate", type=int, metavar="BITS", help="the bridge's camera_max_bit_rate")
    parser.add_argument(
        "--builtin-transports", action="store_true", help="Fast DDS as it comes, without config/fastdds_large_messages.xml"
    )
    other = parser.add_mutually_exclusive_group()
    other.add_argument(
        "--step",
        action="store_true",
        help=f"only the bridge, while the rate falls to {camera_step.NARROW:g} Mbit/s and back",
    )
    other.add_argument("--join", action="store_true", help="only the bridge: how long a viewer waits for a picture")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    parser.add_argument("--patience", type=float, default=0.0, metavar="SECONDS", help="wait so long for a quiet machine")
    return parser.parse_args()


def _jobs(bench: Bench, args: argparse.Namespace, impairment: Impairment) -> list[command.Job]:
    jobs: list[command.Job] = []
    if args.step or args.join:
        measure = camera_step.measure if args.step else camera_join.measure
        return [("cameras", SIDES["video"][0], partial(_watch, bench, args, impairment, measure))]
    for name in args.side or SIDES:
        column, make = SIDES[name]
        jobs.append(("cameras", column, partial(_measure, bench, args, impairment, make)))
    return jobs


def main() -> int:
    """Returns 0, or 1 when a run failed."""
    args = _parse()
    if reason := why_no_namespaces():
        print(f"bench/camera_link: {reason}", file=sys.stderr)
        return 1
    command.stop_on_termination()
    impairment = Impairment(args.megabits, args.loss, args.delay)
    try:
        description = command.describe()
        link = f"uplink {args.megabits:g} Mbit/s, {args.loss:.1%} loss, {args.delay:g} ms of delay each way"
        description.append(f"{args.cameras} cameras at {args.rate:g} Hz, {link}")
        with ExitStack() as stack:
            bench = Bench(Options(args.quick), loopback_stand(stack))
            jobs = _jobs(bench, args, impairment)
            columns = ("goal", *(column for _, column, _ in jobs))
            table, good = command.run_jobs(jobs, columns, args.patience)
            table.add("goal", _goals(args))
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
