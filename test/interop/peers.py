"""Participants on three SDKs that tests drive alike: Rust over this project's libwebrtc, Python and a browser.

Every peer joins in its constructor. What arrives is in `events`, in order; data is in bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from livekit import rtc
from playwright.sync_api import Browser, Page

from media_publisher import publish_media
from processes import built_executable
from viewer_client import Loop

T = TypeVar("T")
# Keeps a broken run from hanging; nothing is expected to take this long.
PATIENCE = 90.0
Event = dict[str, Any]
# A report of statistics: its type, such as candidate_pair, and its fields, named as in the official Rust crate. Enumerations
# are in lower case.
Report = tuple[str, dict[str, Any]]
# Topics of byte streams that every peer reads.
TOPICS = ["interop"]


class Peer:
    """What all peers have in common."""

    def __init__(self) -> None:
        self.identity = ""
        self.events: list[Event] = []

    def pump(self, seconds: float) -> None:
        """Lets events arrive."""
        time.sleep(seconds)

    def wait_for(self, condition: Callable[[], T], what: str, tell: Callable[[], str] | None = None) -> T:
        """Waits until a condition on the events gives something true, and returns that."""
        deadline = time.monotonic() + PATIENCE
        while not (value := condition()):
            if time.monotonic() > deadline:
                pytest.fail(f"no {what} within {PATIENCE:g} s; {tell() if tell else f'the last events: {self.events[-8:]}'}")
            self.pump(0.05)
        return value

    def of(self, event: str, **details: object) -> list[Event]:
        """The events of a sort with these details."""
        return [e for e in list(self.events) if e["event"] == event and all(e.get(k) == v for k, v in details.items())]

    def data(self, event: str, **details: object) -> list[bytes]:
        """The data of the events of a sort."""
        return [e["data"] for e in self.of(event, **details)]

    # What tests tell a peer to do.

    def send(self, data: bytes, reliable: bool = True, topic: str = "") -> None:
        """Sends a packet to all."""
        raise NotImplementedError

    def stream(self, data: bytes, topic: str) -> None:
        """Sends a byte stream to all; only on a topic of `TOPICS`."""
        raise NotImplementedError

    def publish(self, name: str) -> None:
        """Publishes a data track."""
        raise NotImplementedError

    def push(self, name: str, data: bytes) -> None:
        """Sends a frame on a data track."""
        raise NotImplementedError

    def set_key(self, key: str) -> None:
        """Sets the shared key."""
        raise NotImplementedError

    def ratchet(self) -> None:
        """Moves the shared key one step on."""
        raise NotImplementedError

    def publish_media(self) -> None:
        """Publishes a microphone and a camera."""
        raise NotImplementedError

    def statistics(self) -> list[Report]:
        """The reports about the connection that it sends on."""
        raise NotImplementedError

    def close(self) -> None:
        """Leaves the room."""
        raise NotImplementedError


def of_sort(reports: list[str], sort: str) -> list[str]:
    """The reports of a sort among others."""
    return [report for report in reports if report.startswith(f"{sort}(")]


class RustPeer(Peer):
    """The Rust SDK over this project's libwebrtc, in a process of its own."""

    def __init__(
        self,
        url: str,
        token: str,
        log: Path,
        key: str | None = None,
        prefix: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self.log = log
        environment = {**os.environ, "LIVEKIT_URL": url, "LIVEKIT_TOKEN": token, **(settings or {})}
        if key is not None:
            environment["E2EE_KEY"] = key
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [*prefix, str(built_executable("interop_peer"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=environment,
                text=True,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait_for(lambda: self.of("joined"), "join")

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            event = json.loads(line)
            if "data" in event:
                event["data"] = bytes.fromhex(event["data"])
            self.events.append(event)

    def wait_for(self, condition: Callable[[], T], what: str, tell: Callable[[], str] | None = None) -> T:
        """As any peer, but a dead one is not waited for."""

        def alive() -> T:
            value = condition()
            assert value or self.process.poll() is None, f"the Rust peer ended:\n{self.output()[-3000:]}"
            return value

        return super().wait_for(alive, what, tell)

    def output(self) -> str:
        """What it logged."""
        return self.log.read_text()

    def statistics(self) -> list[Report]:
        """The reports about the connection that it sends on."""
        return [_read_debug(text) for text in self.all_reports()]

    def states(self, of: str) -> list[str]:
        """The states that its log tells of, of ICE or the connection; only with webrtc_channels=debug in RUST_LOG."""
        return re.findall(rf"\] {of} ([A-Z]\w+)$", self.output(), re.MULTILINE)

    def order(self, do: str, **details: object) -> None:
        """Tells it to do something."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"do": do, **details}) + "\n")
        self.process.stdin.flush()

    def send(self, data: bytes, reliable: bool = True, topic: str = "") -> None:
        """Sends a packet to all."""
        self.order("send", data=data.hex(), reliable=reliable, topic=topic)

    def stream(self, data: bytes, topic: str) -> None:
        """Sends a byte stream to all."""
        self.order("stream", data=data.hex(), topic=topic)

    def publish(self, name: str) -> None:
        """Publishes a data track."""
        self.order("publish", name=name)
        self.wait_for(lambda: self.of("published", track=name), f"track {name}")

    def push(self, name: str, data: bytes) -> None:
        """Sends a frame on a data track."""
        self.order("push", name=name, data=data.hex())

    def set_key(self, key: str) -> None:
        """Sets the shared key."""
        self.order("set_key", key=key, index=0)

    def ratchet(self) -> None:
        """Moves the shared key one step on."""
        count = len(self.of("ratcheted"))
        self.order("ratchet", index=0)
        self.wait_for(lambda: len(self.of("ratcheted")) > count, "ratchet")

    def all_reports(self, connection: str = "reports") -> list[str]:
        """All reports of one moment, of the first connection or the subscriber's."""
        count = len(self.of("stats"))
        self.order("stats")
        self.wait_for(lambda: len(self.of("stats")) > count, "statistics")
        return self.of("stats")[-1][connection]

    def reports(self, sort: str, connection: str = "reports") -> list[str]:
        """The reports of a sort in the statistics of now, such as Transport; of the first connection or the subscriber's."""
        return of_sort(self.all_reports(connection), sort)

    def close(self) -> None:
        """Leaves the room; it must end as it should, without errors of its own."""
        assert self.process.stdin
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0, self.output()[-3000:]
        self._reader.join()
        assert self.process.stdout
        self.process.stdout.close()
        assert "panicked" not in self.output()


class PythonPeer(Peer):
    """The Python SDK, which has the official libwebrtc."""

    def __init__(self, loop: Loop, url: str, token: str, key: str | None = None) -> None:
        super().__init__()
        self._loop = loop
        self._tracks: dict[str, Any] = {}
        self._tasks: list[Any] = []
        self._loop.run(self._join(url, token, key))

    async def _join(self, url: str, token: str, key: str | None) -> None:
        # A Room belongs to the event loop that runs when it is made.
        self._room = room = rtc.Room()
        room.on("data_received", self._on_data)
        room.on("data_track_published", lambda track: self._keep(self._read_track(track)))
        room.on("track_subscribed", self._on_media)
        for topic in TOPICS:
            room.register_byte_stream_handler(topic, lambda reader, sender: self._keep(self._read(reader, sender)))
        options = rtc.RoomOptions()
        if key is not None:
            options.encryption = rtc.E2EEOptions(key_provider_options=rtc.KeyProviderOptions(shared_key=key.encode()))
        await room.connect(url, token, options)

    def _keep(self, coroutine: Any) -> None:
        self._tasks.append(asyncio.ensure_future(coroutine))

    def _on_data(self, packet: rtc.DataPacket) -> None:
        reliable = packet.kind == rtc.DataPacketKind.KIND_RELIABLE
        sender = packet.participant.identity if packet.participant else None
        self.events.append(
            {"event": "data", "from": sender, "topic": packet.topic, "reliable": reliable, "data": bytes(packet.data)}
        )

    def _on_media(self, track: rtc.Track, publication: object, participant: rtc.RemoteParticipant) -> None:
        self.events.append({"event": "media", "from": participant.identity, "kind": track.kind})

    async def _read(self, reader: rtc.ByteStreamReader, sender: str) -> None:
        data = b"".join([chunk async for chunk in reader])
        self.events.append({"event": "stream", "from": sender, "topic": reader.info.topic, "data": data})

    async def _read_track(self, track: rtc.RemoteDataTrack) -> None:
        stream = track.subscribe(buffer_size=1000)
        self.events.append({"event": "subscribed", "track": track.info.name})
        async for frame in stream:
            self.events.append({"event": "frame", "track": track.info.name, "data": bytes(frame.payload)})

    def send(self, data: bytes, reliable: bool = True, topic: str = "") -> None:
        """Sends a packet to all."""
        self._loop.run(self._room.local_participant.publish_data(data, reliable=reliable, topic=topic))

    def stream(self, data: bytes, topic: str) -> None:
        """Sends a byte stream to all."""

        async def write() -> None:
            writer = await self._room.local_participant.stream_bytes(name="x", topic=topic, total_size=len(data))
            await writer.write(data)
            await writer.aclose()

        self._loop.run(write())

    def publish(self, name: str) -> None:
        """Publishes a data track."""
        self._tracks[name] = self._loop.run(self._room.local_participant.publish_data_track(name=name))

    def push(self, name: str, data: bytes) -> None:
        """Sends a frame on a data track."""
        self._tracks[name].try_push(rtc.DataTrackFrame(payload=data))

    def statistics(self) -> list[Report]:
        """The reports about the connection that it sends on."""
        return [_read_proto(report) for report in self._loop.run(self._room.get_rtc_stats()).publisher_stats]

    def set_key(self, key: str) -> None:
        """Sets the shared key."""
        self._room.e2ee_manager.key_provider.set_shared_key(key.encode(), 0)

    def ratchet(self) -> None:
        """Moves the shared key one step on."""
        self._room.e2ee_manager.key_provider.ratchet_shared_key(0)

    def publish_media(self) -> None:
        """Publishes a tone and a moving picture."""
        self._tasks.append(self._loop.run(publish_media(self._room)))

    def close(self) -> None:
        """Leaves the room."""

        async def leave() -> None:
            for task in self._tasks:
                task.cancel()
            await self._room.disconnect()

        self._loop.run(leave())


class BrowserPeer(Peer):
    """The browser's SDK in a tab of Chromium. peer.js is its other half."""

    def __init__(self, browser: Browser, site: str, url: str, token: str, key: str | None = None) -> None:
        super().__init__()
        self._context = browser.new_context()
        self._context.set_default_timeout(PATIENCE * 1000)
        self.page: Page = self._context.new_page()
        # What went wrong in the page's own code.
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.expose_function("report", self._report)
        self.page.goto(f"{site}page/peer.html")
        self._call("join", url, token, key, TOPICS)

    def _report(self, event: Event) -> None:
        if "data" in event:
            event["data"] = bytes.fromhex(event["data"])
        self.events.append(event)

    def _call(self, function: str, *arguments: object) -> Any:
        return self.page.evaluate("([name, arguments]) => window[name](...arguments)", [function, list(arguments)])

    def pump(self, seconds: float) -> None:
        """The browser's events are handled only while its driver waits."""
        self.page.wait_for_timeout(seconds * 1000)

    def send(self, data: bytes, reliable: bool = True, topic: str = "") -> None:
        """Sends a packet to all."""
        self._call("send", data.hex(), reliable, topic)

    def stream(self, data: bytes, topic: str) -> None:
        """Sends a byte stream to all."""
        self._call("stream", data.hex(), topic)

    def publish(self, name: str) -> None:
        """Publishes a data track."""
        self._call("publish", name)

    def push(self, name: str, data: bytes) -> None:
        """Sends a frame on a data track."""
        self._call("push", name, data.hex())

    def statistics(self) -> list[Report]:
        """The reports about the connection that it sends on."""
        return [
            (report["type"].replace("-", "_"), {_snake(name): value for name, value in report.items()})
            for report in self._call("stats")
        ]

    def set_key(self, key: str) -> None:
        """Sets the shared key."""
        self._call("setKey", key)

    def ratchet(self) -> None:
        """Moves the shared key one step on."""
        self._call("ratchet")
        # It happens in a worker, which does not tell when; two at a time would count as one.
        self.pump(1.0)

    def publish_media(self) -> None:
        """Publishes the browser's fake devices."""
        self._call("publishMedia")

    def close(self) -> None:
        """Leaves the room; the page must have had no error until then."""
        errors = list(self.errors)
        # The SDK trips over its own data tracks when it leaves.
        with contextlib.suppress(Exception):
            self._call("leave")
        self._context.close()
        assert not errors, "\n".join(errors)


def hear_each_other(*peers: Peer) -> None:
    """Waits until every peer's packets reach every other one."""
    for sender in peers:
        for receiver in peers:
            if receiver is not sender:
                receiver.wait_for(lambda by=sender, to=receiver: _heard(by, to), f"greeting of {sender.identity}")


def _heard(sender: Peer, receiver: Peer) -> bool:
    # A packet may come before the news of who joined.
    if receiver.of("data", topic="greeting", **{"from": sender.identity}):
        return True
    sender.send(b"hello", topic="greeting")
    return False


def _snake(name: str) -> str:
    return re.sub(r"([A-Z])", r"_\1", name).lower()


def _read_debug(text: str) -> Report:
    """A report as Rust writes it for debugging."""
    fields: dict[str, Any] = {}
    for name, value in re.findall(r'(\w+): ("[^"]*"|Some\([^)]*\)|[^,{} ]+)(?=[, ])', text):
        value = value.removeprefix("Some(").removesuffix(")")
        if value.startswith('"'):
            fields[name] = value.strip('"')
        elif re.fullmatch(r"[-\d.e]+", value):
            fields[name] = float(value)
        else:
            fields[name] = {"true": True, "false": False, "None": None}.get(value, _snake(value).strip("_"))
    return _snake(text.split("(")[0]).strip("_"), fields


def _read_proto(report: Any) -> Report:
    """A report as the Python SDK has it."""
    kind = report.WhichOneof("stats")
    fields: dict[str, Any] = {}
    for _, part in getattr(report, kind).ListFields():
        for descriptor, value in part.ListFields():
            if descriptor.enum_type is not None:
                # They begin with what they are: PAIR_SUCCEEDED, ICE_CONTROLLING.
                names = descriptor.enum_type.values_by_number
                value = re.sub(r"^(DTLS_TRANSPORT|ICE_TRANSPORT|[A-Z]+)_", "", names[value].name).lower()
            fields[descriptor.name] = value
    return kind, fields


def field(report: str, name: str) -> str:
    """The value of a field in a report of statistics."""
    found = re.search(rf'\b{name}: "?([^",}}]*)', report)
    assert found, f"no {name} in {report}"
    return found[1]


def numbered(count: int, size: int) -> list[bytes]:
    """Messages that differ, each filled to its size."""
    return [number.to_bytes(4, "big") + bytes([number % 251]) * (size - 4) for number in range(count)]


def ways(pair: tuple[Peer, Peer]) -> list[tuple[Peer, Peer]]:
    """Who sends to whom."""
    return [pair, (pair[1], pair[0])]
