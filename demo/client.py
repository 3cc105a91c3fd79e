"""A remote-access viewer's connection, on the Python LiveKit SDK.

Joins a room, takes every byte stream on the protocol's topic, parses each on its own, and
hands what happens to one callback, in the order in which it happened.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass

from livekit import api, rtc

import wire

# Seconds between two pings.
PING_INTERVAL = 0.1
# The numbers below are left to those who ping for reasons of their own.
FIRST_OWN_PING = 1 << 32


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


def mint_token(key: str, secret: str, room: str, identity: str, may_send: bool = True) -> str:
    """A token that lets a viewer into a room."""
    grants = api.VideoGrants(room_join=True, room=room, can_publish=True, can_subscribe=True, can_publish_data=may_send)
    return api.AccessToken(key, secret).with_identity(identity).with_grants(grants).to_jwt()


class Uplink:
    """A viewer's stream to one robot, shared by everything that the viewer has to say."""

    def __init__(self, writer: rtc.ByteStreamWriter) -> None:
        self._writer = writer
        # The writer numbers its chunks; two writes at a time would mix them up.
        self._lock = asyncio.Lock()
        self._ended = False

    async def send(self, data: bytes) -> None:
        """Sends frames, or whatever else a test wants to send. Nothing happens when the stream has ended."""
        async with self._lock:
            if not self._ended:
                await self._writer.write(data)

    def end(self) -> None:
        """Sends nothing any more; for a connection that is about to go."""
        self._ended = True

    async def close(self) -> None:
        """Ends the stream."""
        async with self._lock:
            self.end()
            await self._writer.aclose()

    async def acknowledge(self, pong: wire.Pong) -> None:
        """Tells the robot that all before this pong arrived."""
        with contextlib.suppress(ConnectionError):
            await self.send(wire.ping_ack_frame(pong))

    async def keep_pinging(self) -> None:
        """Pings for as long as the connection lasts."""
        with contextlib.suppress(ConnectionError):
            for number in itertools.count(FIRST_OWN_PING):
                await self.send(wire.ping_frame(number))
                await asyncio.sleep(PING_INTERVAL)


class Client:
    """The connection. Every method belongs to the event loop that `connect` ran in."""

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event
        self._room: rtc.Room
        self._streams = 0
        # asyncio keeps only weak references to tasks.
        self._tasks: set[asyncio.Task[None]] = set()
        self._acknowledged: dict[str, Uplink] = {}
        self._pings: dict[str, asyncio.Task[None]] = {}

    async def connect(self, url: str, token: str, key: str | None = None) -> None:
        """Joins the room of the token, whose data is encrypted with the key, if it has one."""
        options = rtc.RoomOptions()
        if key is not None:
            options.encryption = rtc.E2EEOptions(key_provider_options=rtc.KeyProviderOptions(shared_key=key.encode()))
        # A Room belongs to the event loop that runs when it is made.
        room = self._room = rtc.Room()
        room.register_byte_stream_handler(wire.STREAM_TOPIC, self._on_stream)
        room.on("participant_connected", lambda who: self._on_event(RoomChange("joined", who.identity)))
        room.on("participant_disconnected", lambda who: self._on_event(RoomChange("left", who.identity)))
        room.on("reconnecting", lambda: self._on_event(RoomChange("reconnecting", "")))
        room.on("reconnected", lambda: self._on_event(RoomChange("reconnected", "")))
        room.on("disconnected", lambda reason: self._on_event(RoomChange("disconnected", str(reason))))
        await room.connect(url, token, options)

    async def disconnect(self) -> None:
        """Leaves the room."""
        for robot, uplink in list(self._acknowledged.items()):
            self._end_pings(robot)
            uplink.end()
        await self._room.disconnect()

    def participants(self) -> set[str]:
        """The identities of the others in the room."""
        return set(self._room.remote_participants)

    async def open_uplink(self, robot: str, attributes: dict[str, str] | None = None, acknowledge: bool = True) -> Uplink:
        """Opens a stream to a robot, which takes the place of the one before.

        With `acknowledge` the robot learns by pings what arrived and how fast, and sends as much
        as the connection carries; a viewer that never tells gets a low fixed rate.
        """
        self._end_pings(robot)
        uplink = Uplink(await self._open_stream(robot, attributes))
        if acknowledge:
            self._acknowledged[robot] = uplink
            self._pings[robot] = asyncio.ensure_future(uplink.keep_pinging())
        return uplink

    async def close_uplink(self, robot: str, uplink: Uplink) -> None:
        """Ends a stream to a robot as it should be."""
        self._end_pings(robot)
        await uplink.close()

    def _end_pings(self, robot: str) -> None:
        self._acknowledged.pop(robot, None)
        if robot in self._pings:
            self._pings.pop(robot).cancel()

    async def _open_stream(self, robot: str, attributes: dict[str, str] | None) -> rtc.ByteStreamWriter:
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
        self._keep(asyncio.ensure_future(self._read(number, reader, sender)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read(self, number: int, reader: rtc.ByteStreamReader, sender: str) -> None:
        frames = wire.FrameReader()
        error = None
        try:
            async for chunk in reader:
                for message in frames.feed(chunk):
                    if isinstance(message, wire.Pong) and sender in self._acknowledged:
                        self._keep(asyncio.ensure_future(self._acknowledged[sender].acknowledge(message)))
                    self._on_event(Received(number, sender, message))
        except Exception as caught:  # the SDK raises its own and protobuf's errors here
            error = repr(caught)
        if error is None and frames.pending:
            error = f"ended inside a frame, {frames.pending} bytes left over"
        self._on_event(StreamEnded(number, sender, error))
