"""A TCP proxy before the server's signaling that can break its connections, and take new ones without an answer."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from contextlib import AbstractContextManager
from types import TracebackType

# Closes with RST.
AT_ONCE = struct.pack("ii", 1, 0)


class Proxy(AbstractContextManager["Proxy"]):
    """Forwards to a server, unless it stalls. A connection that was taken while it stalled stays so."""

    def __init__(self, address: str, port: int) -> None:
        self._server = (address, port)
        self._listener = socket.create_server((address, 0))
        self.port: int = self._listener.getsockname()[1]
        self.stalls = False
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # An accept that waits does not end with its socket otherwise.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.reset()

    def reset(self) -> None:
        """Breaks all connections."""
        broken, self._open = self._open, []
        for each in broken:
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                if not self.stalls:
                    threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._server, 5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        self._open.append(server)
        threading.Thread(target=_pump, args=(client, server), daemon=True).start()
        _pump(server, client)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
