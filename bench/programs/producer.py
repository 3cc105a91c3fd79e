"""What the producers of both sides share: their command line and the run itself."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from programs.pacing import (
    Confirmations,
    Publish,
    StopSignal,
    Stream,
    emit,
    run_closed_loop,
    run_open_loop,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that describe the load."""
    parser.add_argument("--stream", action="append", default=[], help="TOPIC:BYTES:HZ, 0 Hz = closed loop")
    parser.add_argument("--window", type=int, default=0, help="messages on the way in a closed loop")
    parser.add_argument("--confirm-port", type=int, default=0, help="UDP port for confirmations")
    parser.add_argument("--idle-topics", type=int, default=0, help="topics nobody publishes on")
    parser.add_argument("--idle-services", type=int, default=0, help="services nobody calls; ROS only")


def topics_of(args: argparse.Namespace) -> list[str]:
    """All topics of the load, the silent ones last."""
    busy = [Stream.parse(text).topic for text in args.stream]
    return busy + [f"/bench/idle{index}" for index in range(args.idle_topics)]


def run(args: argparse.Namespace, publish: Publish, finish: Callable[[], None] | None = None) -> None:
    """Says `ready`, publishes until the harness ends it, then reports the counts."""
    streams = [Stream.parse(text) for text in args.stream]
    stop = StopSignal()
    if args.window:
        confirmations = Confirmations(args.confirm_port)
        emit("ready")
        counts = run_closed_loop(streams[0], args.window, publish, confirmations, stop)
    else:
        emit("ready")
        counts = run_open_loop(streams, publish, stop)
    emit("report", counts=counts)
    if finish:
        finish()
