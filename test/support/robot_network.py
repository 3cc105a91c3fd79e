"""A network namespace for the robot: one link to this machine, which can be blocked in part."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

# Addresses for tests of networks (RFC 2544); only this machine and the namespace have them. Two runs
# at a time need different ones.
_SUBNET = f"198.18.{os.getpid() % 256}"
SERVER = f"{_SUBNET}.1"
ROBOT = f"{_SUBNET}.2"
# The same for IPv6, where it is asked for, and for the robot's second link.
SERVER6 = f"fd57:{os.getpid() % 65536:x}::1"
ROBOT6 = f"fd57:{os.getpid() % 65536:x}::2"
_SECOND = f"198.19.{os.getpid() % 256}"
SERVER_SECOND = f"{_SECOND}.1"
ROBOT_SECOND = f"{_SECOND}.2"
# Names that only the namespace knows.
TURN_NAME = "turn.robot.test"
SERVER_NAME = "server.robot.test"


def lacking() -> str | None:
    """What this machine lacks for a namespace, if anything."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", "tc", "iptables", "openssl"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    return None


class RobotNetwork:
    """The namespace and its link."""

    def __init__(self) -> None:
        self.name = f"robot{os.getpid()}"
        # The official SDKs take no paths over interfaces of such a name (libwebrtc holds them for a virtual machine's): one that
        # goes with its test would take the connections of other tests with it.
        self.interface = f"vnic{os.getpid()}"
        self.second = f"vnic-b{os.getpid()}"
        self._etc = Path("/etc/netns") / self.name
        self._first_is_gone = False
        _run("ip", "netns", "add", self.name)
        _run("ip", "link", "add", self.interface, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _run("ip", "addr", "add", f"{SERVER}/24", "dev", self.interface)
        _run("ip", "link", "set", self.interface, "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "addr", "add", f"{ROBOT}/24", "dev", "eth0")
        self.run("ip", "link", "set", "eth0", "up")
        self._etc.mkdir(parents=True)
        self.learn_names()

    def learn_names(self) -> None:
        """Has names resolved there."""
        (self._etc / "hosts").write_text(f"127.0.0.1 localhost\n{SERVER} {TURN_NAME} {SERVER_NAME}\n")

    def forget_names(self) -> None:
        """Has no name resolved there any more, as without a name server."""
        # The same file: a process there sees the one that was there when it began.
        (self._etc / "hosts").write_text("127.0.0.1 localhost\n")

    @property
    def prefix(self) -> list[str]:
        """What to put before a command so that it runs there."""
        return ["ip", "netns", "exec", self.name]

    def run(self, *command: str) -> None:
        """Runs a command there."""
        _run(*self.prefix, *command)

    def block(self, *matching: str) -> None:
        """Drops what the robot sends that matches."""
        self.run("iptables", "-A", "OUTPUT", "-o", "eth0", *matching, "-j", "DROP")

    def silence(self, port: int) -> None:
        """Drops what comes from a port of the server, of UDP and TCP."""
        for protocol in ("udp", "tcp"):
            self.run("iptables", "-A", "INPUT", "-p", protocol, "--sport", str(port), "-j", "DROP")

    def cut_first(self) -> None:
        """Lets nothing pass the first link any more, which stays up and keeps its address."""
        self.run("iptables", "-A", "OUTPUT", "-o", "eth0", "-j", "DROP")
        self.run("iptables", "-A", "INPUT", "-i", "eth0", "-j", "DROP")

    def cut_udp(self) -> None:
        """Lets nothing of UDP pass any more."""
        self.run("iptables", "-A", "OUTPUT", "-p", "udp", "-j", "DROP")
        self.run("iptables", "-A", "INPUT", "-p", "udp", "-j", "DROP")

    def lose(self, share: float) -> None:
        """Drops a share of the packets of UDP, by chance, both ways."""
        chance = ("-m", "statistic", "--mode", "random", "--probability", str(share))
        for chain, side in (("OUTPUT", "-o"), ("INPUT", "-i")):
            self.run("iptables", "-A", chain, side, "eth0", "-p", "udp", *chance, "-j", "DROP")

    def limit(self, megabits: float) -> None:
        """Sends no faster than so many Mbit/s, with a queue of 64 kB before that."""
        shape = ("tbf", "rate", f"{megabits}mbit", "burst", "8kb", "limit", "64kb")
        self.run("tc", "qdisc", "replace", "dev", "eth0", "root", *shape)
        # Segments as they would be on a wire: an offloaded super-packet would not fit the burst.
        self.run("ip", "link", "set", "eth0", "gso_max_segs", "1")

    def unlimit(self) -> None:
        """Sends as fast as it goes again."""
        self.run("tc", "qdisc", "del", "dev", "eth0", "root")

    def unblock(self) -> None:
        """Lets everything pass again."""
        self.run("iptables", "-F")

    def add_ipv6(self) -> None:
        """Gives both ends an address of IPv6."""
        _run("ip", "addr", "add", f"{SERVER6}/64", "dev", self.interface, "nodad")
        self.run("ip", "addr", "add", f"{ROBOT6}/64", "dev", "eth0", "nodad")

    def leave_only_ipv6(self) -> None:
        """Takes the robot's address of IPv4."""
        self.run("ip", "-4", "addr", "flush", "dev", "eth0")

    def plug_second(self) -> None:
        """Gives the robot a second link, over which it reaches the same server."""
        _run("ip", "link", "add", self.second, "type", "veth", "peer", "name", "eth1", "netns", self.name)
        _run("ip", "addr", "add", f"{SERVER_SECOND}/24", "dev", self.second)
        _run("ip", "link", "set", self.second, "up")
        self.run("ip", "addr", "add", f"{ROBOT_SECOND}/24", "dev", "eth1")
        self.run("ip", "link", "set", "eth1", "up")
        # As with Ethernet beside LTE: no rule of the kernel sends what comes from the second address
        # over the second link. Both lead to other networks, the first is the better one.
        if not self._first_is_gone:
            self.run("ip", "route", "add", "default", "via", SERVER, "dev", "eth0", "metric", "100")
        self.run("ip", "route", "add", "default", "via", SERVER_SECOND, "dev", "eth1", "metric", "700")

    def unplug_first(self) -> None:
        """Takes the first link away, with its addresses."""
        self._first_is_gone = True
        self.run("ip", "addr", "flush", "dev", "eth0")
        self.run("ip", "link", "set", "eth0", "down")

    def close(self) -> None:
        """Takes it all down."""
        subprocess.run(["ip", "netns", "del", self.name], check=False)
        # Deleted with the namespace, but only once nothing uses that any more.
        for interface in (self.interface, self.second):
            subprocess.run(["ip", "link", "del", interface], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self._etc, ignore_errors=True)


def make_certificate(directory: Path, name: str = TURN_NAME) -> tuple[Path, Path]:
    """A certificate for a name, signed by itself, and its key."""
    certificate, key = directory / "cert.pem", directory / "key.pem"
    _run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
        *("-subj", f"/O=Tests of remote access/CN={name}", "-addext", f"subjectAltName=DNS:{name}"),
        *("-addext", "basicConstraints=critical,CA:FALSE", "-keyout", str(key), "-out", str(certificate)),
    )
    return certificate, key


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
