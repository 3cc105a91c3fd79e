"""What the two commands share: preparing, signals, running cases without losing the others, output."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType

from suite import machine
from suite.case import Figure
from suite.processes import BenchError
from suite.sides import SIDES
from suite.table import Table


def stop_on_termination() -> None:
    """SIGTERM ends the benchmark as Ctrl-C does: through the blocks that end all processes."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def progress(text: str) -> None:
    """A line of progress on standard error."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


Job = tuple[str, str, Callable[[], list[Figure]]]


def run_jobs(jobs: Iterable[Job], columns: tuple[str, ...], patience: float) -> tuple[Table, bool]:
    """Runs `(case, column, work)` one after the other; a failure becomes a cell, not the end.

    Before each it waits at most `patience` seconds for the machine to be quiet.
    """
    table = Table(columns)
    good = True
    for case, column, work in jobs:
        if patience and not machine.wait_until_quiet(patience):
            progress("the machine does not get quiet; measuring all the same")
        progress(f"{case}: {column}")
        try:
            figures = work()
        except BenchError as error:
            good = False
            progress(f"{case}: {column} FAILED: {error}")
            figures = [Figure(f"{case}", f"failed: {str(error).splitlines()[0]}")]
        for figure in figures:
            progress(f"    {figure.label}: {figure.text}")
        table.add(column, figures)
    return table, good


def publish(table: Table, description: list[str], file: Path | None) -> None:
    """Prints the report and writes the JSON file where one is asked for."""
    print("\n".join(f"- {line}" for line in description))
    print()
    print(table.markdown())
    if file:
        file.write_text(json.dumps({"machine": description, "rows": table.data()}, indent=1) + "\n")


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """The options of both commands."""
    parser.add_argument("--side", choices=[*SIDES, "both"], default="both")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    parser.add_argument(
        "--patience", type=float, default=0.0, metavar="SECONDS", help="wait up to SECONDS for a quiet machine before each run"
    )


def describe() -> list[str]:
    """The machine, before anything runs."""
    return machine.describe()
