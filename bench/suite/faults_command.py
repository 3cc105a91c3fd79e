"""`bench/faults`: breaks something between robot and viewer, and measures what a viewer sees of it. Needs root.

A robot in a network of its own publishes a state topic of 20 Hz and a latched one; the bridge, a LiveKit server
and a viewer on the Python SDK are real. Each run builds everything anew.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from robot_network import lacking
from suite import command
from suite.faults.access_faults import FAULTS as ACCESS
from suite.faults.fault import Fault
from suite.faults.network_faults import FAULTS as NETWORK
from suite.faults.outcome import Outcome, run
from suite.faults.report import row, table
from suite.faults.server_faults import FAULTS as SERVER
from suite.processes import BenchError

FAULTS = {**NETWORK, **SERVER, **ACCESS}


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/faults", description=__doc__)
    parser.add_argument("--list", action="store_true", help="list the faults")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="a fault, or the beginning of its name")
    parser.add_argument("--report", nargs="+", type=Path, metavar="FILE", help="run nothing; the table of what --json wrote")
    parser.add_argument("--long", action="store_true", help="also both ways dead for 60 and 600 s")
    parser.add_argument("--runs", type=int, default=5, help="runs of each fault")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures of each run to FILE")
    parser.add_argument("--logs", type=Path, metavar="DIRECTORY", help="keep the bridge's log of each run there")
    parser.add_argument("--log-level", default="info", metavar="FILTER", help="RUST_LOG of the bridge; needs `info` at least")
    return parser.parse_args()


def _chosen(args: argparse.Namespace) -> list[Fault]:
    if args.only:
        return [fault for name, fault in FAULTS.items() if name in args.only or any(name.startswith(each) for each in args.only)]
    return [fault for fault in FAULTS.values() if args.long or not fault.on_request]


def _repeat(fault: Fault, args: argparse.Namespace) -> list[Outcome]:
    """All runs of a fault. One that cannot be measured is told and left out."""
    outcomes = []
    for number in range(args.runs):
        log = args.logs / f"{fault.name}-{number + 1}.log" if args.logs else None
        command.progress(f"{fault.name}: run {number + 1} of {args.runs}")
        try:
            outcome = run(fault, log, args.log_level)
        except (BenchError, OSError, RuntimeError, TimeoutError, subprocess.SubprocessError) as error:
            command.progress(f"{fault.name} FAILED: {error}")
            continue
        outcomes.append(outcome)
        command.progress(f"    {json.dumps(outcome.numbers())}")
    return outcomes


def main() -> int:
    """Returns 0, or 1 when a run could not be measured."""
    args = _parse()
    if args.list:
        for fault in FAULTS.values():
            goal = f" (≤ {fault.goal:g} s)" if fault.goal is not None else ""
            print(f"{fault.name:26}{fault.title}{goal}{', on request' if fault.on_request else ''}. {fault.heals}.")
        return 0
    if args.report:
        print(_table(_read(args.report)))
        return 0
    reason = lacking()
    if reason:
        print(f"bench/faults: {reason}", file=sys.stderr)
        return 1
    command.stop_on_termination()
    if args.logs:
        args.logs.mkdir(parents=True, exist_ok=True)
    description = command.describe()
    results: dict[Fault, list[Outcome]] = {}
    try:
        for fault in _chosen(args):
            results[fault] = _repeat(fault, args)
            if args.json:
                _write(args.json, description, results)
    except KeyboardInterrupt:
        print("bench/faults: interrupted", file=sys.stderr)
        return 130
    print("\n".join(f"- {line}" for line in description))
    print()
    print(_table(results))
    return 0 if all(len(outcomes) == args.runs for outcomes in results.values()) else 1


def _table(results: dict[Fault, list[Outcome]]) -> str:
    return table([row(fault, results[fault]) for fault in FAULTS.values() if results.get(fault)])


def _read(files: list[Path]) -> dict[Fault, list[Outcome]]:
    """Of several files later ones count."""
    results: dict[Fault, list[Outcome]] = {}
    for file in files:
        for name, outcomes in json.loads(file.read_text())["faults"].items():
            if outcomes:
                results[FAULTS[name]] = [Outcome.of(numbers) for numbers in outcomes]
    return results


def _write(file: Path, description: list[str], results: dict[Fault, list[Outcome]]) -> None:
    """After each fault, so that an interruption loses little."""
    faults = {fault.name: [outcome.numbers() for outcome in outcomes] for fault, outcomes in results.items()}
    file.write_text(json.dumps({"machine": description, "faults": faults}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
