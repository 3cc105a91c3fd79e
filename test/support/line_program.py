"""A program that answers each line of its standard input with a line of JSON."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from processes import ROOT, built_executable


class LineProgram:
    """A running one. Ends when its input ends."""

    def __init__(self, *command: str | Path) -> None:
        self._process = subprocess.Popen(
            [str(each) for each in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )

    def ask(self, question: Any) -> Any:
        """The answer to one line."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the program ended with {self._process.wait()} at {str(question)[:300]}")
        return json.loads(line)

    def close(self) -> None:
        """Ends it."""
        self._process.communicate()


def rust_example(name: str) -> LineProgram:
    """One of the examples of our crates, built as `cargo test` builds them."""
    built = ["cargo", "build", "--quiet", "--release", "--locked", "--workspace", "--example", name]
    subprocess.run(built, cwd=ROOT, check=True)
    return LineProgram(built_executable(f"examples/{name}"))
