"""Participants with ordinary tokens that come and go without end."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time

import aiohttp
from livekit import rtc

import wire
from client import mint_token
from livekit_server import LiveKitServer

# Participants that are there at once. The server tells the robot of those without media every 3 s only.
AT_ONCE = 25
# Longest wait for the robot's greeting in seconds.
PATIENCE = 10.0
# Bytes of a token and of what is sent with it, about.
JOIN_SIZE = 1_000


class Crowd:
    """Every method returns about how many bytes it sent."""

    def __init__(self, server: LiveKitServer, room: str) -> None:
        self._url = server.url
        # Each has a name of its own: one that came twice at a time would throw itself out.
        self._tokens = (mint_token(server.key, server.secret, room, f"guest-{n}") for n in itertools.count())

    async def join_and_leave(self, times: int) -> int:
        """Participants that leave as soon as the robot has greeted them."""
        left = iter(range(times))

        async def come_and_go() -> None:
            for _ in left:
                await self._join_and_leave()

        await asyncio.gather(*(come_and_go() for _ in range(AT_ONCE)))
        return times * JOIN_SIZE

    async def _join_and_leave(self) -> None:
        room, greeted = rtc.Room(), asyncio.Event()
        room.register_byte_stream_handler(wire.STREAM_TOPIC, lambda *_: greeted.set())
        await room.connect(self._url, next(self._tokens))
        # A server loses what comes before the participant's channel is open; viewers would ask again.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(greeted.wait(), PATIENCE)
        await room.disconnect()

    async def knock(self, times: int, per_second: float) -> int:
        """Participants that begin to join and are gone again, at a pace: the cheapest that there are."""
        begin = time.monotonic()
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as knocks:
            for number in range(times):
                await asyncio.sleep(max(0.0, begin + number / per_second - time.monotonic()))
                knocks.create_task(self._knock(session))
        return times * JOIN_SIZE

    async def _knock(self, session: aiohttp.ClientSession) -> None:
        address = f"{self._url}/rtc?access_token={next(self._tokens)}&sdk=python&protocol=15&auto_subscribe=1"
        with contextlib.suppress(aiohttp.ClientError):
            async with session.ws_connect(address) as socket:
                await socket.receive()
