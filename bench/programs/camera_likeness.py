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


def fields(message: bytes) -> tuple[int, bytes]:
    """Number in the scene and H.264 of a `foxglove_msgs/msg/CompressedVideo` in CDR."""
    (size,) = struct.unpack_from("<I", message, 12)
    number = int(message[16 : 16 + size - 1])
    at = (16 + size + 3) // 4 * 4
    (length,) = struct.unpack_from("<I", message, at)
    return number, message[at + 4 : at + 4 + length]


def main() -> None:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene", help="the pictures")
    parser.add_argument("video", type=Path, help="messages, each after its length")
    args = parser.parse_args()
    scene = np.load(args.scene, mmap_mode="r")
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    found, decoded, failed = [], 0, 0
    for message in messages(args.video):
        number, data = fields(message)
        try:
            frames = decoder.decode(av.Packet(data))
        except av.error.FFmpegError:
            failed += 1
            continue
        for frame in frames:
            decoded += 1
            if decoded % EVERY == 0:
                found.append(likeness(luma(frame.to_ndarray(format="rgb24")), luma(scene[number])))
    found.sort()
    median = found[len(found) // 2] if found else 0.0
    print(json.dumps({"decoded": decoded, "failed": failed, "median": median, "worst": found[0] if found else 0.0}))


if __name__ == "__main__":
    main()
