"""Processes the benchmark starts: their events, their end, and what /proc says about them."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from processes import ending_with_parent

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
# Seconds between looks at a process that another one needs.
POLL = 0.5
PAGE = os.sysconf("SC_PAGE_SIZE")


class BenchError(Exception):
    """A run that could not be measured; the message says why."""


@dataclass(frozen=True)
class Usage:
    """CPU time since the start, in seconds, and resident memory in bytes, at one moment."""

    time: float
    cpu: float
    threads: dict[int, tuple[str, float]]
    resident: int


def usage_of(pid: int) -> Usage:
    """What the process has used so far, user and system time together, also per thread."""
    try:
        _, cpu = _read_stat(Path(f"/proc/{pid}/stat"))
        resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
        threads = {}
        for task in Path(f"/proc/{pid}/task").iterdir():
            try:
                threads[int(task.name)] = _read_stat(task / "stat")
            except OSError:
                continue  # The thread ended meanwhile.
    except OSError as error:
        raise BenchError(f"process {pid} has ended: {error}") from error
    return Usage(time.time(), cpu, threads, resident)


def _read_stat(path: Path) -> tuple[str, float]:
    text = path.read_text()
    name = text[text.index("(") + 1 : text.rindex(")")]
    fields = text[text.rindex(")") + 2 :].split()
    return name, (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


@dataclass
class Child:
    """One started process. Its events are the JSON lines of its standard output."""

    name: str
    process: subprocess.Popen[str]
    log: IO[str]
    events: queue.Queue[dict[str, Any]] = field(default_factory=queue.Queue)
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    def usage(self) -> Usage:
        """What it has used so far."""
        return usage_of(self.pid)

    def read_events(self) -> None:
        """Collects events until the output ends; runs on a thread."""
        assert self.process.stdout
        for line in self.process.stdout:
            try:
                event = json.loads(line)
            except ValueError:
                self.log.write(line)
                continue
            if isinstance(event, dict) and "event" in event:
                self.events.put(event)
        self.events.put({"event": "end of output"})

    def wait_for(
        self,
        name: str,
        seconds: float,
        accept: Callable[[dict[str, Any]], bool] = lambda _event: True,
        needs: Child | None = None,
    ) -> dict[str, Any]:
        """The event of this name; an error after so many seconds, or when it or a process it needs ends."""
        if name in self.seen and accept(self.seen[name]):
            return self.seen[name]
        deadline = time.monotonic() + seconds
        while True:
            try:
                event = self.events.get(timeout=POLL)
            except queue.Empty:
                if needs:
                    needs.check_alive()
                if time.monotonic() < deadline:
                    continue
                raise BenchError(f"{self.name}: no '{name}' within {seconds:.0f} s\n{self.tail()}") from None
            self.seen.setdefault(event["event"], event)
            if event["event"] == name and accept(event):
                return event
            if event["event"] == "end of output":
                raise BenchError(f"{self.name} ended without '{name}'\n{self.tail()}")

    def check_alive(self) -> None:
        """An error with the end of its log when it has ended."""
        if self.process.poll() is not None:
            raise BenchError(f"{self.name} ended with status {self.process.returncode}\n{self.tail()}")

    def go_on(self) -> None:
        """Writes an empty line to its standard input, for which some of our programs wait."""
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def ask_to_end(self) -> None:
        """Ends its standard input, which our programs take as the request to report."""
        assert self.process.stdin
        try:
            self.process.stdin.close()
        except OSError:
            return  # It has ended already.

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to it alone."""
        self.process.send_signal(number)

    def tail(self) -> str:
        """The last lines of its log."""
        self.log.flush()
        return "\n".join(Path(self.log.name).read_text(errors="replace").splitlines()[-12:])


class Processes:
    """All children of one run; leaving the `with` block ends them, whatever happened."""

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._logs = tempfile.TemporaryDirectory(prefix="rab_bench_")

    def __enter__(self) -> Processes:
        return self

    def start(self, name: str, command: list[str], environment: dict[str, str]) -> Child:
        """Starts a process in a session of its own, so that a Ctrl-C reaches the harness alone."""
        log = (Path(self._logs.name) / f"{len(self._children)}.log").open("w")
        try:
            process = subprocess.Popen(
                ending_with_parent(command),
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        except OSError as error:
            raise BenchError(f"cannot start {name}: {error}") from error
        child = Child(name, process, log)
        _keep_priority(process.pid)
        self._children.append(child)
        threading.Thread(target=child.read_events, daemon=True).start()
        return child

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for child in reversed(self._children):
            _end(child)
        for child in self._children:
            child.log.close()
        self._logs.cleanup()


def _keep_priority(pid: int) -> None:
    """The harness's priority, for the new session too: kernels with autogroups weigh sessions, not processes."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(os.nice(0)))


def _end(child: Child) -> None:
    """Politely, then by force. Signals go to the child's whole session: launchers have children too."""
    for number, patience in ((signal.SIGCONT, 0.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            break
        try:
            child.process.wait(patience)
            break
        except subprocess.TimeoutExpired:
            continue
    child.process.wait(5.0)
