"""Access tokens that expire soon, from a file or from an endpoint, always a fresh one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType

Mint = Callable[[], str]


class TokenFile(AbstractContextManager["TokenFile"]):
    """A file with a token, replaced again and again as whoever looks after a robot would."""

    def __init__(self, path: Path, mint: Mint, every: float) -> None:
        self.path = path
        self._over = threading.Event()
        self._mint = mint
        self._write()
        threading.Thread(target=self._renew, args=(every,), daemon=True).start()

    def _renew(self, every: float) -> None:
        while not self._over.wait(every):
            self._write()

    def _write(self) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text(self._mint())
        fresh.replace(self.path)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()


class TokenEndpoint(AbstractContextManager["TokenEndpoint"]):
    """A LiveKit token endpoint: whoever asks gets the robot's token."""

    def __init__(self, address: str, server_url: str, mint: Mint) -> None:
        class Handler(BaseHTTPRequestHandler):
            """Answers each request alike."""

            def do_POST(self) -> None:
                """Gives a token."""
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = json.dumps({"server_url": server_url, "participant_token": mint()}).encode()
                self.send_response(201)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer((address, 0), Handler)
        self.url = f"http://{address}:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
