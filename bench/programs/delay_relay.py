"""A cable with delay: two TAP devices, and every Ethernet frame of one comes out of the other some time later.

netem is not in every kernel; this needs none, and knows nothing of what it carries. The devices go with the process.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import select
import struct
import sys
import time
from collections import deque

from programs.pacing import emit

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
LARGEST = 65_536


class Direction:
    """Frames on their way from one device to the other."""

    def __init__(self, source: int, target: int, delay: float) -> None:
        self.source = source
        self._target = target
        self._delay = delay
        self._frames: deque[tuple[float, bytes]] = deque()

    def take(self) -> None:
        """Takes everything that the source has."""
        try:
            while True:
                frame = os.read(self.source, LARGEST)
                self._frames.append((time.monotonic() + self._delay, frame))
        except BlockingIOError:
            return

    def deliver(self) -> float:
        """Delivers what is due; the seconds until the next frame is."""
        while self._frames:
            left = self._frames[0][0] - time.monotonic()
            if left > 0:
                return left
            _, frame = self._frames.popleft()
            try:
                os.write(self._target, frame)
            except OSError:
                # The device is down, or full: a cable does not wait.
                continue
        return 1.0


def open_tap(name: str) -> int:
    """A new TAP device of this name, to read and write frames without waiting."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return device


def main() -> None:
    """Relays until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay", type=float, required=True, help="milliseconds in each direction")
    parser.add_argument("devices", nargs=2, help="names of the two devices")
    args = parser.parse_args()
    left, right = (open_tap(name) for name in args.devices)
    directions = [Direction(left, right, args.delay / 1e3), Direction(right, left, args.delay / 1e3)]
    emit("ready")
    while True:
        wait = min(direction.deliver() for direction in directions)
        ready, _, _ = select.select([left, right, sys.stdin], [], [], wait)
        if sys.stdin in ready:
            return
        for direction in directions:
            if direction.source in ready:
                direction.take()


if __name__ == "__main__":
    main()
