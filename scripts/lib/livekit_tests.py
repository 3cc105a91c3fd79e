"""Runs the livekit crate's own tests on the project's libwebrtc. Called by scripts/livekit-tests.

They are taken from the published crate as cargo unpacked it, not kept here. One line is removed, the module of
video tests, which names what a libwebrtc for data channels does not have.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livekit_server import LiveKitServer

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "test/livekit"
MANIFEST = PACKAGE / "Cargo.toml"
REMOVED = "pub mod video;\n"
CONFIGURATION = "room:\n  auto_create: true\nenable_participant_data_blob: true\n"
RESULT = re.compile(
    r"^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored; \d+ measured; (\d+) filtered out", re.MULTILINE
)


@dataclass(frozen=True)
class Skip:
    """Tests that are not run: a part of their names, and the reason."""

    suite: str
    name: str
    reason: str


@dataclass
class Totals:
    """What came out of the suites."""

    passed: int = 0
    skipped: int = 0
    failed: int = 0

    def add(self, other: Totals) -> None:
        """Adds the outcome of a suite."""
        self.passed += other.passed
        self.skipped += other.skipped
        self.failed += other.failed


MEDIA = "publishes audio or video, which a libwebrtc for data channels does not have"
# Parts of the names of tests, by suite, that need media.
WITH_MEDIA = {
    "peer_connection_signaling_test": (
        "audio_track",
        "mute_during_reconnect",
        "node_failure",
        "publish_ten_video_and_ten_audio_tracks",
        "v0_reconnect",
        "v1_reconnect",
        "resume_escalation_sticks",
        "resume_failure_escalates",
        "resume_without_prior_publish",
        "publisher_offer_subscribes_late_publish",
    ),
    "reconnection_test": (
        "full_reconnect_with_published_track",
        "close_during_republish",
        "room_deleted",
    ),
}
SKIPS = tuple(Skip(suite, name, MEDIA) for suite, names in WITH_MEDIA.items() for name in names)


def metadata() -> list[dict[str, Any]]:
    """The packages that the tests are compiled with."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--manifest-path", str(MANIFEST)]
    return json.loads(subprocess.check_output(command, text=True))["packages"]


def suites(packages: list[dict[str, Any]]) -> list[str]:
    """The suites of the package's manifest."""
    own = next(each for each in packages if each["manifest_path"] == str(MANIFEST))
    return [target["name"] for target in own["targets"] if "test" in target["kind"]]


def unpack(packages: list[dict[str, Any]]) -> None:
    """Copies the tests from the published crate."""
    crate = next(Path(each["manifest_path"]).parent for each in packages if each["name"] == "livekit")
    shutil.rmtree(PACKAGE / "tests", ignore_errors=True)
    shutil.copytree(crate / "tests", PACKAGE / "tests")
    shared = PACKAGE / "tests/common/e2e/mod.rs"
    text = shared.read_text()
    if REMOVED not in text:
        sys.exit(f"{shared} no longer has the line {REMOVED!r}: see what the new version of livekit's tests needs")
    written = shared.stat().st_mtime
    shared.write_text(text.replace(REMOVED, ""))
    # Cargo compiles anew what looks newer than what it made.
    os.utime(shared, (written, written))


def cargo_test(*arguments: str) -> list[str]:
    """The command that compiles the tests, and runs them."""
    command = ["cargo", "test", "--release", "--locked", "--manifest-path", str(MANIFEST), "--features", "__lk-e2e-test"]
    return [*command, "--target-dir", os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target")), *arguments]


def execute(suite: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a suite's executable."""
    command = cargo_test("--quiet", "--test", suite, "--", "--format=pretty", *arguments)
    return subprocess.run(command, text=True, stdout=subprocess.PIPE, env={**os.environ, **environment})


def run(suite: str, server: LiveKitServer) -> Totals:
    """Runs a suite. A skip that fits no test counts as a failure: it hides nothing any more."""
    names = re.findall(r"^(\S+): test$", execute(suite, "--list").stdout, re.MULTILINE)
    lines, arguments, totals = [], [], Totals()
    for skip in (skip for skip in SKIPS if skip.suite == suite):
        fits = [name for name in names if skip.name in name]
        lines.append(f"skipped, {skip.reason}: {', '.join(fits)}")
        arguments += ["--skip", skip.name]
        if not fits:
            lines.append(f"there is no test {skip.name!r}; remove it from WITH_MEDIA")
            totals.failed += 1
    environment = {"LIVEKIT_URL": server.url, "LIVEKIT_API_KEY": server.key, "LIVEKIT_API_SECRET": server.secret}
    result = execute(suite, "--test-threads=1", *arguments, **environment)
    print("\n".join([f"== {suite}", *lines, result.stdout]), flush=True)
    found = RESULT.search(result.stdout)
    if found is None:
        totals.failed += 1
        return totals
    passed, failed, ignored, filtered = map(int, found.groups())
    totals.add(Totals(passed, ignored + filtered, failed or int(result.returncode != 0)))
    return totals


def main() -> int:
    """Parses the command line and runs what it asks for."""
    packages = metadata()
    known = suites(packages)
    parser = argparse.ArgumentParser(prog="scripts/livekit-tests", description=__doc__)
    parser.add_argument("--skips", action="store_true", help="print what is skipped and why")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(known))
    options = parser.parse_args()
    if unknown := [suite for suite in options.suites if suite not in known]:
        parser.error(f"unknown suite {unknown[0]}; there are {', '.join(known)}")
    if options.skips:
        for skip in SKIPS:
            print(f"{skip.suite}: {skip.name}: {skip.reason}")
        return 0
    unpack(packages)
    subprocess.run(cargo_test("--no-run"), check=True)
    totals = Totals()
    with tempfile.TemporaryDirectory(prefix="livekit-tests-") as directory:
        server = LiveKitServer(Path(directory), more=CONFIGURATION)
        server.start()
        try:
            # They wait more than they compute; each test has a room of its own.
            with ThreadPoolExecutor(2) as pool:
                for outcome in pool.map(lambda suite: run(suite, server), options.suites or known):
                    totals.add(outcome)
        finally:
            server.stop()
    print(f"livekit's own tests: {totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped", flush=True)
    return 1 if totals.failed or not totals.passed else 0


if __name__ == "__main__":
    sys.exit(main())
