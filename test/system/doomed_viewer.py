#!/usr/bin/env python3
"""A viewer in a process of its own that subscribes to one topic and waits to be killed."""

from __future__ import annotations

import os
import sys
import time

from viewer_client import Loop, Viewer


def main() -> None:
    """Says ``received`` with the first message, and stays."""
    viewer = Viewer(Loop(), url=os.environ["LIVEKIT_URL"], token=os.environ["LIVEKIT_TOKEN"])
    viewer.join()
    viewer.subscribe(sys.argv[1])
    viewer.wait_messages(sys.argv[1])
    print("received", flush=True)
    time.sleep(3600)


if __name__ == "__main__":
    main()
