"""Minutes at twice what the robot's link carries, with viewers that stay and others that come and go."""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from programs.pacing import Stream
from suite import figures, places
from suite.camera_sides import SUPPORT
from suite.case import link_stand, number
from suite.command import progress
from suite.endurance.growth import Sample
from suite.links import Impairment, Link, Site
from suite.load import Load
from suite.measure import FIRST_SECONDS, Run, Scene, Stand, run
from suite.processes import BenchError, Child, Processes
from suite.server import Server
from suite.sides import START_SECONDS, Bridge, Robot
from suite.viewers import RUST, start_gateway

ROBOT = "robot"
NARROW = Impairment(5.0, 0.01)
# What the link carries once the overload is over; it loses nothing then.
WIDE = 50.0
STATE = Stream("/bench/state", 200, 20.0)
POSE = Stream("/bench/pose", 500, 50.0)
SCAN = Stream("/bench/scan", 20_000, 20.0)
CLOUD = Stream("/bench/cloud", 100_000, 8.0)
LATCHED = "/bench/map"
# Small and reliable, or latched: of these nothing may be left out.
COMPLETE = (STATE.topic, POSE.topic, LATCHED)
LOAD = Load((STATE, POSE, SCAN, CLOUD), latched_topic=LATCHED)
# Beside the load; its video is made at a bit rate that fits.
CAMERA = "/camera/image"
VIDEO = f"{CAMERA}/video"
CAMERA_OPTIONS = (f"--camera={CAMERA}", "--width=320", "--height=240", "--rate=15", "--state=/camera/state:200:1")
STEPS = 10
LOOK = 1.0
VISIT_EVERY = 15.0
STAY = 5.0
# Seconds after the overload until what arrives is counted, and for how long.
SETTLE = 15.0
RECOVERED = 20.0
# Of what is published, so much arrives after the overload, on a busy machine too; in it less than a third does.
SHARE = 0.7


class CameraBridge(Bridge):
    """The bridge beside the publisher of the load and a camera."""

    def __init__(self, directory: Path) -> None:
        super().__init__(identity=ROBOT)
        self._scene = directory / "scene.npy"
        self._domain = random.randint(1, 100)

    def environment(self, **extra: str) -> dict[str, str]:
        """All processes of the robot are in one domain."""
        environment = places.ros_environment(self._domain, **extra)
        environment["PYTHONPATH"] += f":{SUPPORT}"
        return environment

    def start(self, processes: Processes, server: Server, site: Site, room: str, load: Load, confirm_port: int) -> Robot:
        """The camera first."""
        program = ["python3", "-m", "programs.camera_publisher", *CAMERA_OPTIONS, f"--scene={self._scene}"]
        camera = processes.start("camera", site.at_robot(program), self.environment())
        camera.wait_for("ready", START_SECONDS)
        return super().start(processes, server, site, room, load, confirm_port)


@dataclass
class Course:
    """What was seen of a run: its processes each second, the gateway's client, and when the overload was and was over."""

    looks: dict[str, list[Sample]] = field(default_factory=lambda: {"bridge": [], "viewer gateway": []})
    client: dict[str, Any] = field(default_factory=dict)
    overload: tuple[float, float] = (0.0, 0.0)
    recovery: tuple[float, float] = (0.0, 0.0)
    uplink: int = 0
    visits: int = 0
    failed: int = 0


def soak(minutes: float) -> dict[str, list[Sample]]:
    """The load for so many minutes; the medians of each tenth."""
    course = Course()

    def watch(scene: Scene) -> None:
        link = scene.stand.site
        assert isinstance(link, Link)
        with _gateway(scene, link, course) as gateway:
            _overload(scene, link, gateway, course, minutes)
            link.change_rate(WIDE)
            link.end_loss()
            time.sleep(SETTLE)
            began = time.time()
            time.sleep(RECOVERED)
            course.recovery = began, time.time()

    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        base = link_stand(stack, NARROW)
        result = run(Stand(base.server, base.site, RUST), CameraBridge(directory), LOAD, during=watch)
    _check(result, course)
    return {name: _steps(looks, minutes) for name, looks in course.looks.items()}


@contextmanager
def _gateway(scene: Scene, link: Link, course: Course) -> Iterator[Child]:
    """The viewer gateway with a client that watches everything, the camera as video."""
    with Processes() as processes:
        gateway, port = start_gateway(processes, scene.stand.server, link, scene.room)
        topics = ",".join([*(stream.topic for stream in LOAD.streams), LATCHED, VIDEO])
        program = [sys.executable, "-m", "programs.websocket_viewer", f"--url=ws://127.0.0.1:{port}"]
        program += [f"--only={topics}", f"--header-stamps={CAMERA}"]
        client = processes.start("client", link.at_server(program), places.ros_environment(0))
        client.wait_for("first", FIRST_SECONDS, needs=gateway)
        yield gateway
        client.ask_to_end()
        course.client = client.wait_for("report", 30.0)


def _overload(scene: Scene, link: Link, gateway: Child, course: Course, minutes: float) -> None:
    """Looks at the processes each second, while viewers come and go."""
    measured = {"bridge": scene.robot.process, "viewer gateway": gateway}
    with Processes() as processes:
        credentials = scene.stand.server.credentials
        program = [sys.executable, "-m", "programs.coming_viewers", f"--url={scene.stand.server.url}"]
        program += [f"--room={scene.room}", f"--robot={ROBOT}", "--channels=/bench/", "--batch=1", "--at-once=1"]
        program.append(f"--stay={STAY}")
        environment = places.ros_environment(0, KEY=credentials.key, SECRET=credentials.secret)
        coming = processes.start("viewers that come", link.at_server(program), environment)
        course.visits = 1
        began, sent, told = time.time(), link.uplink_bytes(), 0
        while (past := time.time() - began) < 60 * minutes:
            time.sleep(LOOK)
            for name, child in measured.items():
                course.looks[name].append(Sample.of(child.pid, past / 60))
            if past >= course.visits * VISIT_EVERY:
                course.visits += 1
                coming.go_on()
            if past >= (told + 1) * 60 * minutes / STEPS:
                told += 1
                latest = ", ".join(f"{name} {looks[-1].resident:.1f} MB" for name, looks in course.looks.items())
                progress(f"    {past / 60:.1f} minutes: {latest}")
        course.overload = began, time.time()
        course.uplink = link.uplink_bytes() - sent
        last = coming.wait_for("batch", 90.0, lambda event: event["done"] == course.visits, needs=scene.robot.process)
        course.failed = last["failed"]


def _check(result: Run, course: Course) -> None:
    """Nothing of what counts was left out, and after the overload nothing of anything."""
    problems = [] if not course.failed else [f"{course.failed} of {course.visits} viewers that came got nothing"]
    seconds = course.overload[1] - course.overload[0]
    offered = sum(stream.size * stream.rate for stream in LOAD.streams) * 8e-6
    sent = course.uplink * 8e-6 / seconds
    progress(f"    {offered:.1f} Mbit/s and a video offered, {sent:.2f} Mbit/s sent, {course.visits} visits")
    for name, report in (("viewer", result.reports[0]), ("gateway's client", course.client)):
        topics = report["topics"]
        for topic in COMPLETE:
            found = topics.get(topic, {"messages": 0, "missing": 0, "repeated": 0})
            if not found["messages"] or found["missing"] or found["repeated"]:
                problems.append(
                    f"{name}, {topic}: {found['messages']} came, {found['missing']} did not, {found['repeated']} out of order"
                )
        problems += [f"{name}, {error}" for error in report["errors"]]
        for stream in LOAD.streams:
            _tell(name, report, stream, course, result.counts[stream.topic])
            if stream.topic not in COMPLETE and (rate := _rate(report, stream.topic, course.recovery)) < SHARE * stream.rate:
                problems.append(f"{name}, {stream.topic}: {rate:.1f} of {stream.rate:g} Hz after the overload")
    if not course.client["topics"].get(VIDEO):
        problems.append("no video came")
    if problems:
        raise BenchError("; ".join(problems))


def _tell(name: str, report: dict[str, Any], stream: Stream, course: Course, sent: int) -> None:
    late = [figures.Latency.of(figures.latencies(report, stream.topic, *when)) for when in (course.overload, course.recovery)]
    ages = ", then ".join(f"{number(each.p50)} / {number(each.p99)} / {number(each.worst, 'ms')}" for each in late)
    came = report["topics"].get(stream.topic, {"messages": 0})["messages"]
    progress(f"    {name}, {stream.topic}: {came:,} of {sent:,}, p50 / p99 / max {ages}")


def _rate(report: dict[str, Any], topic: str, when: tuple[float, float]) -> float:
    return len(figures.latencies(report, topic, *when)) / (when[1] - when[0])


def _steps(looks: list[Sample], minutes: float) -> list[Sample]:
    """The medians of each tenth."""
    tenths = [looks[len(looks) * step // STEPS : len(looks) * (step + 1) // STEPS] for step in range(STEPS)]
    return [_middle(minutes * (step + 1) / STEPS, tenth) for step, tenth in enumerate(tenths)]


def _middle(done: float, looks: list[Sample]) -> Sample:
    kinds = zip(*((each.resident, each.descriptors, each.threads) for each in looks), strict=True)
    return Sample(done, *(statistics.median(values) for values in kinds))
