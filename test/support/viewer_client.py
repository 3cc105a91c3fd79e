"""A viewer for tests: the demo's connection, with every event recorded and waited for."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from client import Client, Event, Received, RoomChange, StreamEnded, StreamOpened, Uplink
from wire import (
    AssetResponse,
    Json,
    MessageData,
    Pong,
    ServiceResponse,
    message_frame,
    ping_frame,
    service_call_frame,
    text_frame,
)

T = TypeVar("T")
# Keeps a broken run from hanging; nothing is expected to take this long.
HANG = 60.0
# Frames that a flood puts into one write.
FLOOD = 100


class Loop:
    """An event loop in a thread, for the SDK that needs one."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T], seconds: float = HANG) -> T:
        """Runs a coroutine to its end."""
        return self.start(coroutine).result(seconds)

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Starts a coroutine."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def close(self) -> None:
        """Ends the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Viewer:
    """A participant that watches the bridge. Everything that happens is in `events`, in order."""

    def __init__(
        self, loop: Loop, url: str, token: str, identity: str = "viewer", acknowledge: bool = True, key: str | None = None
    ) -> None:
        self.identity = identity
        self.events: list[Event] = []
        self._loop = loop
        self._changed = threading.Condition()
        self._client = Client(self._record)
        self._uplink: Uplink | None = None
        self._acknowledge = acknowledge
        self._url = url
        self._token = token
        self._key = key
        self._pings = itertools.count(1)
        self._calls = itertools.count(1)
        self._client_channels = itertools.count(1)

    def join(self) -> Viewer:
        """Joins the room."""
        self._loop.run(self._client.connect(self._url, self._token, self._key))
        return self

    def leave(self) -> None:
        """Leaves the room."""
        self._loop.run(self._client.disconnect())

    # What the robot said.

    def texts(self, operation: str) -> list[Json]:
        """Every JSON message of one operation."""
        return [m for _, m in self.received() if isinstance(m, dict) and m.get("op") == operation]

    def received(self) -> list[tuple[int, Any]]:
        """Every message with the number of its stream."""
        with self._changed:
            return [(event.stream, event.message) for event in self.events if isinstance(event, Received)]

    def channels(self) -> dict[str, Json]:
        """The advertised channels by topic, as of now."""
        channels: dict[int, Json] = {}
        for _, message in self.received():
            if not isinstance(message, dict):
                continue
            if message["op"] == "serverInfo":
                channels.clear()
            elif message["op"] == "advertise":
                channels.update({channel["id"]: channel for channel in message["channels"]})
            elif message["op"] == "unadvertise":
                for channel_id in message["channelIds"]:
                    channels.pop(channel_id, None)
        return {channel["topic"]: channel for channel in channels.values()}

    def messages(self, topic: str) -> list[MessageData]:
        """The messages of a topic, over all ids that it was ever advertised under."""
        ids = {c["id"] for m in self.texts("advertise") for c in m["channels"] if c["topic"] == topic}
        return [m for _, m in self.received() if isinstance(m, MessageData) and m.channel_id in ids]

    def robot(self) -> str:
        """The identity of the bridge."""
        return self.wait_for(
            lambda: next((event.sender for event in self.events if isinstance(event, StreamOpened)), None), "a robot"
        )

    def stream_ends(self) -> list[StreamEnded]:
        """The streams of the robot that ended."""
        with self._changed:
            return [event for event in self.events if isinstance(event, StreamEnded)]

    def room_changes(self, what: str) -> list[RoomChange]:
        """What the room said of one kind."""
        with self._changed:
            return [event for event in self.events if isinstance(event, RoomChange) and event.what == what]

    # Waiting.

    def wait_for(self, condition: Callable[[], T | None], what: str, seconds: float = HANG) -> T:
        """Waits until a condition on the events gives something true, and returns that."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (value := condition()):
                if not self._changed.wait(deadline - time.monotonic()):
                    raise TimeoutError(f"{self.identity}: no {what} within {seconds:g} s; {self.summary()}")
            return value

    def wait_channel(self, topic: str) -> Json:
        """Waits until a topic is advertised."""
        return self.wait_for(lambda: self.channels().get(topic), f"advertisement of {topic}")

    def wait_messages(self, topic: str, count: int = 1) -> list[MessageData]:
        """Waits for at least so many messages of a topic."""
        return self.wait_for(lambda: found if len(found := self.messages(topic)) >= count else None, f"{count} times {topic}")

    def wait_text(self, operation: str, count: int = 1, seconds: float = HANG) -> Json:
        """Waits for the `count`-th JSON message of an operation."""
        found = self.wait_for(
            lambda: f if len(f := self.texts(operation)) >= count else None, f"{count} times {operation}", seconds
        )
        return found[count - 1]

    # What the viewer says.

    def subscribe(self, *topics: str, with_options: bool = False) -> None:
        """Subscribes to advertised topics, in one of the two shapes that the protocol has."""
        ids = [self.wait_channel(topic)["id"] for topic in topics]
        shape = {"channels": [{"id": each} for each in ids]} if with_options else {"channelIds": ids}
        self.send({"op": "subscribe", **shape})

    def unsubscribe(self, *topics: str) -> None:
        """Unsubscribes."""
        self.send({"op": "unsubscribe", "channelIds": [self.channels()[topic]["id"] for topic in topics]})

    def send(self, message: Json) -> None:
        """Sends a JSON message on the viewer's stream."""
        self.send_raw(text_frame(message))

    def send_raw(self, data: bytes) -> None:
        """Sends bytes on the viewer's stream, which is opened at the first use."""
        if self._uplink is None:
            self.open_stream()
        assert self._uplink is not None
        self._loop.run(self._uplink.send(data))

    async def flood(self, frames: Sequence[bytes]) -> int:
        """Sends frames as fast as they go on the stream that is open, for the event loop; returns how many bytes that were."""
        assert self._uplink is not None
        for first in range(0, len(frames), FLOOD):
            await self._uplink.send(b"".join(frames[first : first + FLOOD]))
        return sum(map(len, frames))

    # What it asks of the robot.

    def advertise(self, topic: str, type_name: str, encoding: str = "cdr") -> int:
        """Is going to publish on a topic; returns the id of its channel."""
        channel = next(self._client_channels)
        description = {"id": channel, "topic": topic, "encoding": encoding, "schemaName": type_name}
        self.send({"op": "advertise", "channels": [description]})
        return channel

    def publish(self, channel: int, data: bytes) -> None:
        """Publishes a message on a channel that it advertised."""
        self.send_raw(message_frame(channel, data))

    def statuses(self) -> dict[str, str]:
        """The texts of the statuses that stand, by id."""
        standing: dict[str, str] = {}
        for _, message in self.received():
            if not isinstance(message, dict):
                continue
            if message["op"] == "serverInfo":
                standing.clear()
            elif message["op"] == "status":
                standing[message.get("id", "")] = message["message"]
            elif message["op"] == "removeStatus":
                for each in message["statusIds"]:
                    standing.pop(each, None)
        return standing

    def wait_status(self, text: str) -> str:
        """Waits for a status that has a text in it."""
        return self.wait_for(
            lambda: next((s["message"] for s in self.texts("status") if text in s["message"]), None), f"status {text!r}"
        )

    def services(self) -> dict[str, Json]:
        """The services that are offered, by name."""
        services: dict[int, Json] = {}
        for _, message in self.received():
            if not isinstance(message, dict):
                continue
            if message["op"] == "serverInfo":
                services.clear()
            elif message["op"] == "advertiseServices":
                services.update({service["id"]: service for service in message["services"]})
            elif message["op"] == "unadvertiseServices":
                for service_id in message["serviceIds"]:
                    services.pop(service_id, None)
        return {service["name"]: service for service in services.values()}

    def wait_service(self, name: str) -> Json:
        """Waits until a service is offered."""
        return self.wait_for(lambda: self.services().get(name), f"service {name}")

    def start_call(self, service_id: int, payload: bytes, encoding: str = "cdr") -> int:
        """Calls a service; returns the id of the call."""
        call = next(self._calls)
        self.send_raw(service_call_frame(service_id, call, encoding, payload))
        return call

    def call_answers(self, call: int) -> list[ServiceResponse | Json]:
        """The answers to a call so far."""
        return [
            m
            for _, m in self.received()
            if (isinstance(m, ServiceResponse) and m.call_id == call)
            or (isinstance(m, dict) and m["op"] == "serviceCallFailure" and m["callId"] == call)
        ]

    def wait_call(self, call: int) -> ServiceResponse | Json:
        """Waits for the answer to a call."""
        return self.wait_for(lambda: next(iter(self.call_answers(call)), None), f"answer to call {call}")

    def call(self, name: str, payload: bytes, encoding: str = "cdr") -> bytes:
        """Calls a service by its name and waits for the response."""
        answer = self.wait_call(self.start_call(self.wait_service(name)["id"], payload, encoding))
        if not isinstance(answer, ServiceResponse):
            raise RuntimeError(answer["message"])
        return answer.payload

    def parameters(self, *names: str) -> dict[str, Json]:
        """Asks for parameters, and waits for them."""
        return self._parameters({"op": "getParameters", "parameterNames": list(names)})

    def set_parameters(self, *parameters: Json) -> dict[str, Json]:
        """Sets parameters, and waits for what has become of them."""
        return self._parameters({"op": "setParameters", "parameters": list(parameters)})

    def _parameters(self, request: Json) -> dict[str, Json]:
        number = f"request-{next(self._calls)}"
        self.send({**request, "id": number})
        answer = self.wait_for(
            lambda: next((m for m in self.texts("parameterValues") if m.get("id") == number), None), f"answer {number}"
        )
        return {parameter["name"]: parameter for parameter in answer["parameters"]}

    def fetch_asset(self, uri: str) -> AssetResponse:
        """Fetches a file, and waits for the answer."""
        number = next(self._calls)
        self.send({"op": "fetchAsset", "requestId": number, "uri": uri})
        return self.wait_for(
            lambda: next((m for _, m in self.received() if isinstance(m, AssetResponse) and m.request_id == number), None),
            f"asset {uri}",
        )

    def open_stream(self, attributes: dict[str, str] | None = None, robot: str | None = None) -> None:
        """Opens another stream; what is sent from now on goes there. The one before stays open."""
        opening = self._client.open_uplink(robot or self.robot(), attributes, self._acknowledge)
        self._uplink = self._loop.run(opening)

    def close_stream(self) -> None:
        """Closes the viewer's stream as it should be."""
        if self._uplink is not None:
            self._loop.run(self._client.close_uplink(self.robot(), self._uplink))
            self._uplink = None

    def ping(self, extra: bytes = b"") -> Pong:
        """Pings and waits for the answer. All that was sent before was read by then."""
        number = next(self._pings)
        self.send_raw(ping_frame(number, extra))
        return self.wait_for(
            lambda: next((m for _, m in self.received() if isinstance(m, Pong) and m.app_timestamp == number), None),
            f"pong {number}",
        )

    def pongs(self) -> list[Pong]:
        """Every pong."""
        return [m for _, m in self.received() if isinstance(m, Pong)]

    def summary(self) -> str:
        """What happened so far, for a failure's message."""
        arrived = {topic: len(self.messages(topic)) for topic in self.channels()}
        arrived = {topic: count for topic, count in arrived.items() if count}
        others = [event for event in self.events if not _is_pong(event)]
        lines = [text if len(text := repr(event)) < 200 else text[:200] + "…" for event in others[-8:]]
        return f"messages: {arrived}; the last events: " + "; ".join(lines)

    def _record(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self._changed.notify_all()


def _is_pong(event: Event) -> bool:
    return isinstance(event, Received) and isinstance(event.message, Pong)
