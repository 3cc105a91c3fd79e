"""A viewer on the real libwebrtc: the Python LiveKit SDK. Speaks to the bridge and to the peer.

Tells the harness `joined`, `advertise`, `subscribed`, `first` and `picture` (a key frame of the video that is kept)
as they happen, and reports when standard input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import socket
import struct
import sys
import time
import traceback
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from livekit import rtc

from programs import frames, video_track
from programs.pacing import emit
from programs.quiet_webrtc import silence_packet_dump
from programs.tally import Tally

CONFIRM_EVERY = 0.002
DATA_TRACK = re.compile(r"data-ch-(\d+)")
VIDEO_TRACK = re.compile(r"video-ch-(\d+)")
# The parameter set that begins a key frame of H.264.
KEY_FRAME = b"\x00\x00\x01\x67"
HAS_VIDEO = "foxglove.hasVideoTrack"


class Viewer:
    """One participant of the room that subscribes to the topics it was told to."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._room = rtc.Room()
        self._tally = Tally(args.header_stamps)
        self._kept_topic, _, path = args.keep.partition(":")
        self._kept = bytearray() if path else None
        self._kept_file = path
        self._pictured = False
        self._topics: dict[int, str] = {}
        self._writer: rtc.ByteStreamWriter | None = None
        self._writing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._confirmed = 0.0
        self._subscribed: set[int] = set()
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.setblocking(False)

    async def run(self) -> None:
        """Joins, watches until standard input ends, reports and leaves."""
        self._room.register_byte_stream_handler(self._args.topic, self._on_stream)
        self._room.on("data_track_published", self._on_data_track)
        self._room.on("track_subscribed", self._on_track)
        emit("start")
        token = os.environ["LIVEKIT_TOKEN"]
        await self._room.connect(self._args.url, token, rtc.RoomOptions(auto_subscribe=True))
        emit("joined")
        loop = asyncio.get_running_loop()
        end = loop.run_in_executor(None, sys.stdin.readline)
        while not end.done():
            await asyncio.wait([end], timeout=0.05)
            if self._subscribed:
                self._confirm(force=True)
        if self._kept is not None:
            Path(self._kept_file).write_bytes(self._kept)
        emit("report", **self._tally.report())
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._room.disconnect(), 2.0)

    def _on_stream(self, reader: rtc.ByteStreamReader, robot: str) -> None:
        self._keep(self._read(reader, robot))

    def _on_data_track(self, track: Any) -> None:
        if match := DATA_TRACK.fullmatch(track.info.name):
            self._keep(self._read_track(track, int(match[1])))

    def _on_track(self, track: rtc.Track, *_: object) -> None:
        """The peer's videos."""
        if match := VIDEO_TRACK.fullmatch(track.name):
            self._keep(video_track.read(track, lambda stamp: self._on_picture(int(match[1]), stamp)))

    async def _read(self, reader: rtc.ByteStreamReader, robot: str) -> None:
        parser = frames.FrameReader(
            lambda text: self._on_text(text, robot),
            self._on_message,
            lambda _app, device: self._keep(self._send(robot, frames.ping_ack(device))),
        )
        try:
            async for chunk in reader:
                parser.feed(chunk)
        except (ConnectionError, frames.ProtocolError) as error:
            self._tally.errors.append(repr(error))

    async def _read_track(self, track: Any, channel: int) -> None:
        """The peer's unreliable channels: `u16 flags, u16 offset of the data, u32 sequence, data`."""
        async for frame in track.subscribe(buffer_size=1024):
            (offset,) = struct.unpack_from("<H", frame.payload, 2)
            self._on_message(channel, memoryview(frame.payload)[offset:])

    def _on_text(self, text: dict[str, Any], robot: str) -> None:
        if text.get("op") == "status":
            self._tally.statuses.append(str(text.get("message")))
        if text.get("op") != "advertise":
            return
        for channel in text["channels"]:
            self._topics[int(channel["id"])] = channel["topic"]
        emit("advertise", channels=len(self._topics))
        only = set(self._args.only.split(",")) if self._args.only else set(self._topics.values())
        wanted = [channel for channel, topic in self._topics.items() if topic.startswith(self._args.channels) and topic in only]
        fresh = [channel for channel in wanted if channel not in self._subscribed]
        if fresh:
            if self._args.ping and not self._subscribed:
                self._keep(self._ping(robot))
            self._subscribed.update(fresh)
            videos = frozenset(int(item["id"]) for item in text["channels"] if HAS_VIDEO in item.get("metadata", {}))
            self._keep(self._send(robot, frames.subscribe(fresh, videos)))
            emit("subscribed")

    def _on_picture(self, channel: int, stamp: float) -> None:
        if not self._tally.messages:
            emit("first")
        self._tally.picture(self._topics.get(channel, "?"), stamp)

    def _on_message(self, channel: int, data: memoryview) -> None:
        if not self._tally.messages:
            emit("first")
        topic = self._topics.get(channel, "?")
        self._tally.message(topic, data)
        if self._kept is not None and topic == self._kept_topic:
            self._kept += struct.pack("<I", len(data)) + data
            if not self._pictured and KEY_FRAME in self._kept:
                self._pictured = True
                emit("picture")
        self._confirm(force=False)

    def _confirm(self, *, force: bool) -> None:
        now = time.monotonic()
        if not self._args.confirm_port or (not force and now - self._confirmed < CONFIRM_EVERY):
            return
        self._confirmed = now
        done = max((topic.next for topic in self._tally.topics.values()), default=0)
        try:
            self._udp.sendto(f"{os.getpid()} {done}".encode(), ("127.0.0.1", self._args.confirm_port))
        except OSError:
            # The producer is gone or busy; the next confirmation says the same and more.
            return

    async def _send(self, robot: str, frame: bytes) -> None:
        async with self._writing:
            if self._writer is None:
                attributes = {"streams": "many"} if self._args.many else None
                self._writer = await self._room.local_participant.stream_bytes(
                    name="viewer", topic=self._args.topic, destination_identities=[robot], attributes=attributes
                )
            await self._writer.write(frame)

    async def _ping(self, robot: str) -> None:
        while True:
            await self._send(robot, frames.ping(time.time_ns() // 1_000_000))
            await asyncio.sleep(self._args.ping)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._tally.errors.append(repr(error))
            traceback.print_exception(error)


async def _watch(args: argparse.Namespace) -> None:
    # The SDK's room belongs to the event loop that runs when it is made.
    await Viewer(args).run()


def main() -> None:
    """The token comes in `LIVEKIT_TOKEN`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--topic", default="ws-protocol", help="topic of the byte streams")
    parser.add_argument("--channels", default="", help="prefix of the robot's topics to subscribe to")
    parser.add_argument("--only", default="", help="those of them that are subscribed to, with commas between")
    parser.add_argument("--header-stamps", default="", help="prefix of topics whose messages begin with a stamp of ROS")
    parser.add_argument("--keep", default="", help="TOPIC:FILE, for the messages of a topic, each after its length")
    parser.add_argument("--confirm-port", type=int, default=0)
    parser.add_argument("--many", action="store_true", help="declare that many streams are understood")
    parser.add_argument("--ping", type=float, default=0.0, help="seconds between pings, 0 = none")
    args = parser.parse_args()
    emit("silenced", quiet=silence_packet_dump("liblivekit_ffi"))
    asyncio.run(_watch(args))
    sys.stdout.flush()
    # The SDK's threads may outlive the room; nothing is left to do.
    os._exit(0)


if __name__ == "__main__":
    main()
