"""The viewer gateway under test: the built executable in a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
from pathlib import Path

from bridge_process import NO_CREDENTIALS, STOP_SECONDS
from processes import ChildProcess, built_executable, wait_until
from wire import Json


def executable() -> Path:
    """The built viewer gateway, or the one that VIEWER_GATEWAY_EXECUTABLE names."""
    given = os.environ.get("VIEWER_GATEWAY_EXECUTABLE")
    return Path(given) if given else built_executable("remote_access_viewer")


class ViewerGateway:
    """A running program, on a port of the system's choice."""

    def __init__(self, directory: Path, environment: dict[str, str], *arguments: str) -> None:
        number = len(list(directory.glob("viewer_gateway-*.log")))
        self.process = ChildProcess(
            "gateway",
            [str(executable()), "--port", "0", *arguments],
            directory / f"viewer_gateway-{number}.log",
            {**NO_CREDENTIALS, "LIVEKIT_PAGE_TOKENS": "", "RUST_BACKTRACE": "1", **environment},
        )

    @property
    def port(self) -> int:
        """The port that it listens on."""
        pattern = re.compile(r"^page: http://localhost:(\d+)/$", re.MULTILINE)
        wait_until(
            lambda: pattern.search(self.output()) or self.process.exit_code() is not None,
            f"port in the gateway's output:\n{self.output()}",
        )
        found = pattern.search(self.output())
        assert found, self.output()
        return int(found[1])

    def output(self) -> str:
        """Everything it printed."""
        return self.process.output()

    def request(self, path: str, method: str = "GET", headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer to an HTTP request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, path, skip_host="Host" in (headers or {}))
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        finally:
            connection.close()

    def config(self) -> Json:
        """What the page reads."""
        status, _, body = self.request("/config.json")
        assert status == 200, body
        return json.loads(body)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Asks it to end; returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)
