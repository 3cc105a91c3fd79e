"""Watches what bit rate the bridge gives a video, in the bridge's metrics."""

from __future__ import annotations

import argparse
import re
import time
import urllib.request

from programs.pacing import StopSignal, emit

# The bridge refreshes its metrics twice a second.
EVERY = 0.1


def main() -> None:
    """Reports `[time, bits per second]` of each change when standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--topic", required=True)
    args = parser.parse_args()
    aim = re.compile(rf'^remote_access_bridge_encoder_bits_per_second{{topic="{re.escape(args.topic)}"}} (\S+)$', re.MULTILINE)
    changes: list[tuple[float, float]] = []
    stop = StopSignal()
    emit("ready")
    while not stop.wait(EVERY):
        with urllib.request.urlopen(args.url, timeout=10) as answer:
            found = aim.search(answer.read().decode())
        if found and (not changes or changes[-1][1] != float(found[1])):
            changes.append((time.time(), float(found[1])))
    emit("report", changes=changes)


if __name__ == "__main__":
    main()
