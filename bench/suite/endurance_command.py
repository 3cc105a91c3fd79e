"""`bench/endurance`: what grows when viewers and connections come and go very often, over very many bytes or in an overload.

Each case prints a table of memory, open file descriptors and threads, and what a line through them says. All cases
but `volume` need root.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from exact_memory import EXACT_MEMORY
from robot_network import lacking
from suite import command
from suite.endurance.growth import Sample, Trend, trends
from suite.endurance.reconnects import removals, restarts, resumes, viewers
from suite.endurance.soak import soak
from suite.endurance.volume import volume
from suite.processes import BenchError


@dataclass(frozen=True)
class Case:
    """One case: how often, or how much, and the unit of that."""

    title: str
    unit: str
    amount: float
    measure: Callable[[float], dict[str, list[Sample]]]


CASES = {
    "viewers": Case("viewers join, get a message and leave", "viewers", 1000, lambda amount: viewers(int(amount))),
    "resumes": Case("signaling breaks, the bridge resumes", "resumes", 1000, lambda amount: resumes(int(amount))),
    "restarts": Case("the server restarts, the bridge connects anew", "restarts", 300, lambda amount: restarts(int(amount))),
    "removals": Case("the robot is removed, the bridge joins anew", "removals", 40, lambda amount: removals(int(amount))),
    "volume": Case("GB through one connection", "GB", 5.0, volume),
    "soak": Case("twice what the link carries", "minutes", 20.0, soak),
}


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/endurance", description=__doc__)
    parser.add_argument("--list", action="store_true", help="list the cases")
    parser.add_argument("--only", action="append", choices=list(CASES), help="a case; repeatable")
    parser.add_argument("--amount", type=float, help="how often, how many GB or minutes, instead of the case's own")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the samples to FILE")
    return parser.parse_args()


def _table(name: str, unit: str, samples: list[Sample]) -> str:
    lines = [f"| {unit} | {name}: RSS | file descriptors | threads |", "|---|---|---|---|"]
    for each in samples:
        done = f"{each.done:.1f}" if each.done % 1 else f"{each.done:,.0f}"
        lines.append(f"| {done} | {each.resident:.1f} MB | {each.descriptors:.0f} | {each.threads:.0f} |")
    return "\n".join(lines)


def _verdict(name: str, unit: str, what: str, trend: Trend) -> str:
    size = " MB" if what == "memory" else ""
    said = "flat" if trend.flat else "RISING"
    return f"- {name}, {what}: **{said}**, {trend.growth:+.2f}{size} after the warm-up, {trend.per_unit:+.4g}{size} per {unit}"


def main() -> int:
    """Returns 0; 1 when a case failed or something rises."""
    args = _parse()
    if args.list:
        print("\n".join(f"{name:12}{case.title} ({case.amount:,g} {case.unit})" for name, case in CASES.items()))
        return 0
    command.stop_on_termination()
    # All that is started inherits it.
    os.environ.update(EXACT_MEMORY)
    print("\n".join(f"- {line}" for line in command.describe()))
    results: dict[str, dict[str, list[Sample]]] = {}
    good = True
    for name in args.only or CASES:
        case = CASES[name]
        if name != "volume" and (reason := lacking()):
            print(f"bench/endurance: {name}: {reason}", file=sys.stderr)
            return 1
        command.progress(f"{name}: {case.title}")
        try:
            results[name] = case.measure(args.amount or case.amount)
        except (BenchError, OSError, RuntimeError, TimeoutError, subprocess.SubprocessError) as error:
            command.progress(f"{name} FAILED: {error}")
            good = False
            continue
        except KeyboardInterrupt:
            print("bench/endurance: interrupted", file=sys.stderr)
            return 130
        print(f"\n## {case.title}\n")
        for process, samples in results[name].items():
            found = trends(samples)
            good = good and all(trend.flat for trend in found.values())
            print(_table(process, case.unit, samples))
            print()
            print("\n".join(_verdict(process, case.unit.removesuffix("s"), what, trend) for what, trend in found.items()))
            print(flush=True)
        if args.json:
            args.json.write_text(json.dumps({n: {p: [asdict(s) for s in e] for p, e in r.items()} for n, r in results.items()}))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
