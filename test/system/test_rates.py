"""Rate limits: of topics, of one viewer and of the whole uplink. What is published is far more than each lets through."""

from __future__ import annotations

import time
from collections.abc import Callable

from conftest import BridgeFactory, ViewerFactory
from decoding import decode
from ros_side import Observer, Publisher
from viewer_client import HANG, Viewer

STRING = "std_msgs/msg/String"
CLOUD = "sensor_msgs/msg/PointCloud2"
# At least so large is a message of that type.
CLOUD_BYTES = 320_000
# A limit may let through a little more than its number says, never much.
EXACTLY = 0.95


def publish_until(
    publisher: Publisher, topics: list[str], state: str, viewers: list[Viewer], condition: Callable[[], bool]
) -> tuple[float, int]:
    """Publishes on all topics again and again until a condition holds; returns the time and the number of messages.

    Every message of `state` reaches every viewer, and it is never far behind.
    """
    start = time.monotonic()
    number = 0
    while not condition():
        for topic in [*topics, state]:
            publisher.publish(topic, first=number)
        number += 1
        assert time.monotonic() - start < HANG, f"{number} messages on each of {topics}"
        time.sleep(0.02)
        for viewer in viewers:
            # No more at a time than the history of a ROS subscription holds.
            viewer.wait_messages(state, number - 10)
    seconds = time.monotonic() - start
    for viewer in viewers:
        states = viewer.wait_messages(state, number)
        channel = viewer.channels()[state]
        assert [decode(channel, m.data).data for m in states] == [f"message {n}" for n in range(number)]
    return seconds, number


def subscribe(viewers: list[Viewer], publisher: Publisher, topics: dict[str, str]) -> None:
    """Makes publishers on topics, all of whose messages the viewers get from then on."""
    for topic, type_name in topics.items():
        publisher.advertise(topic, type_name, depth=100)
    for viewer in viewers:
        viewer.subscribe(*topics)
        viewer.ping()
    for topic in topics:
        publisher.match(topic)


def test_topics_are_held_to_their_rates_and_the_viewer_is_told_while_it_lasts(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, publisher: Publisher
) -> None:
    new_bridge({"topic_message_rates": "['/fast=5']", "topic_byte_rates": "['/wi.*=640000']"})
    viewer = new_viewer()
    subscribe([viewer], publisher, {"/fast": STRING, "/wide": CLOUD, "/free": STRING})
    wanted = {"/fast": 16, "/wide": 9}
    seconds, published = publish_until(
        publisher,
        ["/fast", "/wide"],
        "/free",
        [viewer],
        lambda: all(len(viewer.messages(topic)) >= count for topic, count in wanted.items()),
    )
    assert seconds >= EXACTLY * (wanted["/fast"] - 1) / 5
    # A second's worth may come at once.
    assert seconds >= EXACTLY * ((wanted["/wide"] - 1) * CLOUD_BYTES / 640_000 - 1)
    assert len(viewer.messages("/fast")) < published
    assert len(viewer.messages("/wide")) < published
    for topic in ("/fast", "/wide"):
        assert "the topic has a rate limit" in viewer.wait_status(f"{topic}: ")
    # It is withdrawn a while after the last drop.
    viewer.wait_for(lambda: not viewer.statuses(), "end of all statuses")
    if len(viewer.texts("serverInfo")) > 1:
        # It lost its connection, for example because another test made a network. Its next one begins without any.
        return
    withdrawn = {each for message in viewer.texts("removeStatus") for each in message["statusIds"]}
    assert withdrawn == {f"drops-{viewer.channels()[topic]['id']}" for topic in ("/fast", "/wide")}


def test_each_viewer_is_held_to_its_rate_and_state_comes_through(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, publisher: Publisher
) -> None:
    new_bridge({"viewer_rate": "640000"})
    viewers = [new_viewer(), new_viewer()]
    viewers[1].wait_text("serverInfo")
    viewers[1].open_stream({"streams": "many"})
    subscribe(viewers, publisher, {"/wide": CLOUD, "/state": STRING})
    seconds, _ = publish_until(
        publisher, ["/wide"], "/state", viewers, lambda: all(len(v.messages("/wide")) >= 8 for v in viewers)
    )
    counts = [len(viewer.messages("/wide")) for viewer in viewers]
    for viewer, count in zip(viewers, counts, strict=True):
        # The message that uses up the credit goes out whole, and so does a second's worth at first.
        assert seconds >= EXACTLY * ((count - 2) * CLOUD_BYTES / 640_000 - 1)
        assert "too slow" in viewer.wait_status("/wide: ")


def test_the_uplink_is_held_to_its_rate_for_all_viewers_together(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, publisher: Publisher
) -> None:
    new_bridge({"uplink_rate": "1280000"})
    viewers = [new_viewer(), new_viewer()]
    subscribe(viewers, publisher, {"/wide": CLOUD, "/state": STRING})
    counts: list[list[int]] = []

    def each_has_six() -> bool:
        counts.append([len(viewer.messages("/wide")) for viewer in viewers])
        return min(counts[-1]) >= 6

    seconds, _ = publish_until(publisher, ["/wide"], "/state", viewers, each_has_six)
    # Counted before the time was taken: what came later came later.
    arrived = sum(counts[-1])
    # Both read one stream, so that each message goes out twice. Next to nothing may come at once.
    assert seconds >= EXACTLY * (arrived - 1) * CLOUD_BYTES / 1_280_000


def test_limits_change_while_it_runs(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, publisher: Publisher, observer: Observer
) -> None:
    bridge = new_bridge({"topic_message_rates": "['/state=0.001']", "log_level": "warn"})
    viewer = new_viewer()
    subscribe([viewer], publisher, {"/wide": CLOUD, "/state": STRING})
    publisher.publish("/state", count=5)
    assert "the topic has a rate limit" in viewer.wait_status("/state: ")
    # What is not understood is refused and changes nothing.
    assert "regular expression" in observer.set_parameter("topic_message_rates", ["(=1"])
    assert "number above 0" in observer.set_parameter("topic_byte_rates", ["/state=0"])
    assert "range" in observer.set_parameter("uplink_rate", -1)
    assert "must be debug, info" in observer.set_parameter("log_level", "loud")
    assert "read only" in observer.set_parameter("max_qos_depth", 5)
    before = len(viewer.wait_messages("/state"))
    assert before < 5
    assert observer.set_parameter("topic_message_rates", [""]) == ""
    assert observer.set_parameter("log_level", "info") == ""
    bridge.wait_output('log_level is "info" from now on')
    for number in range(5):
        publisher.publish("/state")
        viewer.wait_messages("/state", before + 1 + number)
    for limit in ("uplink_rate", "viewer_rate"):
        assert observer.set_parameter(limit, 640_000) == ""
        before = len(viewer.messages("/wide"))
        start = time.monotonic()
        while (count := len(viewer.messages("/wide")) - before) < 5:
            publisher.publish("/wide")
            time.sleep(0.02)
            assert time.monotonic() - start < HANG
        # The message that uses up the credit goes out whole, and for one viewer a second's worth at first.
        assert time.monotonic() - start >= EXACTLY * ((count - 2) * CLOUD_BYTES / 640_000 - 1)
        assert observer.set_parameter(limit, 0) == ""
