"""A robot under attack: what it costs the bridge, and that nobody else feels it."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geometry_msgs.msg import Twist
from rclpy.serialization import serialize_message

from bridge_process import Bridge
from decoding import decode
from process_memory import forget_peak, memory
from processes import wait_until
from ros_side import Publisher
from viewer_client import Loop, Viewer

STATE = "/alive"
COMMANDS = "/cmd_vel"
# No faster than a real robot tells its state.
PAUSE = 0.05
MEGA = 1_000_000
# Seconds of CPU that one attack may cost: several times what they do.
SPENT = 5.0
# Speed of the commands that are sent until the first arrives.
BEGIN = 0.5


@dataclass(frozen=True)
class Cost:
    """What an attack cost the bridge."""

    # Bytes that the attacker sent.
    sent: int
    # Bytes of memory that the bridge holds more than before, when all is handled.
    held: int
    # The most that it held more in between.
    peak: int
    # Seconds of CPU.
    cpu: float
    # Seconds that it took.
    lasted: float
    # Seconds that each state took to the other viewer meanwhile, from the publisher on.
    delays: list[float]

    def __str__(self) -> str:
        delays = sorted(self.delays)
        text = (
            f"{self.sent / MEGA:.1f} MB sent in {self.lasted:.1f} s, {self.held / MEGA:.1f} MB held, "
            f"{self.peak / MEGA:.1f} MB at most, {self.cpu:.2f} s of CPU ({100 * self.cpu / self.lasted:.0f} % of a core, "
            f"{self.cpu / self.sent * 1e9:.0f} s/GB), {len(delays)} states to the other viewer"
        )
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            text += f", {name} {1000 * delays[int(share * (len(delays) - 1) + 0.5)]:.0f} ms"
        return text


def tell(costs: dict[str, Cost]) -> None:
    """Prints what attacks cost, for docs/security.md: pytest -s shows it."""
    print("\n".join(f"{what}: {cost}" for what, cost in costs.items()))


class Siege:
    """A bridge with an innocent viewer and a driver, both of whom must not feel what an attacker does."""

    def __init__(
        self, loop: Loop, bridge: Bridge, publisher: Publisher, viewer: Viewer, driver: Viewer, speeds: list[float]
    ) -> None:
        self._loop = loop
        self._bridge = bridge
        self._publisher = publisher
        self._viewer = viewer
        self._driver = driver
        self._speeds = speeds
        self._numbers = itertools.count()
        self._delays: list[float] = []
        publisher.advertise(STATE, "std_msgs/msg/String", depth=100)
        viewer.subscribe(STATE)
        publisher.match(STATE)
        self._channel = driver.advertise(COMMANDS, "geometry_msgs/msg/Twist")

        def is_driven() -> bool:
            self._drive(BEGIN)
            return BEGIN in speeds

        # What is published before publisher and subscriber have met is lost, as everywhere in ROS.
        wait_until(is_driven, "the first command", pause=0.2)
        self._show()
        self.robot = viewer.robot()

    def endure(self, attack: Coroutine[Any, Any, int]) -> Cost:
        """Runs an attack to its end, while the others go on, and says what it cost."""
        before, cpu = self._settled(), self._cpu()
        forget_peak(self._bridge.process.pid)
        resident = self._memory("VmRSS")
        self._delays.clear()
        begin = time.monotonic()
        running = self._loop.start(attack)
        while not running.done():
            self._show()
        lasted, delays = time.monotonic() - begin, self._delays.copy()
        sent = running.result()
        held = self._settled() - before
        return Cost(sent, held, self._memory("VmHWM") - resident, self._cpu() - cpu, lasted, delays)

    def finish(self) -> None:
        """Nobody felt anything: every state arrived in its order, once, and the driver's end stops the robot."""
        self._show()
        shown = next(self._numbers)
        states = self._viewer.wait_messages(STATE, shown)
        channel = self._viewer.channels()[STATE]
        assert [decode(channel, message.data).data for message in states] == [f"message {n}" for n in range(shown)]
        for innocent in (self._viewer, self._driver):
            assert innocent.stream_ends() == []
            assert len(innocent.texts("serverInfo")) == 1
        assert 0.0 not in self._speeds, "a driver that drove was stopped"
        self._driver.leave()
        wait_until(lambda: 0.0 in self._speeds, "stop of the robot")

    def _show(self) -> None:
        """A state reaches the viewer, and a command the robot."""
        number = next(self._numbers)
        begin = time.monotonic()
        self._publisher.publish(STATE, first=number)
        self._drive(number + 1.0)
        self._viewer.wait_messages(STATE, number + 1)
        self._delays.append(time.monotonic() - begin)
        wait_until(lambda: number + 1.0 in self._speeds, f"command {number}")
        time.sleep(PAUSE)

    def _drive(self, speed: float) -> None:
        """The driver sends a command."""
        command = Twist()
        command.linear.x = speed
        self._driver.publish(self._channel, serialize_message(command))

    def _settled(self) -> int:
        """The bridge's memory once it has nothing left to do but to serve the innocent."""
        readings: list[tuple[int, float]] = []

        def calm() -> bool:
            before = self._cpu()
            self._show()
            self._show()
            readings.append((self._memory(), self._cpu() - before))
            last = readings[-4:]
            return len(last) == 4 and max(m for m, _ in last) - min(m for m, _ in last) < MEGA // 4

        wait_until(calm, "calm", pause=0.1)
        return self._memory()

    def _memory(self, kind: str = "RssAnon") -> int:
        """Bytes of one kind, if none is named those that are the process's own, not a file's."""
        assert self._bridge.process.exit_code() is None, self._bridge.output()[-3000:]
        return memory(self._bridge.process.pid, kind)

    def _cpu(self) -> float:
        """Seconds of CPU that the process has used."""
        fields = Path(f"/proc/{self._bridge.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
