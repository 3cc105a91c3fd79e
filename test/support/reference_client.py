"""The protocol's reference client, `@foxglove/ws-protocol` from npm, in a Node.js process."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from wire import Json

T = TypeVar("T")
PACKAGE = Path(__file__).with_name("foxglove_ws")
# Keeps a broken run from hanging; nothing is expected to take this long.
HANG = 60.0


def install(directory: Path) -> Path:
    """Installs the client and what it needs, as the lock file says; returns the program."""
    for name in ("package.json", "package-lock.json", ".npmrc", *(path.name for path in PACKAGE.glob("*.mjs"))):
        (directory / name).write_bytes((PACKAGE / name).read_bytes())
    subprocess.run(["npm", "ci"], cwd=directory, check=True, capture_output=True, timeout=300)
    return directory / "client.mjs"


def binary(data: bytes) -> Json:
    """A binary value for a call."""
    return {"base64": base64.b64encode(data).decode()}


class ReferenceClient:
    """A connection. `events` has the name and the value of everything that happened, in order."""

    def __init__(self, program: Path, port: int, subprotocol: str) -> None:
        self.events: list[tuple[str, Any]] = []
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            ["node", str(program), f"ws://127.0.0.1:{port}", subprotocol],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        self.wait("open")

    def close(self) -> None:
        """Ends the connection as it should be."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert self._process.wait(HANG) == 0
        self._thread.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def values(self, event: str) -> list[Any]:
        """The values of all events of a name."""
        with self._changed:
            return [value for name, value in self.events if name == event]

    def wait_for(self, condition: Callable[[], T | None], what: str) -> T:
        """Waits until a condition gives something true, and returns that."""
        deadline = time.monotonic() + HANG
        with self._changed:
            while not (value := condition()):
                if self._process.poll() is not None or not self._changed.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"no {what}; {[repr(event)[:300] for event in self.events[-6:]]}")
            return value

    def wait(self, event: str, count: int = 1) -> Any:
        """Waits for the `count`-th event of a name; returns its value."""
        found = self.wait_for(lambda: v if len(v := self.values(event)) >= count else None, event)
        return found[count - 1]

    def call(self, method: str, *arguments: Any) -> Any:
        """Calls a method of the client; returns what it returns."""
        before = len(self.values("returned"))
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"method": method, "args": arguments}) + "\n")
        self._process.stdin.flush()
        return self.wait("returned", before + 1)

    def channel(self, topic: str) -> Json:
        """Waits until a topic is advertised; returns its channel."""

        def find() -> Json | None:
            return next((c for channels in self.values("advertise") for c in channels if c["topic"] == topic), None)

        return self.wait_for(find, f"advertisement of {topic}")

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event = json.loads(line)
            with self._changed:
                self.events.append((event["event"], event.get("value")))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


def data_of(message: Json) -> bytes:
    """The bytes of a message."""
    return base64.b64decode(message["data"]["base64"])
