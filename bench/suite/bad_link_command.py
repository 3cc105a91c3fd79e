"""`bench/bad_link`: the robot behind a narrow, lossy uplink, with a camera that does not fit into it.

A state topic of 20 Hz shares a 5 Mbit/s uplink with 1 % loss with a subscribed camera of 60 Mbit/s.
Asked: how late is the state, and how old are the camera's frames? Needs root.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from programs.pacing import Stream
from suite import command
from suite.case import Bench, Figure, Options, caveat, loopback_stand, number
from suite.links import Impairment, why_no_namespaces
from suite.load import Load
from suite.measure import Run, run
from suite.processes import BenchError
from suite.sides import SIDES, Side

STATE = Stream("/bench/state", 200, 20.0)
CAMERA = Stream("/bench/camera", 250_000, 30.0)
LOAD = Load((STATE, CAMERA))
# The peer's unreliable tracks take messages of at most 100 KiB: the same 60 Mbit/s in smaller frames.
SMALL_CAMERA = Stream(CAMERA.topic, 75_000, 100.0)
LOSSY_LOAD = Load((STATE, SMALL_CAMERA), lossy_topic=CAMERA.topic)
PEER_LOSSY = "peer, camera on a lossy track (75 kB, 100 Hz)"


def _late(result: Run, load: Load, topic: str, label: str) -> Figure:
    """Latency of one topic, and how much of what was published arrived in the window."""
    stream = next(stream for stream in load.streams if stream.topic == topic)
    late = result.latency(stream.topic)
    rate = late.count / result.seconds
    numbers = {"p50_ms": late.p50, "p99_ms": late.p99, "max_ms": late.worst, "messages_per_second": rate}
    values = " / ".join(number(value) for value in (late.p50, late.p99, late.worst))
    if not late.count:
        said = [status for report in result.reports for status in report["statuses"]]
        return Figure(label, f"none arrived; the robot said: {said[-1] if said else 'nothing'}", numbers)
    return Figure(label, f"{values} ms, {rate:.1f} of {stream.rate:.0f} Hz{caveat(result)}", numbers)


def _measure(bench: Bench, side: Side, load: Load, impairment: Impairment) -> list[Figure]:
    with bench.link(impairment) as stand:
        result = run(stand, side, load, warm_up=8.0, seconds=bench.options.seconds(30.0))
    uplink = ((result.after.uplink or 0) - (result.before.uplink or 0)) * 8 / result.seconds / 1e6
    return [
        _late(result, load, STATE.topic, "state (200 B, 20 Hz): latency p50 / p99 / max"),
        _late(result, load, CAMERA.topic, "camera (60 Mbit/s in 250 kB frames): age p50 / p99 / max"),
        Figure("uplink used", number(uplink, "Mbit/s")),
        Figure("robot RSS", number(result.resident("robot") / 1e6, "MB")),
    ]


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/bad_link", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure for a third of the time")
    parser.add_argument("--megabits", type=float, default=5.0, help="uplink rate; 0: unlimited")
    parser.add_argument("--loss", type=float, default=0.01, help="fraction of packets lost in each direction")
    command.add_common_options(parser)
    return parser.parse_args()


def _jobs(bench: Bench, wanted: str, impairment: Impairment) -> list[command.Job]:
    """The peer twice: as configured for reliable data, and with the camera on its lossy track."""
    loads = {"bridge": (("bridge", LOAD),), "peer": (("peer", LOAD), (PEER_LOSSY, LOSSY_LOAD))}
    jobs: list[command.Job] = []
    for side in SIDES if wanted == "both" else (wanted,):
        for column, load in loads[side]:
            work: Callable[[], list[Figure]] = partial(_measure, bench, SIDES[side], load, impairment)
            jobs.append(("bad link", column, work))
    return jobs


def main() -> int:
    """Returns 0, or 1 when a run failed."""
    args = _parse()
    reason = why_no_namespaces()
    if reason:
        print(f"bench/bad_link: {reason}", file=sys.stderr)
        return 1
    command.stop_on_termination()
    impairment = Impairment(args.megabits, args.loss)
    try:
        description = command.describe()
        description.append(f"uplink {args.megabits:g} Mbit/s, {args.loss:.1%} loss, no added delay")
        with ExitStack() as stack:
            bench = Bench(Options(args.quick), loopback_stand(stack))
            jobs = _jobs(bench, args.side, impairment)
            table, good = command.run_jobs(jobs, tuple(column for _, column, _ in jobs), args.patience)
    except BenchError as error:
        print(f"bench/bad_link: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench/bad_link: interrupted", file=sys.stderr)
        return 130
    command.publish(table, description, args.json)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
