"""A network namespace for the robot: one link to this machine, which can be blocked in part."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

# Addresses for tests of networks (RFC 2544); only this machine and the namespace have them. Two runs
# at a time need different ones.
_SUBNET = f"198.19.{os.getpid() % 256}"
SERVER = f"{_SUBNET}.1"
ROBOT = f"{_SUBNET}.2"
# A name that only the namespace knows.
TURN_NAME = "turn.robot.test"


def lacking() -> str | None:
    """What this machine lacks for a namespace, if anything."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    for program in ("ip", "iptables", "openssl"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    return None


class RobotNetwork:
    """The namespace and its link."""

    def __init__(self) -> None:
        self.name = f"robot{os.getpid()}"
        self.interface = f"rab{os.getpid()}"
        self._etc = Path("/etc/netns") / self.name
        _run("ip", "netns", "add", self.name)
        _run("ip", "link", "add", self.interface, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        _run("ip", "addr", "add", f"{SERVER}/24", "dev", self.interface)
        _run("ip", "link", "set", self.interface, "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "addr", "add", f"{ROBOT}/24", "dev", "eth0")
        self.run("ip", "link", "set", "eth0", "up")
        self._etc.mkdir(parents=True)
        (self._etc / "hosts").write_text(f"127.0.0.1 localhost\n{SERVER} {TURN_NAME}\n")

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

    def unblock(self) -> None:
        """Lets everything pass again."""
        self.run("iptables", "-F", "OUTPUT")

    def close(self) -> None:
        """Takes it all down."""
        subprocess.run(["ip", "netns", "del", self.name], check=False)
        # Deleted with the namespace, but only once nothing uses that any more.
        subprocess.run(["ip", "link", "del", self.interface], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self._etc, ignore_errors=True)


def make_certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate for the name, and its key."""
    certificate, key = directory / "cert.pem", directory / "key.pem"
    _run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
        *("-subj", f"/CN={TURN_NAME}", "-addext", f"subjectAltName=DNS:{TURN_NAME}"),
        *("-addext", "basicConstraints=critical,CA:FALSE", "-keyout", str(key), "-out", str(certificate)),
    )
    return certificate, key


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
