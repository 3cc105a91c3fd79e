"""The producers' pacing, with the real confirmation socket."""

from __future__ import annotations

import socket
import struct
import threading
import time

import pytest

from programs import pacing
from programs.payload import STAMP_OFFSET

HANG_SECONDS = 30.0


class Until:
    """Stops a producer once a condition holds."""

    def __init__(self) -> None:
        self.event = threading.Event()

    def is_set(self) -> bool:
        """Whether to stop."""
        return self.event.is_set()

    def wait(self, seconds: float) -> bool:
        """Waits for the stop."""
        return self.event.wait(seconds)


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Loop:
    """A closed loop of ten messages on a thread, and a viewer's end of the confirmations."""

    def __init__(self) -> None:
        self.port = free_udp_port()
        self.stop = Until()
        self.sent: list[int] = []
        self.viewer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.counts: dict[str, int] = {}
        stream = pacing.Stream("/a", 100, 0.0)
        confirmations = pacing.Confirmations(self.port)

        def publish(_topic: str, message: bytes) -> None:
            self.sent.append(struct.unpack_from("<QQ", message, STAMP_OFFSET)[1])

        def work() -> None:
            self.counts = pacing.run_closed_loop(stream, 10, publish, confirmations, self.stop)

        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()

    def confirm(self, identity: str, sequence: int) -> None:
        """What a viewer sends."""
        self.viewer.sendto(f"{identity} {sequence}".encode(), ("127.0.0.1", self.port))

    def wait_for(self, count: int) -> None:
        """Until so many messages were published."""
        deadline = time.monotonic() + HANG_SECONDS
        while len(self.sent) < count:
            assert time.monotonic() < deadline, f"{len(self.sent)} of {count} sent"
            time.sleep(0.005)

    def end(self) -> dict[str, int]:
        """Stops the producer; its counts."""
        self.viewer.close()
        self.stop.event.set()
        self.thread.join(HANG_SECONDS)
        return self.counts


def test_waits_for_a_viewer_and_keeps_the_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "STALL", HANG_SECONDS)
    loop = Loop()
    assert not loop.sent
    loop.confirm("one", 0)
    loop.wait_for(10)
    loop.confirm("one", 4)
    loop.wait_for(14)
    assert loop.sent == list(range(14))
    loop.end()


def test_the_slowest_viewer_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "STALL", HANG_SECONDS)
    loop = Loop()
    loop.confirm("slow", 0)
    loop.wait_for(10)
    loop.confirm("quick", 10)
    time.sleep(0.1)
    assert len(loop.sent) == 10
    loop.end()


def test_a_lost_window_is_given_up_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "STALL", 0.1)
    loop = Loop()
    loop.confirm("one", 0)
    loop.wait_for(11)
    counts = loop.end()
    assert counts["stalls"] >= 1
    assert counts["/a"] == len(loop.sent)


def test_open_loop_keeps_both_rates() -> None:
    stop, sent = Until(), {"/a": 0, "/b": 0}

    def publish(topic: str, _message: bytes) -> None:
        sent[topic] += 1
        if sent["/a"] == 100:
            stop.event.set()

    streams = [pacing.Stream("/a", 100, 500.0), pacing.Stream("/b", 100, 50.0)]
    counts = pacing.run_open_loop(streams, publish, stop)
    assert counts == sent
    assert 9 <= sent["/b"] <= 11
