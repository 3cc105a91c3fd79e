"""Metrics over HTTP: read by Prometheus' own parser, off by default, and proof against hostile clients."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge_process import Bridge
from conftest import BridgeFactory, PublisherFactory, ViewerFactory
from livekit_server import LiveKitServer
from ros_side import Publisher
from scraper import BRIDGE, Scraper

STRING = "std_msgs/msg/String"
# Connections that the endpoint keeps open at once, and many more.
KEPT_OPEN = 16
MANY = 40
# States of sockets in /proc/net/tcp.
ESTABLISHED, LISTENING = "01", "0A"


@pytest.fixture
def measured(new_bridge: BridgeFactory, port: int) -> Bridge:
    """A bridge that serves metrics."""
    bridge = new_bridge({"metrics_address": f"127.0.0.1:{port}"})
    bridge.wait_output("serving /metrics")
    return bridge


@pytest.fixture
def scraper(measured: Bridge, port: int) -> Scraper:
    """Reads its metrics."""
    return Scraper(port)


def test_the_metrics_are_those_of_what_happened(
    scraper: Scraper, new_viewer: ViewerFactory, new_publisher: PublisherFactory
) -> None:
    publisher, other = new_publisher(), new_publisher()
    publisher.advertise("/here", STRING)
    anna, ben = new_viewer("anna"), new_viewer("ben")
    anna.subscribe("/here")
    ben.subscribe("/here")
    ben.ping()
    publisher.match("/here")
    publisher.publish("/here", count=3)
    anna.wait_messages("/here", 3)
    ben.wait_messages("/here", 3)
    scraper.wait_value(3, "viewer_sent_messages_total", viewer="anna")
    scraper.wait_value(3, "viewer_sent_messages_total", viewer="ben")
    samples = scraper.scrape()

    def value(name: str, **labels: str) -> float:
        return samples[name, frozenset(labels.items())]

    assert value(BRIDGE + "connected") == 1
    assert value(BRIDGE + "connections_total") == 1
    assert value(BRIDGE + "path", kind="udp") == 1
    assert value(BRIDGE + "path_round_trip_seconds") > 0
    assert value(BRIDGE + "path_sent_bytes_total") > 0
    assert 0 < value(BRIDGE + "path_checks_answered_total") <= value(BRIDGE + "path_checks_sent_total")
    assert value(BRIDGE + "viewers") == 2
    assert value(BRIDGE + "topic_viewers", topic="/here") == 2
    assert value(BRIDGE + "topic_received_messages_total", topic="/here") == 3
    assert value(BRIDGE + "topic_dropped_messages_total", topic="/here", reason="too_old") == 0
    assert value(BRIDGE + "viewer_watched_topics", viewer="anna") == 1
    sent = value(BRIDGE + "viewer_sent_bytes_total", viewer="anna")
    assert 0 < sent <= value(BRIDGE + "uplink_bytes_total")
    assert value(BRIDGE + "viewer_round_trip_seconds", viewer="anna") > 0
    assert value(BRIDGE + "queued_bytes") == 0
    assert value("process_resident_memory_bytes") > 10_000_000
    assert value("process_cpu_seconds_total") > 0
    # A topic that was never watched has no line of its own.
    publisher.advertise("/unseen", STRING)
    anna.wait_channel("/unseen")
    assert scraper.value("topic_viewers", topic="/unseen") is None
    # Problems are counted, and viewers that leave take their lines with them.
    other.advertise("/unseen", "sensor_msgs/msg/Image")
    scraper.wait_value(1, "problems")
    ben.leave()
    scraper.wait_value(1, "viewers")
    assert scraper.value("viewer_sent_messages_total", viewer="ben") is None


def test_a_lost_server_shows(new_bridge: BridgeFactory, own_server: LiveKitServer, port: int) -> None:
    own_server.start()
    bridge = new_bridge({"metrics_address": f"127.0.0.1:{port}"}, environment=Bridge.credentials(own_server))
    bridge.wait_output("joined the room")
    scraper = Scraper(port)
    scraper.wait_value(1, "connected")
    own_server.stop()
    scraper.wait_value(0, "connected")


def _refused(url: str, method: str = "GET") -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_hostile_clients_do_not_keep_a_scraper_out(
    measured: Bridge, scraper: Scraper, new_viewer: ViewerFactory, publisher: Publisher
) -> None:
    publisher.advertise("/here", STRING)
    viewer = new_viewer()
    viewer.subscribe("/here")
    publisher.match("/here")
    assert _refused(scraper.url.replace("/metrics", "/")) == 404
    assert _refused(scraper.url, "POST") == 405
    with ExitStack() as stack:
        # Many that say nothing, many that say something very slowly.
        idle = [stack.enter_context(scraper.connect()) for _ in range(MANY)]
        slow = [stack.enter_context(scraper.connect()) for _ in range(MANY)]
        for client in slow:
            client.sendall(b"GET /metrics HTTP/1.1\r\nX-A: b")
        assert scraper.value("viewers") == 1
        # The oldest were closed to make room.
        assert _is_closed(idle[0])
        assert len(list(_sockets(measured.process.pid, ESTABLISHED, scraper.address[1]))) <= KEPT_OPEN
        # A head without end is refused long before it is all there.
        greedy = stack.enter_context(scraper.connect())
        assert _push(greedy, b"GET /metrics HTTP/1.1\r\nX-A: ") < 10_000_000
        nonsense = stack.enter_context(scraper.connect())
        nonsense.sendall(bytes(range(256)) * 8)
        assert b"200" not in _read_all(nonsense)
        # One that does not read its answer.
        deaf = stack.enter_context(scraper.connect())
        deaf.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert scraper.value("viewers") == 1
    # The robot's topics flow on.
    publisher.publish("/here", count=5)
    viewer.wait_messages("/here", 5)


def _is_closed(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


def _read_all(client: socket.socket) -> bytes:
    received = b""
    try:
        while data := client.recv(4096):
            received += data
    except ConnectionError:
        pass
    return received


def _push(client: socket.socket, head: bytes) -> int:
    """Sends header bytes until the other side has had enough; how many that were."""
    sent = 0
    try:
        client.sendall(head)
        while sent < 20_000_000:
            client.sendall(b"a" * 65536)
            sent += 65536
    except ConnectionError:
        pass
    return sent


def test_without_the_parameter_nothing_listens(bridge: Bridge, new_viewer: ViewerFactory) -> None:
    new_viewer().wait_text("serverInfo")
    assert "/metrics" not in bridge.output()
    assert list(_sockets(bridge.process.pid, LISTENING)) == []


def _sockets(pid: int, state: str, port: int | None = None) -> Iterator[int]:
    """The own ports of a process' TCP sockets in a state."""
    inodes = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(str(each.readlink()))
        except FileNotFoundError:
            continue
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            own = int(fields[1].rsplit(":", 1)[1], 16)
            if fields[3] == state and f"socket:[{fields[9]}]" in inodes and port in (None, own):
                yield own


@pytest.mark.parametrize("address", ["9464", "somewhere:9464", "127.0.0.1"])
def test_an_address_that_is_none_is_named(new_bridge: BridgeFactory, address: str) -> None:
    bridge = new_bridge({"metrics_address": f"'{address}'"})
    assert bridge.process.wait(60) == 78
    assert "metrics_address" in bridge.output()


def test_an_address_in_use_ends_the_node_with_a_sentence(new_bridge: BridgeFactory) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bridge = new_bridge({"metrics_address": f"127.0.0.1:{taken.getsockname()[1]}"})
        assert bridge.process.wait(60) == 1
    assert "metrics_address" in bridge.output()
