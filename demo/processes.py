"""Child processes that end with their parent, and whose output is kept."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def ending_with_parent(arguments: list[str]) -> list[str]:
    """A command that the kernel ends should the parent be killed, where util-linux is there.

    Not a `preexec_fn`: in a program with threads the child may wait for ever for a lock that another thread held.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--", *arguments] if setpriv else arguments


def built_executable(name: str) -> Path:
    """A program of the release build, by its path in there."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = target / "release" / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; build it with: cargo build --release --workspace")
    return path


class ChildProcess:
    """A program in a process group of its own, its output in a log file (or, without one, where ours goes)."""

    def __init__(self, name: str, arguments: list[str], log: Path | None, environment: dict[str, str] | None = None) -> None:
        self.name = name
        self.log = log
        output = None if log is None else log.open("ab")
        self._process = subprocess.Popen(
            ending_with_parent(arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            # Ctrl-C in a terminal reaches every process of the group; the parent ends them in order.
            start_new_session=True,
        )
        if output is not None:
            output.close()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """The exit code, or None while it runs. Negative: the signal that ended it."""
        return self._process.poll()

    def output(self) -> str:
        """Everything it printed so far, if it has a log file."""
        return "" if self.log is None else self.log.read_text(errors="replace")

    def send_signal(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Waits for its end; raises subprocess.TimeoutExpired."""
        return self._process.wait(seconds)

    def stop(self, seconds: float = 10.0) -> int:
        """Asks it to end with SIGINT, kills it when it does not, and returns its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._process.wait()

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.wait()


def wait_until(condition: Callable[[], object], what: str, seconds: float = 60.0, pause: float = 0.02) -> None:
    """Waits for a condition; `seconds` only keeps a broken run from hanging."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no {what} within {seconds:g} s")
        time.sleep(pause)
