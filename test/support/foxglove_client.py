"""A client of the Foxglove WebSocket protocol, written after its specification.

https://github.com/foxglove/ws-protocol/blob/main/docs/spec.md; everything that comes is kept and waited for.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from wire import Json

T = TypeVar("T")
# Keeps a broken run from hanging; nothing is expected to take this long.
HANG = 60.0

SUBPROTOCOLS = ["foxglove.websocket.v1", "foxglove.sdk.v1", "foxglove.sdk.v1.1"]


@dataclass(frozen=True)
class Data:
    """A message of a channel."""

    subscription: int
    log_time: int
    payload: bytes


@dataclass(frozen=True)
class ServiceResponse:
    """The response to a service call."""

    service: int
    call: int
    encoding: str
    payload: bytes


@dataclass(frozen=True)
class Asset:
    """An asset, or why there is none."""

    request: int
    error: str | None
    data: bytes


@dataclass(frozen=True)
class Time:
    """The robot's time."""

    nanoseconds: int


Message = Json | Data | ServiceResponse | Asset | Time


def parse_binary(message: bytes) -> Message:
    """Parses a binary message of the server."""
    (opcode,) = struct.unpack_from("<B", message)
    if opcode == 1:
        subscription, log_time = struct.unpack_from("<IQ", message, 1)
        return Data(subscription, log_time, message[13:])
    if opcode == 2:
        return Time(*struct.unpack_from("<Q", message, 1))
    if opcode == 3:
        service, call, length = struct.unpack_from("<III", message, 1)
        return ServiceResponse(service, call, message[13 : 13 + length].decode(), message[13 + length :])
    if opcode == 4:
        request, status, length = struct.unpack_from("<IBI", message, 1)
        error = message[10 : 10 + length].decode()
        return Asset(request, error if status else None, message[10 + length :])
    raise ValueError(f"unknown opcode {opcode}")


class FoxgloveClient:
    """A connection. Channels are known by their topics, subscriptions by their numbers."""

    def __init__(self, port: int, subprotocol: str = SUBPROTOCOLS[1]) -> None:
        self.messages: list[Message] = []
        self.closed = False
        self.error: Exception | None = None
        self._changed = threading.Condition()
        self._subscriptions = itertools.count()
        self._topics: dict[int, str] = {}
        self._stack = contextlib.ExitStack()
        self._socket = self._stack.enter_context(
            connect(
                f"ws://127.0.0.1:{port}",
                subprotocols=[Subprotocol(subprotocol)],
                max_size=None,
                open_timeout=HANG,
                compression=None,
                proxy=None,
            )
        )
        self.subprotocol = self._socket.subprotocol
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the connection."""
        self._stack.close()
        self._thread.join()

    # What the server said.

    def texts(self, operation: str) -> list[Json]:
        """Every JSON message of one operation."""
        with self._changed:
            return [m for m in self.messages if isinstance(m, dict) and m["op"] == operation]

    def newest(self, operation: str) -> Json:
        """The newest JSON message of one operation; empty before the first."""
        return (self.texts(operation) or [{}])[-1]

    def of(self, kind: type[T]) -> list[T]:
        """Every binary message of one kind."""
        with self._changed:
            return [m for m in self.messages if isinstance(m, kind)]

    def channels(self) -> dict[str, Json]:
        """The channels by topic, each with its schema, as of now."""
        channels: dict[int, Json] = {}
        schemas: dict[int, Json] = {}
        session = None
        with self._changed:
            messages = [m for m in self.messages if isinstance(m, dict)]
        for message in messages:
            if message["op"] == "serverInfo" and message["sessionId"] != session:
                session = message["sessionId"]
                channels.clear()
                schemas.clear()
            elif message["op"] == "advertise":
                schemas.update({schema["id"]: schema for schema in message.get("schemas", [])})
                channels.update({c["id"]: _with_schema(c, schemas) for c in message["channels"]})
            elif message["op"] == "unadvertise":
                for channel in message["channelIds"]:
                    del channels[channel]
        return {channel["topic"]: channel for channel in channels.values()}

    def services(self) -> dict[str, Json]:
        """The services by name, as of now."""
        services: dict[int, Json] = {}
        for message in self.texts("advertiseServices") + self.texts("unadvertiseServices"):
            services.update({service["id"]: service for service in message.get("services", [])})
            for service in message.get("serviceIds", []):
                del services[service]
        return {service["name"]: service for service in services.values()}

    def data(self, topic: str) -> list[Data]:
        """The messages of a topic, over all subscriptions to it."""
        return [each for each in self.of(Data) if self._topics.get(each.subscription) == topic]

    # Waiting.

    def wait_for(self, condition: Callable[[], T | None], what: str, seconds: float = HANG) -> T:
        """Waits until a condition gives something true, and returns that."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (value := condition()):
                left = deadline - time.monotonic()
                if left <= 0 or self.closed:
                    texts = [m for m in self.messages if not isinstance(m, Data)][-6:]
                    state = "the connection was closed" if self.closed else f"not within {seconds:g} s"
                    raise TimeoutError(f"no {what}: {state}; {[repr(text)[:300] for text in texts]}")
                self._changed.wait(left)
            return value

    def wait_text(self, operation: str, count: int = 1) -> Json:
        """Waits for the `count`-th JSON message of an operation."""
        return self.wait_for(lambda: f if len(f := self.texts(operation)) >= count else None, operation)[count - 1]

    def wait_channel(self, topic: str) -> Json:
        """Waits until a topic is advertised."""
        return self.wait_for(lambda: self.channels().get(topic), f"advertisement of {topic}")

    def wait_data(self, topic: str, count: int = 1) -> list[Data]:
        """Waits for at least so many messages of a topic."""
        return self.wait_for(lambda: f if len(f := self.data(topic)) >= count else None, f"{count} times {topic}")

    # What the client says.

    def send(self, message: Json) -> None:
        """Sends a JSON message."""
        self._socket.send(json.dumps(message))

    def send_binary(self, message: bytes) -> None:
        """Sends a binary message."""
        self._socket.send(message)

    def subscribe(self, topic: str) -> int:
        """Subscribes to a topic as soon as it is advertised."""
        channel = self.wait_channel(topic)["id"]
        subscription = next(self._subscriptions)
        self._topics[subscription] = topic
        self.send({"op": "subscribe", "subscriptions": [{"id": subscription, "channelId": channel}]})
        return subscription

    def unsubscribe(self, subscription: int) -> None:
        """Ends a subscription."""
        self.send({"op": "unsubscribe", "subscriptionIds": [subscription]})

    def call_service(self, service: int, call: int, payload: bytes, encoding: str = "cdr") -> None:
        """Calls a service."""
        text = encoding.encode()
        self.send_binary(struct.pack("<BIII", 2, service, call, len(text)) + text + payload)

    def publish(self, channel: int, payload: bytes) -> None:
        """Publishes on a channel that was advertised."""
        self.send_binary(struct.pack("<BI", 1, channel) + payload)

    def _read(self) -> None:
        try:
            # Ends with the connection, and raises if that was not closed as it should be.
            for message in self._socket:
                parsed = json.loads(message) if isinstance(message, str) else parse_binary(message)
                with self._changed:
                    self.messages.append(parsed)
                    self._changed.notify_all()
        except ConnectionClosed as error:
            self.error = error
        finally:
            with self._changed:
                self.closed = True
                self._changed.notify_all()


def _with_schema(channel: Json, schemas: dict[int, Json]) -> Json:
    """A channel as it is without a schema table."""
    if "schemaId" not in channel:
        return channel
    schema = schemas[channel["schemaId"]]
    inline = {"schemaName": schema["name"], "schemaEncoding": schema["encoding"], "schema": schema["data"]}
    return {**{name: value for name, value in channel.items() if name != "schemaId"}, **inline}


def upgrade_headers(subprotocol: str, **more: str) -> dict[str, str]:
    """The headers of a request for a WebSocket."""
    key = base64.b64encode(b"sixteen bytes ok").decode()
    return {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Protocol": subprotocol,
        **more,
    }
