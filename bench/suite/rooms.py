"""Asks the server which participants of a room are active: connected, not only admitted."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request

from suite.server import Server

POLL = 0.01
ACTIVE = ("ACTIVE", 2)


class ActiveWatch:
    """Notes when participants become active, as the server's room service lists them."""

    def __init__(self, server: Server, room: str) -> None:
        self._url = server.url.replace("ws://", "http://") + "/twirp/livekit.RoomService/ListParticipants"
        self._token = server.credentials.mint(room, "harness", admin=True)
        self._room = room
        self._since: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> ActiveWatch:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join(5.0)

    def since(self, identity: str) -> float:
        """When this participant was first seen active, within `POLL`; NaN if never."""
        return self._since.get(identity, float("nan"))

    def _watch(self) -> None:
        while not self._stop.wait(POLL):
            for identity in self._active():
                self._since.setdefault(identity, time.time())

    def _active(self) -> list[str]:
        request = urllib.request.Request(
            self._url,
            json.dumps({"room": self._room}).encode(),
            {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=2.0) as response:
                listed = json.load(response).get("participants", [])
        except (urllib.error.URLError, TimeoutError):
            # The room does not exist before its first participant.
            return []
        return [participant["identity"] for participant in listed if participant.get("state") in ACTIVE]
