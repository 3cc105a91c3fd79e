"""A remote-access viewer's connection, on the Python LiveKit SDK.

Joins a room, takes every byte stream on the protocol's topic, parses each on its own, and
hands what happens to one callback, in the order in which it happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from livekit import api, rtc

import wire


@dataclass(frozen=True)
class StreamOpened:
    """A participant opened a stream to this viewer. `stream` numbers them from 0."""

    stream: int
    sender: str


@dataclass(frozen=True)
class StreamEnded:
    """A stream ended; `error` says why if it did not end as it should."""

    stream: int
    sender: str
    error: str | None


@dataclass(frozen=True)
class Received:
    """One message of a stream."""

    stream: int
    sender: str
    message: wire.Message


@dataclass(frozen=True)
class RoomChange:
    """What the room says: joined, left, reconnecting, reconnected, disconnected."""

    what: str
    identity: str


Event = StreamOpened | StreamEnded | Received | RoomChange


def mint_token(key: str, secret: str, room: str, identity: str) -> str:
    """A token that lets a viewer into a room."""
    grants = api.VideoGrants(room_join=True, room=room, can_publish=True, can_subscribe=True, can_publish_data=True)
    return api.AccessToken(key, secret).with_identity(identity).with_grants(grants).to_jwt()


class Client:
    """The connection. Every method belongs to the event loop that `connect` ran in."""

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event
        self._room: rtc.Room
        self._streams = 0
        # asyncio keeps only weak references to tasks.
        self._tasks: set[asyncio.Task[None]] = set()

    async def connect(self, url: str, token: str) -> None:
        """Joins the room of the token."""
        # A Room belongs to the event loop that runs when it is made.
        room = self._room = rtc.Room()
        room.register_byte_stream_handler(wire.STREAM_TOPIC, self._on_stream)
        room.on("participant_connected", lambda who: self._on_event(RoomChange("joined", who.identity)))
        room.on("participant_disconnected", lambda who: self._on_event(RoomChange("left", who.identity)))
        room.on("reconnecting", lambda: self._on_event(RoomChange("reconnecting", "")))
        room.on("reconnected", lambda: self._on_event(RoomChange("reconnected", "")))
        room.on("disconnected", lambda reason: self._on_event(RoomChange("disconnected", str(reason))))
        await room.connect(url, token)

    async def disconnect(self) -> None:
        """Leaves the room."""
        await self._room.disconnect()

    def participants(self) -> set[str]:
        """The identities of the others in the room."""
        return set(self._room.remote_participants)

    async def open_stream(self, robot: str, attributes: dict[str, str] | None = None) -> rtc.ByteStreamWriter:
        """Opens a stream to a robot; write frames into it."""
        return await self._room.local_participant.stream_bytes(
            name="control",
            topic=wire.STREAM_TOPIC,
            destination_identities=[robot],
            attributes=attributes or {},
        )

    def _on_stream(self, reader: rtc.ByteStreamReader, sender: str) -> None:
        number = self._streams
        self._streams += 1
        self._on_event(StreamOpened(number, sender))
        task = asyncio.ensure_future(self._read(number, reader, sender))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, number: int, reader: rtc.ByteStreamReader, sender: str) -> None:
        frames = wire.FrameReader()
        error = None
        try:
            async for chunk in reader:
                for message in frames.feed(chunk):
                    self._on_event(Received(number, sender, message))
        except Exception as caught:  # the SDK raises its own and protobuf's errors here
            error = repr(caught)
        if error is None and frames.pending:
            error = f"ended inside a frame, {frames.pending} bytes left over"
        self._on_event(StreamEnded(number, sender, error))
