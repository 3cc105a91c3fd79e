"""How much the pictures that a viewer got look like those of the scene: SSIM of luma, decoded by FFmpeg."""

from __future__ import annotations

import argparse
import json
import struct
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from scenes import likeness, luma

# Every so many pictures are compared.
EVERY = 10


def messages(path: Path) -> Iterator[bytes]:
    """The messages that the viewer kept."""
    data = path.read_bytes()
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        yield data[at + 4 : at + 4 + size]
        at += 4 + size


def fields(message: bytes) -> tuple[float, int, bytes]:
    """Stamp, number in the scene and H.264 of a `foxglove_msgs/msg/CompressedVideo` in CDR."""
    seconds, nanoseconds = struct.unpack_from("<iI", message, 4)
    (size,) = struct.unpack_from("<I", message, 12)
    number = int(message[16 : 16 + size - 1])
    at = (16 + size + 3) // 4 * 4
    (length,) = struct.unpack_from("<I", message, at)
    return seconds + nanoseconds / 1e9, number, message[at + 4 : at + 4 + length]


def summary(values: list[float]) -> dict[str, float]:
    """The median and the worst likeness."""
    ordered = sorted(values)
    return {"median": ordered[len(ordered) // 2] if ordered else 0.0, "worst": ordered[0] if ordered else 0.0}


def phase(text: str) -> tuple[float, float]:
    """From `BEGINNING:END`, in seconds since the epoch."""
    start, _, end = text.partition(":")
    return float(start), float(end)


def main() -> None:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene", help="the pictures")
    parser.add_argument("--phase", type=phase, action="append", default=[], help="BEGINNING:END, to be told apart as well")
    parser.add_argument("video", type=Path, help="messages, each after its length")
    args = parser.parse_args()
    scene = np.load(args.scene, mmap_mode="r")
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    found: list[tuple[float, float]] = []
    decoded = failed = 0
    for message in messages(args.video):
        stamp, number, data = fields(message)
        try:
            frames = decoder.decode(av.Packet(data))
        except av.error.FFmpegError:
            failed += 1
            continue
        for frame in frames:
            decoded += 1
            if decoded % EVERY == 0:
                found.append((stamp, likeness(luma(frame.to_ndarray(format="rgb24")), luma(scene[number]))))
    phases = [summary([value for stamp, value in found if start <= stamp < end]) for start, end in args.phase]
    print(json.dumps({"decoded": decoded, "failed": failed, "phases": phases, **summary([value for _, value in found])}))


if __name__ == "__main__":
    main()
