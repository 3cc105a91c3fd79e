#!/usr/bin/env python3
"""Breaks the session and SCTP on purpose, rule by rule, and tells which tests notice. Called by scripts/mutate."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10; pytest brings it there
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
# A test of broken code may wait for ever.
SECONDS = 400
# The crates that can be broken, with groups of their tests: those first that notice most for the time they take.
TARGETS = {
    "session": (("--test", "behaviour"), ("--lib",), ("--test", "simulation")),
    "sctp_association": (("--lib",), ("--test", "links")),
}
# The crates that are copied: these and what they need of ours.
CRATES = ("crates/protocol", "crates/session", "crates/sctp_association", "crates/link_sim")
PROFILE = """\
[workspace]
members = ["crates/session", "crates/sctp_association"]
resolver = "2"

[profile.dev]
opt-level = 1
debug = false

"""


class BuildError(Exception):
    """The code does not compile."""


@dataclass(frozen=True)
class Mutation:
    """One way to break a rule: a text that stands once in a file of a crate, and another instead."""

    rule: str
    crate: str
    file: str
    find: str
    replace: str

    @property
    def path(self) -> Path:
        """The file, from the root of the project."""
        return Path("crates", self.crate, "src", self.file)


def mutations() -> list[Mutation]:
    """All of them, rule by rule."""
    rules = tomllib.loads(Path(__file__).with_name("mutations.toml").read_text())["rule"]
    return [Mutation(rule["name"], rule.get("crate", "session"), **change) for rule in rules for change in rule["change"]]


def make_project(project: Path) -> None:
    """Copies the crates into a workspace of their own, where they may be broken."""
    for directory in CRATES:
        shutil.rmtree(project / directory, ignore_errors=True)
        # With times of now: a run that was killed may have built a mutation of an older file.
        shutil.copytree(ROOT / directory, project / directory, copy_function=shutil.copy)
    shutil.copy2(ROOT / "Cargo.lock", project)
    manifest = (ROOT / "Cargo.toml").read_text()
    begin, end = manifest.index("[workspace.package]"), manifest.index("[patch.crates-io]")
    (project / "Cargo.toml").write_text(PROFILE + manifest[begin:end])


def failed_tests(project: Path, crate: str, seeds: int, *targets: str) -> list[str]:
    """Runs tests of a crate and names those that fail."""
    of = ("--manifest-path", f"crates/{crate}/Cargo.toml", "--target-dir", str(project / "target"))
    test = ["cargo", "test", "--quiet", "--no-fail-fast", *of, *targets]
    environment = {**os.environ, "SESSION_SEEDS": str(seeds), "RUST_BACKTRACE": "0"}
    run = subprocess.Popen(
        test, cwd=project, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    try:
        output, _ = run.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        return ["(no end)"]
    if run.returncode == 0:
        return []
    failed = sorted(set(re.findall(r"^    (\w+(?:::\w+)*)$", output, re.MULTILINE)))
    if not failed:
        raise BuildError(output)
    return failed


def all_failed_tests(project: Path, crate: str, seeds: int) -> list[str]:
    """The failed tests of the first group of a crate in which any fail: the others would tell no more."""
    groups = (failed_tests(project, crate, seeds, *target) for target in TARGETS[crate])
    return next(filter(None, groups), [])


def mutate(project: Path, mutation: Mutation, seeds: int) -> list[str]:
    """Names the tests that fail with this mutation."""
    file = project / mutation.path
    text = file.read_text()
    file.write_text(text.replace(mutation.find, mutation.replace))
    try:
        return all_failed_tests(project, mutation.crate, seeds)
    finally:
        file.write_text(text)


def stale(mutation: Mutation) -> bool:
    """Whether the mutation does not fit the code any more."""
    return (ROOT / mutation.path).read_text().count(mutation.find) != 1


def main() -> int:
    """Breaks the code in all ways, or in those that are chosen."""
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__)
    parser.add_argument("words", nargs="*", help="only mutations with one of these words in their name, file or text")
    parser.add_argument("--check", action="store_true", help="only check that each mutation still applies to the code")
    parser.add_argument("--seeds", type=int, default=150, help="simulated scenarios per mutation (default: %(default)s)")
    parser.add_argument("--first", type=int, default=1, metavar="N", help="begin with the N-th of them")
    arguments = parser.parse_args()
    gone = [mutation for mutation in mutations() if stale(mutation)]
    for mutation in gone:
        print(f"does not fit the code any more: {mutation.path}: {mutation.find}")
    if gone or arguments.check:
        return len(gone) > 0

    def chosen(mutation: Mutation) -> bool:
        text = f"{mutation.rule} {mutation.path} {mutation.find}"
        return not arguments.words or any(word in text for word in arguments.words)

    project = ROOT / "target/mutate"
    make_project(project)
    for crate in {mutation.crate for mutation in mutations() if chosen(mutation)}:
        if failed := all_failed_tests(project, crate, arguments.seeds):
            raise SystemExit(f"tests of {crate} fail without any mutation: {', '.join(failed)}")
    survived = 0
    for number, mutation in enumerate(filter(chosen, mutations()), 1):
        if number < arguments.first:
            continue
        try:
            failed = mutate(project, mutation, arguments.seeds)
            result = f"noticed by {', '.join(failed)}" if failed else "NOTICED BY NO TEST"
        except BuildError as error:
            failed, result = [], f"DOES NOT COMPILE\n{error}"
        survived += not failed
        change = mutation.replace.strip() or f"without {mutation.find.strip()}"
        print(f"{number}. {mutation.rule}\n  {mutation.path}: {change}\n  {result}", flush=True)
    return survived > 0


if __name__ == "__main__":
    sys.exit(main())
