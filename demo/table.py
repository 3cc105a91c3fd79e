"""The demo viewer's table: rates and the latest value of each channel."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mcap.records import Schema
from mcap_ros2.decoder import DecoderFactory

SAMPLE_WIDTH = 60


@dataclass
class Channel:
    """A channel and what came over it."""

    topic: str
    schema_name: str
    decode: Callable[[bytes], Any] | None
    messages: int = 0
    bytes: int = 0
    since_messages: int = 0
    since_bytes: int = 0
    last: bytes = b""


@dataclass
class Table:
    """All channels of one robot."""

    robot: str = ""
    channels: dict[int, Channel] = field(default_factory=dict)
    _since: float = field(default_factory=time.monotonic)

    def advertise(self, channels: list[dict[str, Any]]) -> list[int]:
        """Takes channels in and returns their ids."""
        for each in channels:
            channel = Channel(each["topic"], each["schemaName"], _decoder(each))
            self.channels[each["id"]] = channel
        return [each["id"] for each in channels]

    def unadvertise(self, ids: list[int]) -> None:
        """Drops channels."""
        for each in ids:
            self.channels.pop(each, None)

    def add(self, channel_id: int, data: bytes) -> None:
        """Counts a message."""
        channel = self.channels.get(channel_id)
        if channel is not None:
            channel.messages += 1
            channel.bytes += len(data)
            channel.since_messages += 1
            channel.since_bytes += len(data)
            channel.last = data

    def messages(self) -> int:
        """How many messages came in all."""
        return sum(channel.messages for channel in self.channels.values())

    def render(self) -> list[str]:
        """The lines to print; rates count from the last time."""
        now = time.monotonic()
        seconds = max(now - self._since, 1e-3)
        self._since = now
        lines = [f"{'topic':30} {'type':32} {'msg/s':>6} {'kB/s':>8}  latest"]
        for channel in sorted(self.channels.values(), key=lambda each: each.topic):
            lines.append(
                f"{channel.topic[:30]:30} {channel.schema_name[:32]:32} {channel.since_messages / seconds:6.1f}"
                f" {channel.since_bytes / seconds / 1e3:8.1f}  {_sample(channel)}"
            )
            channel.since_messages = channel.since_bytes = 0
        return lines


def _decoder(channel: dict[str, Any]) -> Callable[[bytes], Any] | None:
    if channel.get("schemaEncoding") != "ros2msg":
        return None
    schema = Schema(id=1, name=channel["schemaName"], encoding="ros2msg", data=channel["schema"].encode())
    return DecoderFactory().decoder_for(channel["encoding"], schema)


def _sample(channel: Channel) -> str:
    if not channel.last:
        return "-"
    if channel.decode is None:
        return f"{len(channel.last)} bytes"
    try:
        return _short(channel.decode(channel.last))[:SAMPLE_WIDTH]
    except Exception as error:  # whatever the decoder meets in a stranger's message
        return f"not decoded: {error}"[:SAMPLE_WIDTH]


def _short(value: Any) -> str:
    """A value on one line, large arrays by their length."""
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, str):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return f"<{len(value)} bytes>"
    if isinstance(value, (list, tuple)):
        if len(value) > 3:
            return f"[{len(value)} items]"
        return "[" + ", ".join(_short(each) for each in value) + "]"
    names = getattr(value, "__slots__", None)
    if names is None:
        return str(value)
    # A header says the same in every message; what follows it is worth the width.
    return " ".join(f"{name}:{_short(getattr(value, name))}" for name in names if name != "header")
