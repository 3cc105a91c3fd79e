"""Two LiveKit servers that share rooms through Redis, behind one address."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
from pathlib import Path

from free_port import free_port
from livekit_server import LiveKitServer
from processes import ChildProcess, wait_until


class ServerCluster:
    """The nodes, their Redis, and a balancer that takes each connection to the first node that accepts it."""

    def __init__(self, directory: Path) -> None:
        redis = shutil.which("redis-server")
        if redis is None:
            raise FileNotFoundError("redis-server is not installed (sudo apt install redis-server)")
        redis_port = free_port()
        arguments = [redis, "--port", str(redis_port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._redis = ChildProcess("redis", [*arguments, "--dir", str(directory)], directory / "redis.log")
        wait_until(lambda: _accepts(redis_port), "Redis")
        self.nodes = []
        for name in ("first", "second"):
            (directory / name).mkdir()
            node = LiveKitServer(directory / name, more=f"redis:\n  address: 127.0.0.1:{redis_port}\n")
            self.nodes.append(node)
        for node in self.nodes[1:]:
            node.key, node.secret = self.nodes[0].key, self.nodes[0].secret
        for node in self.nodes:
            node.start()
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._balance, daemon=True).start()

    @property
    def url(self) -> str:
        """Where clients connect to, whichever node lives."""
        return f"ws://127.0.0.1:{self._listener.getsockname()[1]}"

    def holder(self, room: str) -> LiveKitServer:
        """The node that a room lives on."""
        started = f'"room": "{room}"'
        (node,) = [
            node for node in self.nodes if any(started in line and "starting RTC session" in line for line in _lines(node))
        ]
        return node

    def close(self) -> None:
        """Ends all of it."""
        self._listener.close()
        for node in self.nodes:
            node.stop()
        self._redis.kill()

    def _balance(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        for node in self.nodes:
            try:
                server = socket.create_connection(("127.0.0.1", node.port))
            except OSError:
                continue
            threading.Thread(target=_pump, args=(client, server), daemon=True).start()
            _pump(server, client)
            return
        client.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for each in (source, sink):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


def _lines(node: LiveKitServer) -> list[str]:
    return node.log.read_text().splitlines()


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
