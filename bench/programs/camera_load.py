"""What the robots of `bench/camera_link` publish: cameras and a state topic, whichever way each sends them."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from programs.pacing import StopSignal, Stream, emit
from programs.payload import MessageMaker
from scenes import scene

# Pictures of the scene, shown to and fro.
PICTURES = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that describe cameras and state."""
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--rate", type=float, default=30.0, help="pictures per second of each camera")
    parser.add_argument("--camera", action="append", required=True, help="a topic")
    parser.add_argument("--state", type=Stream.parse, required=True, help="TOPIC:BYTES:HZ")
    parser.add_argument("--scene", required=True, help="file for the pictures, as numpy writes them")


def pictures(args: argparse.Namespace) -> list[np.ndarray]:
    """The pictures of the scene as RGB, written to the file as well."""
    found = [scene(number, args.width, args.height) for number in range(PICTURES)]
    np.save(args.scene, np.stack(found))
    return found


def run(args: argparse.Namespace, show: Callable[[str, int], None], tell: Callable[[bytes], None]) -> None:
    """Calls `show` with topic and number of each picture and `tell` with each state until the harness ends it."""
    maker = MessageMaker(args.state.size)
    stop = StopSignal()
    counts = dict.fromkeys([*args.camera, args.state.topic], 0)
    start = time.perf_counter()
    due = dict.fromkeys(counts, start)
    intervals = dict.fromkeys(args.camera, 1 / args.rate) | {args.state.topic: 1 / args.state.rate}
    emit("ready")
    while not stop.is_set():
        topic = min(due, key=due.__getitem__)
        time.sleep(max(0.0, due[topic] - time.perf_counter()))
        due[topic] += intervals[topic]
        if topic == args.state.topic:
            tell(maker.make(counts[topic]))
        else:
            place = counts[topic] % (2 * PICTURES - 2)
            show(topic, min(place, 2 * PICTURES - 2 - place))
        counts[topic] += 1
    emit("report", counts=counts)
