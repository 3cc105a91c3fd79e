"""Viewers on the Python LiveKit SDK that come, get a message and leave, very many of them, a few at a time.

Tells the harness `batch` whenever so many have left, and waits for a line on standard input before the next.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
from typing import Any

from livekit import rtc

from programs import frames
from programs.pacing import emit
from programs.quiet_webrtc import silence_packet_dump
from suite.tokens import Credentials

TOPIC = "ws-protocol"
MESSAGE_SECONDS = 30.0


async def visit(args: argparse.Namespace, credentials: Credentials, name: str) -> None:
    """One viewer, from joining to leaving."""
    room = rtc.Room()
    tasks: set[asyncio.Task[None]] = set()
    arrived = asyncio.Event()

    async def send(frame: bytes) -> None:
        writer = await room.local_participant.stream_bytes(
            name="viewer", topic=TOPIC, destination_identities=[args.robot], attributes={"streams": "many"}
        )
        await writer.write(frame)

    def keep(work: Any) -> None:
        task = asyncio.ensure_future(work)
        tasks.add(task)

    def on_text(text: dict[str, Any]) -> None:
        if text.get("op") == "advertise":
            channels = [int(each["id"]) for each in text["channels"] if each["topic"].startswith(args.channels)]
            if channels:
                keep(send(frames.subscribe(channels)))

    async def read(reader: rtc.ByteStreamReader) -> None:
        parser = frames.FrameReader(on_text, lambda _channel, _data: arrived.set(), lambda _app, _device: None)
        async for chunk in reader:
            parser.feed(chunk)

    room.register_byte_stream_handler(TOPIC, lambda reader, _sender: keep(read(reader)))
    await room.connect(args.url, credentials.mint(args.room, name), rtc.RoomOptions())
    # Opened at once, so that the robot asks who that is.
    keep(send(frames.ping(0)))
    try:
        await asyncio.wait_for(arrived.wait(), MESSAGE_SECONDS)
        await asyncio.sleep(args.stay)
    finally:
        await room.disconnect()
        for task in tasks:
            task.cancel()


async def visits(args: argparse.Namespace) -> None:
    """All of them."""
    credentials = Credentials(os.environ["KEY"], os.environ["SECRET"])
    failed = 0

    async def one(numbers: Any) -> None:
        nonlocal failed
        for number in numbers:
            try:
                await visit(args, credentials, f"guest-{number}")
            except (asyncio.TimeoutError, rtc.ConnectError, ConnectionError) as error:
                failed += 1
                print(f"viewer {number}: {error!r}", file=sys.stderr, flush=True)

    for first in range(0, args.count, args.batch):
        numbers = iter(range(first, first + args.batch))
        await asyncio.gather(*(one(numbers) for _ in range(args.at_once)))
        emit("batch", done=first + args.batch, failed=failed)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


def main() -> None:
    """The server's key and secret come in `KEY` and `SECRET`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--room", required=True)
    parser.add_argument("--robot", required=True, help="identity of the robot")
    parser.add_argument("--channels", default="", help="prefix of the robot's topics to subscribe to")
    parser.add_argument("--count", type=int, default=1000, help="viewers in all")
    parser.add_argument("--batch", type=int, default=100, help="viewers between two rests")
    parser.add_argument("--at-once", type=int, default=4, help="viewers at a time")
    parser.add_argument("--stay", type=float, default=0.0, help="seconds that each goes on reading after its first message")
    args = parser.parse_args()
    silence_packet_dump("liblivekit_ffi")
    with contextlib.suppress(BrokenPipeError):
        asyncio.run(visits(args))
    # The SDK's threads may outlive the rooms; nothing is left to do.
    os._exit(0)


if __name__ == "__main__":
    main()
