#!/usr/bin/env python3
"""A viewer in a process of its own that subscribes to one topic and waits to be killed."""

from __future__ import annotations

import os
import sys
import time

from viewer_client import Loop, Viewer


def main() -> None:
    """Says ``received`` with every message, and stays."""
    viewer = Viewer(Loop(), url=os.environ["LIVEKIT_URL"], token=os.environ["LIVEKIT_TOKEN"])
    viewer.join()
    viewer.subscribe(sys.argv[1])
    said = 0
    while True:
        count = len(viewer.messages(sys.argv[1]))
        for _ in range(said, count):
            print("received", flush=True)
        said = count
        time.sleep(0.05)


if __name__ == "__main__":
    main()
