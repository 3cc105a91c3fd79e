"""`bench/run`: the bridge and the peer in turn against the same LiveKit server, one table."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from functools import partial

from suite import command, places
from suite.case import Bench, Case, Options, loopback_stand
from suite.cases import CASES
from suite.processes import BenchError
from suite.sides import SIDES
from suite.viewers import PYTHON, RUST


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="measure for a third of the time, one run instead of five")
    parser.add_argument("--only", action="append", metavar="CASE", help="run this case, or all that begin with it; repeatable")
    parser.add_argument("--viewer", choices=[PYTHON, RUST, "both"], help="viewer of the throughput cases")
    command.add_common_options(parser)
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    return parser.parse_args()


def _select(only: list[str] | None) -> list[Case]:
    if not only:
        return [case for case in CASES if not case.on_request]
    chosen = [case for case in CASES if any(case.name.startswith(prefix) for prefix in only)]
    if not chosen:
        raise BenchError(f"no such case; there are: {', '.join(case.name for case in CASES)}")
    return chosen


def _viewer_kinds(wanted: str | None) -> tuple[str, ...]:
    """Both where the Rust viewer is built, unless one is asked for."""
    if wanted and wanted != "both":
        return (wanted,)
    try:
        places.rust_viewer()
    except BenchError as error:
        if wanted:
            raise
        command.progress(f"Python viewer only: {error}")
        return (PYTHON,)
    return PYTHON, RUST


def main() -> int:
    """Returns 0, or 1 when a case failed."""
    args = _parse()
    if args.list:
        print("\n".join(case.name + (" (on request)" if case.on_request else "") for case in CASES))
        return 0
    command.stop_on_termination()
    try:
        cases = _select(args.only)
        sides = tuple(SIDES) if args.side == "both" else (args.side,)
        options = Options(args.quick, _viewer_kinds(args.viewer))
        description = command.describe()
        with ExitStack() as stack:
            bench = Bench(options, loopback_stand(stack))
            jobs = [(case.name, side, partial(case.measure, bench, SIDES[side])) for case in cases for side in sides]
            table, good = command.run_jobs(jobs, sides, args.patience)
    except BenchError as error:
        print(f"bench/run: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench/run: interrupted", file=sys.stderr)
        return 130
    command.publish(table, description, args.json)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
