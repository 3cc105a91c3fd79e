"""A viewer that stays: it follows the robot through reconnections and joins again when its own connection is over.

Built as a viewer should be: it opens a stream to each session of the robot, pings, acknowledges, and
subscribes to what is advertised. Tells the harness each thing as it happens, with the time. Those that the
server has sent away (removed, or another came with the same identity) stay away.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Coroutine
from typing import Any

from livekit import rtc

from programs import frames
from programs.pacing import emit
from programs.payload import SMALLEST, STAMP, STAMP_OFFSET
from programs.quiet_webrtc import silence_packet_dump

TOPIC = "ws-protocol"
PING_SECONDS = 0.1
REJOIN_SECONDS = 0.3
# A robot that has told of itself answers pings; one that does not in this time has no stream of ours.
ANSWER_SECONDS = 0.5
FINAL = ("PARTICIPANT_REMOVED", "DUPLICATE_IDENTITY", "CLIENT_INITIATED")


class Session:
    """What one connection to the room knows of the robot: its channels and our stream to it."""

    def __init__(self, room: rtc.Room, robot: str) -> None:
        self._room = room
        self._robot = robot
        self._writer: rtc.ByteStreamWriter | None = None
        self._writing = asyncio.Lock()
        # When the robot should have answered on our stream; 0 where it has, or is not there.
        self._due = 0.0
        self.topics: dict[int, str] = {}
        self.wanted: list[int] = []

    def gone(self) -> None:
        """The robot is gone, and all that it knew of us."""
        self._writer = None
        self._due = 0.0
        self.topics.clear()
        self.wanted.clear()

    def told(self) -> None:
        """The robot tells everything from the beginning; what comes meanwhile on other streams has the numbers from before."""
        self.wanted.clear()

    def answered(self) -> None:
        """The robot reads our stream."""
        self._due = 0.0

    async def begin(self) -> None:
        """The robot is there: it has a stream of ours, and should answer on it soon."""
        self._due = time.monotonic() + ANSWER_SECONDS
        # One that is being opened is one.
        if self._writer is None and not self._writing.locked():
            await self.reopen()

    async def reopen(self) -> None:
        """Opens another stream, on which the subscriptions are repeated."""
        async with self._writing:
            before, self._writer = self._writer, None
            # The SDK raises errors of several kinds when a connection is over.
            with contextlib.suppress(Exception):
                if before is not None:
                    await before.aclose()
            with contextlib.suppress(Exception):
                self._writer = await self._room.local_participant.stream_bytes(
                    name="viewer", topic=TOPIC, destination_identities=[self._robot], attributes={"streams": "many"}
                )
        if self.wanted:
            await self.send(frames.subscribe(self.wanted))

    async def send(self, frame: bytes) -> None:
        """Sends a frame on our stream. What cannot be sent is left out."""
        async with self._writing:
            with contextlib.suppress(Exception):
                if self._writer is not None:
                    await self._writer.write(frame)

    async def ping(self) -> None:
        """Pings for as long as the connection lasts, and opens another stream where the robot does not answer."""
        while True:
            if self._due and time.monotonic() > self._due:
                self._due = time.monotonic() + 2 * ANSWER_SECONDS
                emit("unanswered")
                await self.reopen()
            await self.send(frames.ping(time.time_ns() // 1_000_000))
            await asyncio.sleep(PING_SECONDS)


class Viewer:
    """One participant. A new room for each connection."""

    def __init__(self, args: argparse.Namespace) -> None:
        self._args = args
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Stays until standard input ends."""
        end = asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        staying = asyncio.ensure_future(self._stay())
        await asyncio.wait([end, staying], return_when=asyncio.FIRST_COMPLETED)
        if staying.done():
            staying.result()
            await end
        emit("end")

    async def _stay(self) -> None:
        while True:
            try:
                reason = await self._connection()
            except rtc.ConnectError as error:
                emit("refused", error=str(error)[:200])
            else:
                emit("left", reason=reason)
                if reason in FINAL or self._args.once:
                    return
            await asyncio.sleep(REJOIN_SECONDS)

    async def _connection(self) -> str:
        room = rtc.Room()
        over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        session = Session(room, self._args.robot)

        def disconnected(reason: Any) -> None:
            if not over.done():
                over.set_result(rtc.DisconnectReason.Name(reason))

        def reconnected() -> None:
            emit("reconnected", sid=room.local_participant.sid)
            # Something may have been lost on the way.
            self._keep(session.reopen())

        def arrived(who: rtc.RemoteParticipant) -> None:
            if who.identity == self._args.robot:
                emit("robot", sid=who.sid)
                self._keep(session.begin())

        def gone(who: rtc.RemoteParticipant) -> None:
            if who.identity == self._args.robot:
                emit("robot gone", sid=who.sid)
                session.gone()

        room.register_byte_stream_handler(TOPIC, lambda reader, _sender: self._keep(self._read(reader, session)))
        room.on("participant_connected", arrived)
        room.on("participant_disconnected", gone)
        room.on("reconnecting", lambda: emit("reconnecting"))
        room.on("reconnected", reconnected)
        room.on("disconnected", disconnected)
        await room.connect(self._args.url, os.environ["LIVEKIT_TOKEN"], rtc.RoomOptions(auto_subscribe=True))
        emit("joined", sid=room.local_participant.sid)
        for participant in room.remote_participants.values():
            arrived(participant)
        pinging = asyncio.ensure_future(session.ping())
        try:
            return await over
        finally:
            pinging.cancel()

    async def _read(self, reader: rtc.ByteStreamReader, session: Session) -> None:
        parser = frames.FrameReader(
            lambda text: self._on_text(text, session),
            lambda channel, data: _tell(session.topics.get(channel, "?"), data),
            lambda _app, device: self._pong(device, session),
        )
        # A stream that breaks ends with its connection.
        with contextlib.suppress(Exception):
            async for chunk in reader:
                parser.feed(chunk)

    def _on_text(self, text: dict[str, Any], session: Session) -> None:
        if text.get("op") == "serverInfo":
            emit("session")
            session.told()
            self._keep(session.begin())
        elif text.get("op") == "advertise":
            fresh = {int(channel["id"]): channel["topic"] for channel in text["channels"]}
            wanted = [channel for channel, topic in fresh.items() if topic.startswith(self._args.channels)]
            session.topics.update(fresh)
            if wanted:
                emit("advertise", channels=len(wanted))
                session.wanted += wanted
                self._keep(session.send(frames.subscribe(wanted)))

    def _pong(self, device: int, session: Session) -> None:
        session.answered()
        self._keep(session.send(frames.ping_ack(device)))

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _tell(topic: str, data: memoryview) -> None:
    if len(data) >= SMALLEST:
        stamp, sequence = STAMP.unpack_from(data, STAMP_OFFSET)
        emit("message", topic=topic, sequence=sequence, stamp=stamp / 1e9)


async def _watch(args: argparse.Namespace) -> None:
    await Viewer(args).run()


def main() -> None:
    """The token comes in `LIVEKIT_TOKEN`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--robot", required=True, help="identity of the robot")
    parser.add_argument("--channels", default="", help="prefix of the robot's topics to subscribe to")
    parser.add_argument("--once", action="store_true", help="do not join again when the connection is over")
    args = parser.parse_args()
    silence_packet_dump("liblivekit_ffi")
    asyncio.run(_watch(args))
    sys.stdout.flush()
    # The SDK's threads may outlive the room; nothing is left to do.
    os._exit(0)


if __name__ == "__main__":
    main()
