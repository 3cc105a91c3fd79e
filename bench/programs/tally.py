"""What a viewer counts: messages, bytes, gaps and latencies per topic, and totals over time."""

from __future__ import annotations

import time
from array import array
from typing import Any

from programs.payload import HEADER_STAMP, SMALLEST, STAMP, STAMP_OFFSET

TICK = 0.05
MOST_SAMPLES = 20_000


class TopicTally:
    """The figures of one topic."""

    def __init__(self) -> None:
        self.messages = 0
        self.bytes = 0
        self.missing = 0
        self.repeated = 0
        self.next = 0
        self._arrivals = array("d")
        self._latencies = array("d")

    def message(self, now: float, data: memoryview) -> None:
        """Counts one message that arrived at `now` (seconds since the epoch)."""
        size = len(data)
        if size < SMALLEST:
            return
        stamp, sequence = STAMP.unpack_from(data, STAMP_OFFSET)
        # What came before the subscription is not missing.
        if self.messages and sequence > self.next:
            self.missing += sequence - self.next
        elif self.messages and sequence < self.next:
            self.repeated += 1
        self.next = max(self.next, sequence + 1)
        self.count(now, size, stamp / 1e9)

    def stamped(self, now: float, data: memoryview) -> None:
        """Counts one message that begins with a stamp of ROS, and has no number."""
        seconds, nanoseconds = HEADER_STAMP.unpack_from(data, 4)
        self.count(now, len(data), seconds + nanoseconds / 1e9)

    def count(self, now: float, size: int, stamp: float) -> None:
        """Counts what was stamped at `stamp` and arrived at `now`, both in seconds since the epoch."""
        self.messages += 1
        self.bytes += size
        self._arrivals.append(now)
        self._latencies.append(now - stamp)

    def report(self) -> dict[str, Any]:
        """Counts and `[arrival, latency]` samples, thinned evenly when there are very many."""
        step = max(1, len(self._arrivals) // MOST_SAMPLES)
        pairs = zip(self._arrivals[::step], self._latencies[::step], strict=True)
        return {
            "messages": self.messages,
            "bytes": self.bytes,
            "missing": self.missing,
            "repeated": self.repeated,
            "samples": [[round(at, 4), round(late, 6)] for at, late in pairs],
        }


class Tally:
    """The figures of one viewer."""

    def __init__(self, header_stamps: str = "") -> None:
        """Topics that begin with `header_stamps` have messages that begin with a stamp of ROS."""
        self._header_stamps = header_stamps
        self.topics: dict[str, TopicTally] = {}
        self.messages = 0
        self.bytes = 0
        self.timeline: list[tuple[float, int, int]] = []
        self.statuses: list[str] = []
        self.errors: list[str] = []

    def message(self, topic: str, data: memoryview) -> None:
        """Counts one message; keeps a point of the timeline every `TICK` seconds."""
        now = time.time()
        tally = self._total(now, topic, len(data))
        if self._header_stamps and topic.startswith(self._header_stamps):
            tally.stamped(now, data)
        else:
            tally.message(now, data)

    def picture(self, topic: str, stamp: float) -> None:
        """Counts a decoded picture that came without a message, stamped in seconds since the epoch."""
        now = time.time()
        self._total(now, topic, 0).count(now, 0, stamp)

    def _total(self, now: float, topic: str, size: int) -> TopicTally:
        if not self.timeline or now - self.timeline[-1][0] >= TICK:
            self.timeline.append((now, self.messages, self.bytes))
        self.messages += 1
        self.bytes += size
        return self.topics.setdefault(topic, TopicTally())

    def report(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        self.timeline.append((time.time(), self.messages, self.bytes))
        return {
            "topics": {topic: tally.report() for topic, tally in self.topics.items()},
            "timeline": self.timeline,
            "statuses": self.statuses[-5:],
            "errors": self.errors[-5:],
        }
