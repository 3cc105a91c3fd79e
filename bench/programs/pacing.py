"""When a producer publishes: at fixed rates (open loop) or as fast as viewers confirm (closed loop).

A closed loop keeps a window of messages between the producer and the slowest viewer. Viewers confirm
over UDP with `IDENTITY NEXT_SEQUENCE`, so a message that was dropped on the way does not shrink the
window, and what is on the way is given up when nothing was confirmed for `STALL` seconds.
"""

from __future__ import annotations

import heapq
import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from programs.payload import MessageMaker

STALL = 1.0
# At most so many messages and bytes at once, then a pause (seconds): a subscriber's history holds a few
# dozen messages, Fast DDS's shared memory half a megabyte, and no robot publishes more in a millisecond.
BURST_MESSAGES = 10
BURST_BYTES = 200_000
BREATH = 0.0002
Publish = Callable[[str, bytes], None]


@dataclass(frozen=True)
class Stream:
    """One topic of the load: `rate` in messages per second, 0 = closed loop."""

    topic: str
    size: int
    rate: float

    @staticmethod
    def parse(text: str) -> Stream:
        """From `TOPIC:BYTES:HZ`."""
        topic, size, rate = text.rsplit(":", 2)
        return Stream(topic, int(size), float(rate))


class Confirmations:
    """Listens for the viewers' confirmations on a UDP port of the loopback."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", port))
        self._next: dict[str, int] = {}
        self.changed = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            identity, _, sequence = self._socket.recv(2048).decode().rpartition(" ")
            with self.changed:
                self._next[identity] = max(self._next.get(identity, 0), int(sequence))
                self.changed.notify()

    def lowest(self) -> int | None:
        """The sequence number the slowest viewer waits for; `None` before the first viewer."""
        return min(self._next.values(), default=None)


class StopSignal:
    """Set when standard input says anything or ends: the harness's way to end a program."""

    def __init__(self) -> None:
        self._event = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        sys.stdin.readline()
        self._event.set()

    def is_set(self) -> bool:
        """Whether the harness asked for the end."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits at most so long; true once the end was asked for."""
        return self._event.wait(seconds)


def run_open_loop(streams: list[Stream], publish: Publish, stop: StopSignal) -> dict[str, int]:
    """Publishes every stream at its rate until `stop`; returns messages per topic."""
    makers = {stream.topic: MessageMaker(stream.size) for stream in streams}
    sent = {stream.topic: 0 for stream in streams}
    start = time.perf_counter()
    due = [(start, index) for index in range(len(streams))]
    heapq.heapify(due)
    while due and not stop.is_set():
        when, index = due[0]
        wait = when - time.perf_counter()
        if wait > 0:
            time.sleep(min(wait, 0.1))
            continue
        stream = streams[index]
        publish(stream.topic, makers[stream.topic].make(sent[stream.topic]))
        sent[stream.topic] += 1
        heapq.heapreplace(due, (when + 1 / stream.rate, index))
    while not stop.wait(1.0):
        pass
    return sent


def run_closed_loop(
    stream: Stream, window: int, publish: Publish, confirmations: Confirmations, stop: StopSignal
) -> dict[str, int]:
    """Keeps `window` messages on the way until `stop`; returns messages and windows given up."""
    maker = MessageMaker(stream.size)
    sent = floor = stalls = 0
    burst = max(1, min(BURST_MESSAGES, BURST_BYTES // stream.size, window))
    allowed = burst
    seen: int | None = None
    progress = time.monotonic()
    while not stop.is_set():
        with confirmations.changed:
            lowest = confirmations.lowest()
            if lowest != seen:
                # As TCP does: the window opens as confirmations come in.
                allowed = min(window, allowed + (lowest or 0) - (seen or 0))
                seen, progress = lowest, time.monotonic()
                floor = max(floor, lowest or 0)
            free = 0 if lowest is None else allowed - (sent - floor)
            if free <= 0:
                confirmations.changed.wait(STALL / 4)
        if free > 0:
            for _ in range(min(free, burst)):
                publish(stream.topic, maker.make(sent))
                sent += 1
            time.sleep(BREATH)
        elif lowest is not None and time.monotonic() - progress > STALL:
            floor, progress, stalls = sent, time.monotonic(), stalls + 1
            allowed = burst
    return {stream.topic: sent, "stalls": stalls}


def emit(event: str, **fields: object) -> None:
    """Tells the harness something: one JSON object on a line of standard output."""
    print(json.dumps({"event": event, "time": time.time(), **fields}), flush=True)
