"""The connection graph, assets and simulated time, as viewers see them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ament_index_python.packages import get_package_share_directory

from conftest import BridgeFactory, ViewerFactory
from processes import wait_until
from ros_side import Peer, Publisher
from viewer_client import Viewer
from wire import RobotTime

STRING = "std_msgs/msg/String"


class Graph:
    """What a viewer makes of the updates."""

    def __init__(self, viewer: Viewer) -> None:
        self.published: dict[str, list[str]] = {}
        self.subscribed: dict[str, list[str]] = {}
        self.services: dict[str, list[str]] = {}
        for update in viewer.texts("connectionGraphUpdate"):
            self.published.update({each["name"]: each["publisherIds"] for each in update["publishedTopics"]})
            self.subscribed.update({each["name"]: each["subscriberIds"] for each in update["subscribedTopics"]})
            self.services.update({each["name"]: each["providerIds"] for each in update["advertisedServices"]})
            for topic in update["removedTopics"]:
                self.published.pop(topic, None)
                self.subscribed.pop(topic, None)
            for service in update["removedServices"]:
                self.services.pop(service, None)


def test_the_graph_is_told_whole_and_then_by_what_changes(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, publisher: Publisher, peer: Peer
) -> None:
    new_bridge()
    publisher.advertise("/here", STRING)
    peer.run("""
        from std_msgs.msg import String
        from std_srvs.srv import Trigger
        subscription = node.create_subscription(String, "/here", print, 10)
        service = node.create_service(Trigger, "/work", lambda request, response: response)
    """)
    viewer = new_viewer()
    viewer.wait_channel("/here")
    viewer.ping()
    assert viewer.texts("connectionGraphUpdate") == []
    viewer.send({"op": "subscribeConnectionGraph"})
    viewer.wait_for(
        lambda: (
            Graph(viewer).published.get("/here") == ["/test_publisher"]
            and Graph(viewer).subscribed.get("/here") == ["/peer"]
            and Graph(viewer).services.get("/work") == ["/peer"]
        ),
        "the graph",
    )
    # An increment names what has changed and leaves out the rest.
    before = len(viewer.texts("connectionGraphUpdate"))
    publisher.advertise("/new", STRING)
    viewer.wait_for(lambda: Graph(viewer).published.get("/new") == ["/test_publisher"], "the new topic")
    later = viewer.texts("connectionGraphUpdate")[before:]
    assert "/here" not in [topic["name"] for update in later for topic in update["publishedTopics"]]
    # Publishers that go leave a topic that is still subscribed to; then it goes too.
    publisher.withdraw("/here")
    viewer.wait_for(lambda: Graph(viewer).published["/here"] == [], "the end of the publisher")
    peer.run("node.destroy_subscription(subscription); node.destroy_service(service)")
    viewer.wait_for(lambda: "/here" not in Graph(viewer).subscribed and "/work" not in Graph(viewer).services, "the end of both")
    # One that comes later gets all of it at once.
    second = new_viewer()
    second.wait_text("serverInfo")
    second.send({"op": "subscribeConnectionGraph"})
    second.wait_text("connectionGraphUpdate")
    assert Graph(second).published["/new"] == ["/test_publisher"]
    # Nobody watches any more: nothing is told.
    viewer.send({"op": "unsubscribeConnectionGraph"})
    viewer.ping()
    told = len(viewer.texts("connectionGraphUpdate"))
    publisher.advertise("/unseen", STRING)
    second.wait_for(lambda: "/unseen" in Graph(second).published, "the topic")
    viewer.ping()
    assert len(viewer.texts("connectionGraphUpdate")) == told


@pytest.fixture
def reader(new_bridge: BridgeFactory, new_viewer: ViewerFactory) -> Viewer:
    """A viewer that may fetch some assets."""
    new_bridge({"capabilities": "['assets']", "asset_uri_allowlist": "['package://std_msgs/.*', 'package://[^/]*']"})
    return new_viewer()


def test_assets_are_read_from_installed_packages(reader: Viewer) -> None:
    path = Path(get_package_share_directory("std_msgs")) / "msg/String.msg"
    answer = reader.fetch_asset("package://std_msgs/msg/String.msg")
    assert answer.error is None
    assert answer.data == path.read_bytes()


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("package://geometry_msgs/msg/Twist.msg", "asset_uri_allowlist"),
        ("package://std_msgs/../geometry_msgs/msg/Twist.msg", "path"),
        ("package://std_msgs/%2e%2e/geometry_msgs/msg/Twist.msg", ""),
        ("package://std_msgs/msg/None.msg", ""),
        ("package://std_msgs/msg", "not a file"),
        ("file:///etc/passwd", "package://"),
        ("", "package://"),
    ],
)
def test_assets_that_cannot_be_had_are_an_error(reader: Viewer, uri: str, reason: str) -> None:
    answer = reader.fetch_asset(uri)
    assert answer.error is not None
    assert reason in answer.error
    assert str(Path(get_package_share_directory("std_msgs")).parent) not in answer.error
    assert answer.data == b""


def test_nobody_reads_files_unless_it_is_allowed(new_bridge: BridgeFactory, new_viewer: ViewerFactory) -> None:
    new_bridge()
    answer = new_viewer().fetch_asset("package://std_msgs/msg/String.msg")
    assert '"assets"' in (answer.error or "")


def _times(viewer: Viewer) -> list[int]:
    return [message.time for _, message in viewer.received() if isinstance(message, RobotTime)]


CLOCK = """
from rosgraph_msgs.msg import Clock
clock = node.create_publisher(Clock, "/clock", qos(reliable={reliable}))
def tell(seconds, nanoseconds=0):
    message = Clock()
    message.clock.sec = seconds
    message.clock.nanosec = nanoseconds
    clock.publish(message)
"""
SECOND = 1_000_000_000


def _matched(peer: Peer) -> None:
    """The node and rclrs in it both subscribe."""
    wait_until(lambda: peer.run("result = clock.get_subscription_count()") == 2, "subscriptions to /clock")


@pytest.mark.parametrize("reliable", [True, False])
def test_every_simulated_time_is_told_also_after_a_jump(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, peer: Peer, reliable: bool
) -> None:
    new_bridge({"use_sim_time": "true"})
    viewer = new_viewer()
    assert "time" in viewer.wait_text("serverInfo")["capabilities"]
    peer.run(CLOCK.format(reliable=reliable))
    _matched(peer)

    def told(seconds: int) -> bool:
        peer.run(f"tell({seconds})")
        viewer.ping()
        return _times(viewer)[-1:] == [seconds * SECOND]

    # Forward, far back as when a bag starts again, and on from there.
    for seconds in (1000, 1001, 5000, 3, 4):
        wait_until(lambda seconds=seconds: told(seconds), f"time {seconds}", pause=0.05)
    # Each was told once, though it was published several times perhaps.
    assert _times(viewer) == [seconds * SECOND for seconds in (1000, 1001, 5000, 3, 4)]


def test_a_fast_clock_is_told_less_often_and_its_last_time_always(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, peer: Peer
) -> None:
    new_bridge({"use_sim_time": "true"})
    viewer = new_viewer()
    viewer.wait_text("serverInfo")
    peer.run(CLOCK.format(reliable=True))
    _matched(peer)
    published = 2000
    seconds = peer.run(f"""
        import time
        begin = time.monotonic()
        for number in range({published}):
            tell(100, number)
            time.sleep(0.001)
        result = time.monotonic() - begin
    """)
    viewer.wait_for(lambda: _times(viewer)[-1:] == [100 * SECOND + published - 1], "the last time")
    times = _times(viewer)
    assert times == sorted(set(times))
    # Every 20 ms at most; the rest is for the way.
    assert len(times) < min(published, 75 * seconds + 20)


def test_without_simulated_time_none_is_told(new_bridge: BridgeFactory, new_viewer: ViewerFactory) -> None:
    new_bridge()
    viewer = new_viewer()
    assert "time" not in viewer.wait_text("serverInfo")["capabilities"]
    viewer.ping()
    assert _times(viewer) == []
