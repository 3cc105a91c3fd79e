"""Where robot and server stand: both on the loopback, or in two network namespaces with a link between.

The link is a pair of virtual Ethernet devices. Its counters give the robot's uplink exactly; `tc tbf`
limits its rate and `iptables -m statistic` drops packets at random, both inside the namespaces, so
that the machine's own network is not touched. netem is not in every kernel: where the link is to have a
delay, the devices are two TAP devices with `programs.delay_relay` between.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from suite import places
from suite.processes import BenchError, Processes

ROBOT_ADDRESS = "10.199.0.2"
SERVER_ADDRESS = "10.199.0.1"


class Site(Protocol):
    """Where the two ends of a run are."""

    server_address: str
    robot_address: str

    def at_server(self, command: list[str]) -> list[str]:
        """The command, run at the server's end; viewers stand there too."""

    def at_robot(self, command: list[str]) -> list[str]:
        """The command, run at the robot's end."""

    def answers(self, port: int) -> bool:
        """Whether something listens on this TCP port of the server's address."""

    def uplink_bytes(self) -> int | None:
        """Bytes the robot's end has sent so far, link headers included; `None` where unknown."""


class Loopback:
    """Everything on 127.0.0.1."""

    server_address = robot_address = "127.0.0.1"

    def at_server(self, command: list[str]) -> list[str]:
        """Unchanged."""
        return command

    def at_robot(self, command: list[str]) -> list[str]:
        """Unchanged."""
        return command

    def answers(self, port: int) -> bool:
        """Whether something listens there."""
        try:
            with socket.create_connection((self.server_address, port), 0.5):
                return True
        except OSError:
            return False

    def uplink_bytes(self) -> None:
        """The loopback does not tell one sender from another."""


@dataclass(frozen=True)
class Impairment:
    """What is wrong with the link, in both directions for loss and delay, robot to server for the rate."""

    megabits: float = 0.0
    loss: float = 0.0
    # In milliseconds.
    delay: float = 0.0


class Link(AbstractContextManager["Link"]):
    """Two namespaces and the link between them. Needs root; leaving the block removes all of it."""

    server_address = SERVER_ADDRESS
    robot_address = ROBOT_ADDRESS

    def __init__(self, impairment: Impairment | None = None) -> None:
        self._impairment = impairment or Impairment()
        self._robot = f"rab_robot_{os.getpid()}"
        self._server = f"rab_server_{os.getpid()}"
        self._relay = ExitStack()

    def __enter__(self) -> Link:
        reason = why_no_namespaces()
        if reason:
            raise BenchError(reason)
        try:
            self._build()
            self._impair()
        except BenchError:
            self._remove()
            raise
        return self

    def _build(self) -> None:
        for name in (self._robot, self._server):
            _run("ip", "netns", "add", name)
            _run("ip", "-n", name, "link", "set", "lo", "up")
        if self._impairment.delay:
            self._build_delayed()
        else:
            _run("ip", "-n", self._robot, "link", "add", "up0", "type", "veth", "peer", "name", "down0")
            _run("ip", "-n", self._robot, "link", "set", "down0", "netns", self._server)
        for name, device, address in (
            (self._robot, "up0", ROBOT_ADDRESS),
            (self._server, "down0", SERVER_ADDRESS),
        ):
            _run("ip", "-n", name, "address", "add", f"{address}/24", "dev", device)
            _run("ip", "-n", name, "link", "set", device, "up")

    def _build_delayed(self) -> None:
        """The relay keeps the ends that it opened when the devices move to their namespaces."""
        ends = {f"rab_up_{os.getpid()}": (self._robot, "up0"), f"rab_dn_{os.getpid()}": (self._server, "down0")}
        program = [str(places.BENCH_PYTHON), "-m", "programs.delay_relay", f"--delay={self._impairment.delay}", *ends]
        relay = self._relay.enter_context(Processes()).start("delay relay", program, places.plain_environment())
        relay.wait_for("ready", 10.0)
        for device, (namespace, name) in ends.items():
            _run("ip", "link", "set", device, "netns", namespace, "name", name)

    def change_rate(self, megabits: float) -> None:
        """Gives a link that has a rate another one."""
        self._shape("change", megabits)

    def end_loss(self) -> None:
        """Drops no packets any more."""
        for name in (self._robot, self._server):
            _run("ip", "netns", "exec", name, "iptables", "-F", "INPUT")

    def _shape(self, verb: str, megabits: float) -> None:
        # A queue of 100 ms at 5 Mbit/s: 64 kB; the burst is what tbf needs at this rate.
        shape = ["tbf", "rate", f"{megabits}mbit", "burst", "8kb", "limit", "64kb"]
        _run("tc", "-n", self._robot, "qdisc", verb, "dev", "up0", "root", *shape)

    def _impair(self) -> None:
        if self._impairment.megabits:
            self._shape("add", self._impairment.megabits)
            # Segments as they would be on a wire: an offloaded super-packet would not fit the burst.
            _run("ip", "netns", "exec", self._robot, "ip", "link", "set", "up0", "gso_max_segs", "1")
        if self._impairment.loss:
            drop = ["-m", "statistic", "--mode", "random", "--probability", str(self._impairment.loss)]
            for name, device in ((self._robot, "up0"), (self._server, "down0")):
                inside = ["ip", "netns", "exec", name]
                _run(*inside, "iptables", "-A", "INPUT", "-i", device, *drop, "-j", "DROP")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._remove()

    def _remove(self) -> None:
        self._relay.close()
        for name in (self._robot, self._server):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)

    def at_server(self, command: list[str]) -> list[str]:
        """Runs it in the server's namespace, under the same process id."""
        return ["ip", "netns", "exec", self._server, *command]

    def at_robot(self, command: list[str]) -> list[str]:
        """Runs it in the robot's namespace, under the same process id."""
        return ["ip", "netns", "exec", self._robot, *command]

    def answers(self, port: int) -> bool:
        """Asks the kernel for listening sockets of the server's namespace."""
        listening = _run("ip", "netns", "exec", self._server, "cat", "/proc/net/tcp")
        return any(line.split()[1].endswith(f":{port:04X}") for line in listening.splitlines()[1:])

    def uplink_bytes(self) -> int:
        """The sent bytes of the robot's device."""
        text = _run("ip", "-n", self._robot, "-s", "-j", "link", "show", "up0")
        return int(json.loads(text)[0]["stats64"]["tx"]["bytes"])


def why_no_namespaces() -> str | None:
    """What is missing for network namespaces, or `None`."""
    if os.geteuid() != 0:
        return "network namespaces need root: run as root (sudo -E)"
    for tool, package in (("ip", "iproute2"), ("tc", "iproute2"), ("iptables", "iptables")):
        if not shutil.which(tool):
            return f"{tool} is missing: install the package {package}"
    return None


def _run(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True, timeout=20)
    if result.returncode != 0:
        raise BenchError(f"{' '.join(command)}: {result.stderr.strip()}")
    return result.stdout
