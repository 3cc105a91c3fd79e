"""The ROS side without the bridge: how fast the producer and the middleware are by themselves.

A raw Python subscriber takes the bridge's place. Figures of the bridge near these say more about the
producer than about the bridge.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace

from suite import figures, places
from suite.case import Bench, Case, Figure, number, size_name
from suite.cases.throughput import SIZES
from suite.load import TOPIC, Load
from suite.processes import Processes
from suite.sides import START_SECONDS, Side

# What fits into the subscriber's history: nothing else holds messages here.
WINDOW = 20


def _measure(bench: Bench, side: Side) -> list[Figure]:
    if side.name != "bridge":
        return []
    return [_ceiling(bench, size) for size in SIZES]


def _ceiling(bench: Bench, size: int) -> Figure:
    port = places.free_port()
    load = replace(Load.saturating(size), window=WINDOW)
    environment = places.ros_environment(random.randint(1, 100))
    with Processes() as processes:
        publisher = ["python3", "-m", "programs.ros_publisher", *load.arguments(port)]
        producer = processes.start("ROS publisher", publisher, environment)
        producer.wait_for("ready", START_SECONDS)
        command = ["python3", "-m", "programs.ros_sink", f"--topic={TOPIC}", f"--confirm-port={port}"]
        sink = processes.start("ROS subscriber", command, environment)
        sink.wait_for("first", START_SECONDS)
        time.sleep(1.5)
        before = {"ROS publisher": producer.usage(), "ROS subscriber": sink.usage()}
        time.sleep(bench.options.seconds(6.0))
        after = {"ROS publisher": producer.usage(), "ROS subscriber": sink.usage()}
        sink.ask_to_end()
        report = sink.wait_for("report", 30.0)
    start, end = before["ROS publisher"].time, after["ROS publisher"].time
    _, received = figures.received(report, start, end)
    rate = received / (end - start) / 1e6
    usage = {name: (before[name], after[name]) for name in before}
    missing = report["topics"][TOPIC]["missing"]
    text = f"{number(rate, 'MB/s')}, {missing} dropped; limit: {figures.limit_met(usage, 0.0)}"
    label = f"ROS publisher to raw Python subscriber, {size_name(size)}"
    return Figure(label, text, {"megabytes_per_second": rate, "missing_messages": missing})


CASES = (Case("producer", _measure),)
