"""Stands in for the part of the vendor's API that the peer's gateway asks before it joins a room.

Serves the device's description, the event stream that wakes the gateway with a LiveKit URL, room and
token (all given by the harness), and the heartbeat. Loopback only.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PREFIX = "/internal/platform/v1"
HEARTBEAT_SECONDS = 10.0


class Handler(BaseHTTPRequestHandler):
    """One request of the gateway."""

    protocol_version = "HTTP/1.1"
    session: dict[str, str]

    def do_GET(self) -> None:
        """Device description, or the stream of events."""
        if self.path.startswith(PREFIX + "/device-info"):
            self._json({"id": "dev_bench", "name": "bench", "projectId": "prj_bench"})
        elif self.path.startswith(PREFIX + "/remote-sessions/watch"):
            self._watch()
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        """The heartbeat needs no more than to be read."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()

    def _json(self, body: dict[str, object]) -> None:
        data = json.dumps({"retainRecordingsSeconds": 3600, **body}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _watch(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        lease = {
            "watchLeaseId": str(uuid.uuid4()),
            "deviceWaitForViewerMs": 600_000,
            "heartbeatIntervalMs": int(HEARTBEAT_SECONDS * 1000),
        }
        try:
            self._event("hello", lease)
            self._event("wake", self.session)
            while True:
                time.sleep(HEARTBEAT_SECONDS)
                self.wfile.write(b": still here\n\n")
                self.wfile.flush()
        except OSError:
            return

    def _event(self, name: str, data: object) -> None:
        self.wfile.write(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())
        self.wfile.flush()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing: requests are not logged."""


def main() -> None:
    """Serves until killed. The gateway's token comes in `LIVEKIT_TOKEN`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--room", required=True)
    parser.add_argument("--livekit-url", required=True)
    args = parser.parse_args()
    Handler.session = {
        "remoteAccessSessionId": args.room,
        "url": args.livekit_url,
        "token": os.environ["LIVEKIT_TOKEN"],
    }
    server = ThreadingHTTPServer(("127.0.0.1", args.port), Handler)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()
