"""A participant with an ordinary token that turns the SDK's own means against the robot."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Mapping

from livekit import api, rtc

import wire
from livekit_server import LiveKitServer
from viewer_client import Loop

# What one write may hold, so that the SDK makes a packet of each.
CHUNK = 15_000


class Attacker:
    """Every method returns how many bytes it handed to the SDK."""

    def __init__(
        self, loop: Loop, server: LiveKitServer, room: str, identity: str, attributes: Mapping[str, str] | None = None
    ) -> None:
        grants = api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True)
        token = api.AccessToken(server.key, server.secret).with_identity(identity).with_grants(grants)
        self._loop = loop
        self._url = server.url
        self._token = token.with_attributes(dict(attributes or {})).to_jwt()
        self._robot = ""
        self._numbers = itertools.count()
        # Writers that are forgotten are closed by the SDK.
        self._writers: list[rtc.ByteStreamWriter | rtc.TextStreamWriter] = []

    def join(self, robot: str) -> Attacker:
        """Joins the room to attack one participant."""
        self._robot = robot
        self._loop.run(self._join())
        return self

    def leave(self) -> None:
        """Leaves the room."""
        self._loop.run(self._room.disconnect())

    async def stream_bytes(self, total: int, *, topic: str = wire.STREAM_TOPIC, role: str | None = None) -> int:
        """One stream that is not ended."""
        attributes = {"role": role} if role else {}
        writer = await self._me.stream_bytes(name="x", topic=topic, destination_identities=[self._robot], attributes=attributes)
        self._writers.append(writer)
        return await _write(writer, bytes(CHUNK), total)

    async def begin_frames(self, count: int, size: int) -> int:
        """Streams with a frame of which only so many bytes come."""
        for _ in range(count):
            writer = await self._me.stream_bytes(name="x", topic=wire.STREAM_TOPIC, destination_identities=[self._robot])
            self._writers.append(writer)
            await _write(writer, wire.frame(wire.TEXT, bytes(size * 2))[:size], size)
        return count * size

    async def stream_text(self, total: int, *, topic: str, attributes: dict[str, str] | None = None) -> int:
        """One text stream that is not ended."""
        writer = await self._me.stream_text(topic=topic, destination_identities=[self._robot], attributes=attributes)
        self._writers.append(writer)
        return await _write(writer, "x" * CHUNK, total)

    async def open_streams(self, count: int, size: int, *, topic: str = wire.STREAM_TOPIC) -> int:
        """Streams of which only the header is sent, with so many bytes in it."""
        for _ in range(count):
            writer = await self._me.stream_bytes(
                name="x", topic=topic, destination_identities=[self._robot], attributes={"a": "x" * size}
            )
            self._writers.append(writer)
        return count * size

    async def send_deflated(self, size: int, *, topic: str = wire.STREAM_TOPIC) -> int:
        """One stream of zeros, which the SDK packs: what is counted is what they become again."""
        await self._me.send_bytes(bytes(size), topic=topic, destination_identities=[self._robot])
        return size

    async def call(self, total: int, size: int) -> int:
        """Calls of a method that nobody has."""
        count = total // size
        payload = "x" * size

        async def one() -> None:
            # That nobody answers is no failure of the attack.
            with contextlib.suppress(rtc.RpcError):
                await self._me.perform_rpc(destination_identity=self._robot, method="x", payload=payload, response_timeout=8)

        await asyncio.gather(*(one() for _ in range(count)))
        return count * size

    async def publish_data(self, total: int, *, reliable: bool) -> int:
        """Packets of data that belong to no stream."""
        sent = 0
        while sent < total:
            await self._me.publish_data(bytes(CHUNK), reliable=reliable, destination_identities=[self._robot], topic="x")
            sent += CHUNK
        return sent

    async def _join(self) -> None:
        # A Room belongs to the event loop that runs when it is made.
        self._room = rtc.Room()
        await self._room.connect(self._url, self._token)

    @property
    def _me(self) -> rtc.LocalParticipant:
        return self._room.local_participant


async def _write(writer: rtc.ByteStreamWriter | rtc.TextStreamWriter, piece: bytes | str, total: int) -> int:
    sent = 0
    while sent < total:
        await writer.write(piece)
        sent += len(piece)
    return sent
