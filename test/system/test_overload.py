"""The robot's nodes publish twice what its link carries, for as long as a test may take (bench/endurance: for longer)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge_process import Bridge
from conftest import BridgeFactory, ClientFactory, PublisherFactory, ViewerFactory, ViewerGatewayFactory
from decoding import decode
from exact_memory import EXACT_MEMORY
from foxglove_client import FoxgloveClient
from livekit_server import LiveKitServer
from messages import build
from process_memory import forget_peak, memory
from processes import wait_until
from robot_network import SERVER, RobotNetwork, lacking
from ros_side import Publisher
from viewer_client import Viewer

LACK = lacking()
pytestmark = pytest.mark.skipif(LACK is not None, reason=f"NOT TESTED: {LACK}")
STRING = "std_msgs/msg/String"
ARRAY = "std_msgs/msg/UInt8MultiArray"
CLOUDS = "sensor_msgs/msg/PointCloud2"
TOPICS = STATE, PLAN, SCAN, CLOUD = "/state", "/plan", "/scan", "/cloud"
MEGABITS = 6.0
LOSS = 0.01
# Seconds between two states.
PAUSE = 0.04
# Scans at a time, and ahead of twice those that arrived.
BURST = 10
# Scans at each watcher in the warm-up, and in the rest of the overload; a plan and a guest for every so many.
WARM_UP = 100
OVERLOAD = 300
EVERY = 75
# Far beyond what it takes.
PATIENCE = 400.0
# What may be more than in the warm-up: bytes, and numbers. Measured: 0.9 MB, and 7.8 MB with queues that are not bounded
# (max_message_age_ms, max_qos_depth and message_backlog_size at their largest).
MOST = {"memory": 4_000_000, "descriptors": 2, "threads": 2}
# What has arrived by the end of the overload, of all that was published, is less than this share.
ARRIVED = 0.8
# Clouds that arrive one by one in the end.
RECOVERED = 5


@pytest.fixture
def server(network: RobotNetwork, tmp_path: Path) -> Iterator[LiveKitServer]:
    """A LiveKit server at the other end of the robot's link."""
    server = LiveKitServer(tmp_path, SERVER, network.interface)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def narrow(network: RobotNetwork) -> Iterator[RobotNetwork]:
    """The robot's network with a narrow link that loses packets."""
    network.lose(LOSS)
    network.limit(MEGABITS)
    yield network
    network.unblock()


class Watcher:
    """One that stays, and reads everything: a viewer, or a client of the viewer gateway."""

    def __init__(self, of: Viewer | FoxgloveClient, payloads: Callable[[str], list[bytes]]) -> None:
        self._of = of
        self._payloads = payloads

    @staticmethod
    def viewer(viewer: Viewer) -> Watcher:
        """The viewer, subscribed."""
        viewer.subscribe(*TOPICS)
        return Watcher(viewer, lambda topic: [message.data for message in viewer.messages(topic)])

    @staticmethod
    def client(client: FoxgloveClient) -> Watcher:
        """The client, subscribed."""
        for topic in TOPICS:
            client.wait_channel(topic)
            client.subscribe(topic)
        return Watcher(client, lambda topic: [data.payload for data in client.data(topic)])

    def count(self, topic: str) -> int:
        """How many messages came of a topic."""
        return len(self._payloads(topic))

    def decoded(self, topic: str, last: int = 0) -> list[Any]:
        """The messages of a topic, all or so many of the latest."""
        channel = self._of.channels()[topic]
        return [decode(channel, payload) for payload in self._payloads(topic)[-last:]]

    def numbers(self, topic: str) -> list[int]:
        """Those in the messages of a topic of texts."""
        return [int(message.data.removeprefix("message ")) for message in self.decoded(topic)]


class Overload:
    """A robot that publishes two clouds and two scans for each one that arrives, and a state and plans that all have to."""

    def __init__(self, publisher: Publisher, watchers: dict[str, Watcher], pids: dict[str, int]) -> None:
        self.watchers = watchers
        self.states = self.scans = self.plans = self.clouds = 0
        self._publisher = publisher
        self._pids = pids

    def __str__(self) -> str:
        counts = {name: {topic: each.count(topic) for topic in TOPICS} for name, each in self.watchers.items()}
        return f"{self.states} states, {self.scans} scans, {self.plans} plans, {self.clouds} clouds; arrived: {counts}"

    def begin(self) -> None:
        """Until each watcher has had something of each topic."""
        self.show_plan()
        self.last_until(lambda: all(each.count(topic) for each in self.watchers.values() for topic in TOPICS), "beginning")

    def end(self) -> None:
        """Each cloud arrives again, whole, and so does the last state."""
        for _ in range(RECOVERED):
            self.tick()
            self.show_cloud()
            data = bytes(build(CLOUDS, self.clouds - 1).data)

            def arrived(data: bytes = data) -> bool:
                return all(bytes(each.decoded(CLOUD, 1)[0].data) == data for each in self.watchers.values())

            wait_until(arrived, f"cloud {self.clouds - 1}", pause=PAUSE)
        last = self.states - 1
        wait_until(lambda: all(each.numbers(STATE)[-1] == last for each in self.watchers.values()), f"state {last}", pause=1.0)

    def show_plan(self) -> None:
        """Another latched message."""
        self._publisher.publish(PLAN, first=self.plans)
        self.plans += 1

    def show_cloud(self) -> None:
        """Another cloud."""
        self._publisher.publish(CLOUD, first=self.clouds)
        self.clouds += 1

    def show_scans(self, count: int) -> None:
        """More scans."""
        self._publisher.publish(SCAN, first=self.scans, count=count)
        self.scans += count

    def tick(self) -> None:
        """Another state."""
        self._publisher.publish(STATE, first=self.states)
        self.states += 1

    def last_until(self, condition: Callable[[], object], what: str) -> None:
        """Goes on until a condition holds."""

        def holds() -> bool:
            self.tick()
            if self.clouds < 2 * max(each.count(CLOUD) for each in self.watchers.values()) + 2:
                self.show_cloud()
            ahead = 2 * max(each.count(SCAN) for each in self.watchers.values()) + BURST - self.scans
            if ahead > 0:
                self.show_scans(min(ahead, BURST))
            return bool(condition())

        wait_until(holds, what, PATIENCE, PAUSE)

    def last_for(self, scans: int) -> None:
        """Goes on until so many more have arrived at each watcher."""
        wanted = {name: watcher.count(SCAN) + scans for name, watcher in self.watchers.items()}
        self.last_until(lambda: all(each.count(SCAN) >= wanted[name] for name, each in self.watchers.items()), "scans")

    def held(self) -> dict[tuple[str, str], int]:
        """What the processes hold: the most memory since the last look, and descriptors and threads now."""
        found = {}
        for name, pid in self._pids.items():
            found[name, "memory"] = memory(pid, "VmHWM")
            forget_peak(pid)
            for kind, directory in (("descriptors", "fd"), ("threads", "task")):
                found[name, kind] = len(list(Path(f"/proc/{pid}/{directory}").iterdir()))
        return found


def visit(guest: Viewer, overload: Overload) -> None:
    """A viewer comes in the middle of it, has the latest plan and the states from then on, and leaves."""
    guest.subscribe(STATE, PLAN, CLOUD)
    watcher = Watcher(guest, lambda topic: [message.data for message in guest.messages(topic)])
    overload.last_until(lambda: watcher.count(PLAN) and watcher.count(STATE) > 5, "state at a guest")
    overload.last_until(lambda: overload.plans - 1 in watcher.numbers(PLAN), "latest plan at a guest")
    assert_complete(watcher.numbers(STATE))
    guest.leave()


def assert_complete(numbers: list[int]) -> None:
    """Each once, in order."""
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


@pytest.fixture
def overload(
    narrow: RobotNetwork,
    server: LiveKitServer,
    new_bridge: BridgeFactory,
    new_viewer: ViewerFactory,
    new_gateway: ViewerGatewayFactory,
    new_client: ClientFactory,
    new_publisher: PublisherFactory,
) -> Overload:
    """A robot behind the narrow link, with a viewer and a client of the viewer gateway that have begun to watch."""
    # Freed memory goes back to the system, so that what is held is what is kept.
    environment = {**Bridge.credentials(server), **EXACT_MEMORY}
    publisher = new_publisher(narrow.prefix)
    publisher.advertise(STATE, STRING, depth=100)
    publisher.advertise(PLAN, STRING, latched=True, depth=1)
    publisher.advertise(SCAN, ARRAY, depth=1000)
    publisher.advertise(CLOUD, CLOUDS, depth=5)
    bridge = new_bridge(environment=environment, prefix=narrow.prefix)
    gateway = new_gateway(environment=environment)
    watchers = {"viewer": Watcher.viewer(new_viewer()), "client": Watcher.client(new_client(gateway))}
    for topic in TOPICS:
        publisher.match(topic)
    overload = Overload(publisher, watchers, {"bridge": bridge.process.pid, "viewer gateway": gateway.process.pid})
    overload.begin()
    return overload


def test_twice_what_the_link_carries_makes_nothing_grow(
    overload: Overload, narrow: RobotNetwork, new_viewer: ViewerFactory
) -> None:
    overload.last_for(WARM_UP)
    visit(new_viewer(), overload)
    before = overload.held()
    for _ in range(OVERLOAD // EVERY):
        overload.show_plan()
        overload.last_for(EVERY)
        visit(new_viewer(), overload)
    after = overload.held()
    print(f"{overload}\nwarm-up: {before}\nafter it: {after}")
    assert not {what: (before[what], after[what]) for what in after if after[what] - before[what] > MOST[what[1]]}
    for name, watcher in overload.watchers.items():
        assert watcher.count(CLOUD) < ARRIVED * overload.clouds, name
        assert watcher.count(SCAN) < ARRIVED * overload.scans, name
    narrow.unlimit()
    narrow.unblock()
    overload.end()
    for name, watcher in overload.watchers.items():
        states, plans = watcher.numbers(STATE), watcher.numbers(PLAN)
        assert_complete(states)
        assert states[-1] == overload.states - 1, name
        assert plans == list(range(overload.plans)), name
