#!/usr/bin/env python3
"""Runs the project's checks one after the other and sums them up. Called by scripts/test."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from colcon_check import colcon_check

ROOT = Path(__file__).resolve().parents[2]


class Skipped(Exception):  # noqa: N818 - not an error
    """The check cannot run on this machine; says why."""


class Unsteady(Exception):  # noqa: N818 - not an error
    """Tests that failed and passed when they were run once more."""

    def __init__(self, tests: list[str]) -> None:
        super().__init__(f"UNSTEADY, failed at first: {', '.join(tests)}")


@dataclass(frozen=True)
class Check:
    """One check: what it is called, what it is for, and how it runs."""

    name: str
    purpose: str
    run: Callable[[], None]
    # The check that must not have failed before.
    needs: str | None = None
    # It takes long and rarely finds anything: runs with --all, for example every night.
    nightly: bool = False


@dataclass
class Summary:
    """What came out of each check."""

    lines: list[str] = field(default_factory=list)
    passed: int = 0
    failures: list[str] = field(default_factory=list)
    skipped: int = 0


def command(*arguments: str, **environment: str) -> None:
    """Runs a command in the root of the repository; raises if it fails."""
    print("$", " ".join(arguments), flush=True)
    subprocess.run(arguments, cwd=ROOT, env={**os.environ, **environment}, check=True)


def shell_scripts() -> list[str]:
    """Every shell script of the repository."""
    tracked = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).split()
    return [name for name in tracked if _is_shell(ROOT / name)]


def _is_shell(path: Path) -> bool:
    if path.suffix not in ("", ".sh") or not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.readline()
    return first.startswith((b"#!/usr/bin/env bash", b"# shellcheck shell=bash"))


def check_shell() -> None:
    """Parses every shell script, and lints it where shellcheck is installed."""
    scripts = shell_scripts()
    for script in scripts:
        command("bash", "-n", script)
    if shutil.which("shellcheck") is None:
        raise Skipped("shellcheck is not installed; the scripts were only parsed")
    command("shellcheck", "--external-sources", "--source-path=.", *scripts)


def check_ruff() -> None:
    """Lints and checks the format of all Python."""
    command("ruff", "check", ".")
    command("ruff", "format", "--check", ".")


def check_spelling() -> None:
    """Spell-checks documents and comments."""
    texts = " ".join(f"'*.{suffix}'" for suffix in ("md", "rs", "py", "ts", "xml", "yaml"))
    command("bash", "-c", f"set -o pipefail; git ls-files -z -- {texts} | xargs -0 codespell")


def check_page() -> None:
    """Lints, type-checks and tests the web page, and builds it again to compare with what is committed."""
    if shutil.which("npm") is None:
        raise Skipped("Node.js with npm is not installed; the page was neither checked nor built")
    page = ["npm", "--prefix", "crates/viewer/web"]
    command(*page, "ci", "--no-fund", "--no-audit")
    for script in ("check", "test", "compare"):
        command(*page, "run", "--silent", script)


# Tests with a server wait more than they compute. The tests of a file stay together.
IN_PARALLEL = ("--dist=loadfile", f"--numprocesses={(os.cpu_count() or 1) + 1}")
# As many failed tests may be bad luck on a busy machine. More are not.
FEW = 3


def beside(name: str, *tests: str) -> None:
    """Runs tests with a server several at a time, and a few that fail once more, alone; raises `Unsteady` if they pass then."""
    cache = ROOT / "target/pytest" / name
    shutil.rmtree(cache, ignore_errors=True)
    pytest = (sys.executable, "-m", "pytest", "-o", f"cache_dir={cache}", *tests)
    try:
        command(*pytest, "--durations=5", *IN_PARALLEL)
    except subprocess.CalledProcessError:
        failed = last_failed(cache)
        if not 0 < len(failed) <= FEW:
            raise
        print(f"=== {name}: once more, alone: {', '.join(failed)}", flush=True)
        command(*pytest, "--last-failed")
        raise Unsteady(failed) from None


def check_unit() -> None:
    """Tests the Rust code. Where a test fails, all are run once more: some have peers in real time, and share two cores."""
    tests = ("cargo", "test", "--release", "--workspace", "--locked", "--no-fail-fast")
    try:
        command(*tests)
    except subprocess.CalledProcessError:
        command(*tests)
        raise Unsteady(["tests that are named above"]) from None


def last_failed(cache: Path) -> list[str]:
    """The tests that failed in a run with this cache; none where the run did not come to its end."""
    file = cache / "v/cache/lastfailed"
    return sorted(json.loads(file.read_text())) if file.is_file() else []


def check_browser() -> None:
    """Tests the page in Chromium."""
    if not _has_chromium():
        raise Skipped("Chromium is not installed (sudo apt install chromium); THE PAGE WAS NOT TESTED IN A BROWSER")
    beside("browser", "test/browser")


def check_interop() -> None:
    """Tests the pure-Rust libwebrtc beside the Python SDK and, where there is a Chromium, the browser's."""
    if not _has_chromium():
        beside("interop", "test/interop", "-k", "python")
        raise Skipped("Chromium is not installed (sudo apt install chromium); THE BROWSER'S SDK WAS NOT TESTED")
    if not (ROOT / "crates/viewer/web/node_modules/livekit-client").is_dir():
        command("npm", "--prefix", "crates/viewer/web", "ci", "--no-fund", "--no-audit")
    beside("interop", "test/interop")


def _has_chromium() -> bool:
    return any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))


def check_dependencies() -> None:
    """Looks for licences, sources and crates that do not fit."""
    _deny("check", "bans", "licenses", "sources")


def check_vulnerabilities() -> None:
    """Looks for known vulnerabilities in the dependencies, where the database of them can be fetched."""
    try:
        _deny("fetch", "db")
    except subprocess.CalledProcessError:
        raise Skipped("the database of vulnerabilities cannot be fetched; KNOWN VULNERABILITIES WERE NOT LOOKED FOR") from None
    _deny("check", "advisories")


def _deny(*arguments: str) -> None:
    if shutil.which("cargo-deny") is None:
        raise Skipped("cargo-deny is not installed (scripts/setup --tests); DEPENDENCIES WERE NOT CHECKED")
    command("cargo", "deny", "--workspace", *arguments)


# What cargo-fuzz sets too, without the address sanitizer: that alone would need a nightly compiler.
FUZZ_FLAGS = (
    "--cfg=fuzzing -Cdebug-assertions -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
    " -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
    " -Cllvm-args=-sanitizer-coverage-trace-compares"
)
FUZZ_SECONDS = 6


def fuzz() -> None:
    """Builds the fuzz targets and runs each for a few seconds."""
    if shutil.which("c++") is None:
        raise Skipped("there is no C++ compiler (c++), which libFuzzer needs")
    host = subprocess.check_output(["rustc", "--print", "host-tuple"], text=True).strip()
    manifest = str(ROOT / "fuzz/Cargo.toml")
    # With a target named, build scripts and macros go without the flags.
    command("cargo", "build", "--release", "--locked", "--manifest-path", manifest, "--target", host, RUSTFLAGS=FUZZ_FLAGS)
    artifacts = ROOT / "fuzz/artifacts"
    for target in sorted((ROOT / "fuzz/fuzz_targets").glob("*.rs")):
        corpus = ROOT / "fuzz/corpus" / target.stem
        for directory in (corpus, artifacts):
            directory.mkdir(parents=True, exist_ok=True)
        command(
            str(ROOT / f"fuzz/target/{host}/release/{target.stem}"),
            f"-max_total_time={FUZZ_SECONDS}",
            "-max_len=4096",
            "-rss_limit_mb=2048",
            "-verbosity=0",
            "-print_final_stats=1",
            f"-artifact_prefix={artifacts}/{target.stem}-",
            str(corpus),
        )


# In this order a cold run compiles the dependencies once for the lints and once for the rest.
CHECKS = [
    Check("format", "Rust is formatted", lambda: command("cargo", "fmt", "--all", "--check")),
    Check("python", "Python is linted and formatted", check_ruff),
    Check("spelling", "documents and comments are spelled right", check_spelling),
    Check("shell", "shell scripts parse and are linted", check_shell),
    Check(
        "clippy",
        "Rust has no warnings",
        lambda: command("cargo", "clippy", "--release", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"),
    ),
    Check(
        "docs",
        "Rust documentation has no warnings",
        lambda: command("cargo", "doc", "--release", "--workspace", "--no-deps", "--locked", RUSTDOCFLAGS="-D warnings"),
    ),
    Check(
        "build",
        "the release build, with its tests",
        # Without the tests, features of what only they need would compile a part of the dependencies once more.
        lambda: command("cargo", "build", "--release", "--workspace", "--all-targets", "--locked"),
    ),
    Check("unit", "Rust tests", check_unit, needs="build"),
    Check("fuzz", "any bytes from viewers, for a few seconds", fuzz, nightly=True),
    Check(
        "system",
        "tests of the built bridge against a real server, real publishers and real viewers",
        lambda: beside("system"),
        needs="build",
    ),
    Check("page", "the web page is linted, typed, tested and built as committed", check_page),
    Check("browser", "the page in a real browser, with the built bridge and the demo robot", check_browser, needs="build"),
    Check("interop", "libwebrtc beside the SDKs of Python and browsers, through a server", check_interop, needs="build"),
    Check(
        "livekit",
        "the livekit crate's own tests, on this libwebrtc",
        lambda: command("scripts/livekit-tests"),
        needs="build",
        nightly=True,
    ),
    Check(
        "bench",
        "tests of the benchmarks' harness",
        lambda: command(sys.executable, "-m", "pytest", "-q", "bench/tests"),
    ),
    Check("colcon", "a colcon workspace builds and installs the package", lambda: colcon_check(ROOT, command), needs="build"),
    Check("dependencies", "dependencies have licences and sources that fit", check_dependencies),
    Check("vulnerabilities", "dependencies have no known vulnerability", check_vulnerabilities),
]


def run(check: Check, summary: Summary) -> None:
    """Runs one check and takes down how it went."""
    print(f"\n=== {check.name}: {check.purpose}", flush=True)
    began = time.monotonic()
    try:
        assert check.needs not in summary.failures, f"not run, because {check.needs} failed"
        check.run()
    except Skipped as reason:
        result = f"skipped: {reason}"
        summary.skipped += 1
    except Unsteady as reason:
        result = f"passed, {reason}"
        summary.passed += 1
    except (subprocess.CalledProcessError, OSError, AssertionError) as error:
        result = f"FAILED: {error}"
        summary.failures.append(check.name)
    else:
        result = "passed"
        summary.passed += 1
    summary.lines.append(f"  {check.name:15} {time.monotonic() - began:7.1f} s  {result}")
    print(f"=== {check.name}: {result}", flush=True)


def main() -> int:
    """Parses the command line and runs what it asks for."""
    parser = argparse.ArgumentParser(prog="scripts/test", description=__doc__)
    names = [check.name for check in CHECKS]
    parser.add_argument("--list", action="store_true", help="print the names of the checks")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="run the nightly ones too")
    which.add_argument("--only", action="append", choices=names, metavar="NAME", help="run this one, and no others")
    arguments = parser.parse_args()
    if arguments.list:
        for check in CHECKS:
            print(f"{check.name:15} {check.purpose}{' (nightly)' if check.nightly else ''}")
        return 0
    summary = Summary()
    for check in CHECKS:
        wanted = check.name in arguments.only if arguments.only else arguments.all or not check.nightly
        if wanted:
            run(check, summary)
        elif not arguments.only:
            summary.lines.append(f"  {check.name:15}      nightly: scripts/test --all, or --only {check.name}")
    print("\nSummary")
    print("\n".join(summary.lines))
    print(f"\n{summary.passed} passed, {len(summary.failures)} failed, {summary.skipped} skipped")
    return 1 if summary.failures else 0


if __name__ == "__main__":
    sys.exit(main())
