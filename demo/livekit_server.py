"""A livekit-server of our own on one interface, loopback unless told otherwise, on free ports with generated keys."""

from __future__ import annotations

import itertools
import json
import random
import secrets
import shutil
import socket
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from livekit import api

from processes import ChildProcess, wait_until

# Below those of ROS (7400 and up) and those that Linux hands out, which another process may get before the server has them.
PORTS = range(2048, 7400)

CONFIGURATION = """\
port: {port}
bind_addresses: ["{signaling}"]
rtc:
  udp_port: {udp_port}
  tcp_port: {tcp_port}
  node_ip: {address}
  use_external_ip: false
  enable_loopback_candidate: true
  datachannel_slow_threshold: {slow_threshold}
  interfaces:
    includes: [{interface}]
{rtc}keys:
  {key}: {secret}
logging:
  level: info
{more}"""


class LiveKitServer:
    """A server that can be stopped and started again at the same address with the same keys.

    `more` are lines of its configuration, `rtc` are such of the section of that name. Its signaling may have another
    address than its media.
    """

    def __init__(
        self,
        directory: Path,
        address: str = "127.0.0.1",
        interface: str = "lo",
        more: str = "",
        slow_threshold: int = 0,
        signaling: str | None = None,
    ) -> None:
        self.address = address
        self._signaling = signaling or address
        self._slow_threshold = slow_threshold
        self._interface = interface
        self._more = more
        self.rtc = ""
        self.key = "key" + secrets.token_hex(4)
        self.secret = secrets.token_hex(24)
        self.port, self.tcp_port = _free_ports(self._signaling, socket.SOCK_STREAM, 2)
        (self.udp_port,) = _free_ports(address, socket.SOCK_DGRAM, 1)
        self._directory = directory
        self._process: ChildProcess | None = None

    @property
    def url(self) -> str:
        """Where clients connect to."""
        return f"ws://{self._host}:{self.port}"

    @property
    def _host(self) -> str:
        return f"[{self._signaling}]" if ":" in self._signaling else self._signaling

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process else None

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self._directory / "livekit-server.log"

    def exit_code(self) -> int | None:
        """The exit code of the process, None while it runs."""
        return self._process.exit_code() if self._process else None

    def start(self) -> None:
        """Starts it and waits until it answers."""
        program = shutil.which("livekit-server")
        if program is None:
            raise FileNotFoundError("livekit-server is not in the PATH; run scripts/setup and source scripts/env")
        configuration = self._directory / "livekit.yaml"
        configuration.touch(mode=0o600)
        configuration.write_text(
            CONFIGURATION.format(
                port=self.port,
                udp_port=self.udp_port,
                tcp_port=self.tcp_port,
                key=self.key,
                secret=self.secret,
                address=self.address,
                signaling=self._signaling,
                interface=self._interface,
                slow_threshold=self._slow_threshold,
                more=self._more,
                rtc=self.rtc,
            )
        )
        process = ChildProcess("livekit-server", [program, "--config", str(configuration)], self.log)
        self._process = process
        wait_until(lambda: self._answers() or process.exit_code() is not None, "answer of livekit-server")
        if process.exit_code() is not None:
            raise RuntimeError(f"livekit-server ended: {process.output()[-2000:]}")

    def stop(self) -> None:
        """Stops it if it runs."""
        if self._process is not None:
            # A polite end waits for its participants to leave; nothing of it is worth waiting for.
            self._process.kill()
            self._process = None

    def let_send(self, room: str, identity: str, allowed: bool) -> None:
        """Lets a participant send data, or takes that right from it."""
        permission = {"canSubscribe": True, "canPublish": True, "canPublishData": allowed}
        self._ask("UpdateParticipant", room, {"identity": identity, "permission": permission})

    def remove(self, room: str, identity: str) -> None:
        """Removes a participant from its room."""
        self._ask("RemoveParticipant", room, {"identity": identity})

    def delete(self, room: str) -> None:
        """Deletes a room, with all who are in it."""
        self._ask("DeleteRoom", room, {})

    def _ask(self, method: str, room: str, request: dict[str, Any]) -> None:
        """Calls the server's interface for those who administrate a room."""
        grants = api.VideoGrants(room_admin=True, room_create=True, room=room)
        token = api.AccessToken(self.key, self.secret).with_grants(grants).to_jwt()
        post = urllib.request.Request(
            f"http://{self._host}:{self.port}/twirp/livekit.RoomService/{method}",
            data=json.dumps({"room": room, **request}).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(post, timeout=60) as answer:
            answer.read()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self._host}:{self.port}/", timeout=1) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False


def _free_ports(address: str, kind: socket.SocketKind, count: int) -> list[int]:
    candidates = random.sample(PORTS, len(PORTS))
    return list(itertools.islice((port for port in candidates if _is_free(address, kind, port)), count))


def _is_free(address: str, kind: socket.SocketKind, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
