"""Data channels on loopback: two connections of crates/webrtc_channels beside two of Chromium, which has the C++ library.

    . scripts/env
    cargo build --release --workspace --example loopback
    python3 bench/loopback/run.py [--seconds 10] [--runs 3]

Prints a Markdown table: medians of the runs, which take turns. CPU is that of both ends: of the Rust process, and of all
processes of the browser, less what they take while the page does nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SIZES = (1_000, 15_000, 100_000)
TICKS = os.sysconf("SC_CLK_TCK")
# Before the page is asked for anything.
SETTLE = 1.0
# Before the browser's measurement. Its first burst is too much for itself: packets are lost, and it takes some seconds to
# send them again (docs/bench/loopback.md). What comes after is what it can do.
WARM_UP = 6.0
# Seconds in which the browser does nothing.
IDLE = 2.0
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    # Where there is nothing but a loopback interface.
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    # A page that nobody looks at must not get less of the machine.
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
]
# Megabytes per second, and seconds of CPU for each gigabyte.
Figures = tuple[float, float]


def rust(size: int, seconds: int) -> Figures:
    """The example program."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    output = subprocess.check_output([str(target / "release/examples/loopback"), str(seconds), str(size)], text=True)
    figures = json.loads(output)
    return figures["megabytes_per_second"], figures["cpu_seconds_per_gigabyte"]


def chromium(size: int, seconds: int) -> Figures:
    """A page with two connections in a browser of its own."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("Chromium is not in the PATH; install it with: sudo apt install chromium")
    with sync_playwright() as playwright:
        before = set(_processes())
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        page = browser.new_page()
        page.goto((Path(__file__).parent / "page.html").as_uri())
        time.sleep(SETTLE)
        pids = [pid for pid, name in _processes().items() if pid not in before and "chrom" in name]
        idle_before = _cpu(pids)
        time.sleep(IDLE)
        idle = (_cpu(pids) - idle_before) / IDLE
        page.evaluate("size => pour(size)", size)
        time.sleep(WARM_UP)
        start, bytes_before, cpu_before = time.monotonic(), page.evaluate("count()"), _cpu(pids)
        time.sleep(seconds)
        passed, arrived, cpu = time.monotonic() - start, page.evaluate("count()") - bytes_before, _cpu(pids) - cpu_before
        browser.close()
    cpu -= idle * passed
    return arrived / 1e6 / passed, cpu / (arrived / 1e9)


def _processes() -> dict[int, str]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = (entry / "comm").read_text().strip()
            except OSError:
                continue
    return found


def _cpu(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10, help="of each run")
    parser.add_argument("--runs", type=int, default=3, help="of each figure")
    options = parser.parse_args()
    print("| message | here, MB/s | CPU, s/GB | Chromium, MB/s | CPU, s/GB |")
    print("|---|---|---|---|---|")
    for size in SIZES:
        runs = [(rust(size, options.seconds), chromium(size, options.seconds)) for _ in range(options.runs)]
        cells = [statistics.median(run[side][figure] for run in runs) for side in (0, 1) for figure in (0, 1)]
        print(f"| {size:,} B | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |", flush=True)


if __name__ == "__main__":
    main()
