"""Reconnects without end: viewers that come and go, and connections of the bridge that break and come back."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from suite.command import progress
from suite.endurance.growth import Sample
from suite.faults.fault import Setting
from suite.faults.record import STATE, reconnects
from suite.faults.scene import ROBOT, Scene
from suite.processes import BenchError

REST = 3.0
BACK_SECONDS = 60.0
Samples = dict[str, list[Sample]]


def viewers(count: int) -> Samples:
    """Viewers that join, get a message and leave, four at a time, against one bridge."""
    batch = max(1, count // 10)
    with Scene(Setting(), own_viewer=False) as scene:
        scene.start_bridge()
        program = [sys.executable, "-m", "programs.coming_viewers", f"--url={scene.server.url}", f"--room={scene.room}"]
        program += [f"--robot={ROBOT}", "--channels=/bench/", f"--count={count}", f"--batch={batch}"]
        child = scene.start_program("viewers", program, KEY=scene.server.key, SECRET=scene.server.secret)
        samples = []
        for number in range(batch, count + 1, batch):
            done = child.wait_for("batch", 600.0, lambda event, number=number: event["done"] == number, needs=scene.bridge)
            time.sleep(REST)
            samples.append(_sample(scene, number))
            if done["failed"]:
                progress(f"    {done['failed']} viewers got nothing")
            child.go_on()
    return {"bridge": samples}


def _sample(scene: Scene, done: int) -> Sample:
    sample = Sample.of(scene.bridge.pid, done)
    progress(f"    {done}: {sample.resident:.1f} MB, {sample.descriptors:.0f} descriptors, {sample.threads:.0f} threads")
    return sample


def _again(count: int, setting: Setting, breaks: Callable[[Scene], None], seconds: float) -> Samples:
    """The bridge's connection breaks and comes back so often, or for as long as there is time."""
    step = max(1, count // 10)
    deadline = time.monotonic() + seconds
    with Scene(setting) as scene:
        scene.start_bridge()
        scene.settle(2.0)
        samples = [_sample(scene, 0)]
        for number in range(1, count + 1):
            since = time.time()
            breaks(scene)
            _wait_back(scene, since)
            scene.forget_before(since)
            if number % step == 0:
                scene.watch(REST)
                samples.append(_sample(scene, number))
            if time.monotonic() > deadline:
                progress(f"    the time is over after {number}")
                break
    return {"bridge": samples}


def _wait_back(scene: Scene, since: float) -> None:
    """Until the robot says that it is back, and a state message has come after that."""
    deadline = time.monotonic() + BACK_SECONDS
    while True:
        scene.watch(0.05)
        back = reconnects(scene.bridge_log(), since)
        if back and any(at > back[-1].at for at in scene.record.times("message", STATE)):
            return
        if time.monotonic() > deadline:
            raise BenchError(f"not back within {BACK_SECONDS:.0f} s\n{scene.bridge.tail()}")


def resumes(count: int) -> Samples:
    """Signaling breaks: the same participant resumes its connection."""
    return _again(count, Setting(proxy=True), Scene.break_signaling, 900.0)


def _restart(scene: Scene) -> None:
    scene.server.stop()
    scene.server.start()


def restarts(count: int) -> Samples:
    """The server is killed and started: the SDK makes a new connection in the same room object."""
    return _again(count, Setting(), _restart, 900.0)


def removals(count: int) -> Samples:
    """The robot is removed: the bridge joins anew, with waits of up to 15 s."""
    return _again(count, Setting(), lambda scene: scene.server.remove(scene.room, ROBOT), 900.0)
