"""The Foxglove SDK in a process of its own."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

from line_program import LineProgram


class Sdk:
    """A process with the SDK."""

    def __init__(self) -> None:
        self._process = LineProgram(sys.executable, Path(__file__).with_name("sdk_peer.py"))

    def run(self, code: str) -> Any:
        """Runs Python code in it; returns what that assigns to `result`."""
        answer = self._process.ask(textwrap.dedent(code))
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["ok"]

    def close(self) -> None:
        """Ends it."""
        self._process.close()
