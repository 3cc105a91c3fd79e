"""Requests and streams without measure: what they cost the robot is bounded, others lose nothing, and a stop arrives."""

from __future__ import annotations

import time
from collections.abc import Iterator

from conftest import BridgeFactory, ViewerFactory
from processes import wait_until
from ros_side import Observer, Peer, Publisher
from siege import MEGA, SPENT, STATE, Siege, tell
from viewer_client import Loop
from wire import ping_frame, service_call_frame, text_frame

# What the bridge may hold more than before, whatever was asked: 1 MiB of names, each in its own allocation.
HELD = 4 * MEGA
PEAK = 12 * MEGA
NO_SERVICE = 4_000_000
# Bytes per second to all viewers.
UPLINK = 600_000
LARGE = "/large"


def names(size: int, count: int) -> Iterator[str]:
    """Different names of parameters."""
    return (f"/{number:0{size}}" for number in range(count))


def test_names_of_parameters_are_neither_kept_nor_asked_for_without_measure(
    siege: Siege, new_viewer: ViewerFactory, peer: Peer
) -> None:
    peer.run("node.declare_parameter('text', 'x' * 10_000)")
    attacker = new_viewer("attacker")
    wait_until(lambda: "/peer.text" in attacker.parameters("/peer.text"), "the parameter of the node", pause=0.1)
    # One value was 10 kB: all of these would be 90 MB for each request.
    same = text_frame({"op": "getParameters", "parameterNames": ["/peer.text"] * 9_000, "id": "many"})
    other = [text_frame({"op": "subscribeParameterUpdates", "parameterNames": list(names(500, 2_000))})] * 10
    costs = {
        "the same name": siege.endure(attacker.flood([same] * 10)),
        "names to watch": siege.endure(attacker.flood(other)),
    }
    tell(costs)
    answers = [m for m in attacker.texts("parameterValues") if m.get("id") == "many"]
    assert {len(answer["parameters"]) for answer in answers} == {1}
    assert all(cost.held < HELD and cost.peak < PEAK and cost.cpu < SPENT for cost in costs.values()), costs
    siege.finish()


def test_subscriptions_that_flap_and_messages_without_end_cost_little(
    siege: Siege, new_viewer: ViewerFactory, publisher: Publisher, observer: Observer
) -> None:
    topics = [f"/many/topic{number}" for number in range(20)]
    for topic in topics:
        publisher.advertise(topic, "std_msgs/msg/String")
    attacker = new_viewer("attacker")
    ids = [attacker.wait_channel(topic)["id"] for topic in topics]
    attacker.subscribe(*topics)
    seen = [observer.wait_subscriptions(topic, 1) for topic in topics]
    begin, end = (text_frame({"op": op, "channelIds": ids}) for op in ("subscribe", "unsubscribe"))
    costs = {"flapping subscriptions": siege.endure(attacker.flood([end, begin] * 500))}
    # The robot's own subscriptions have outlived all of it, and there were no others.
    now = [observer.wait_subscriptions(topic, 1) for topic in topics]
    assert [[each.endpoint_gid for each in of] for of in now] == [[each.endpoint_gid for each in of] for of in seen]
    attacker.wait_status("too many subscriptions in a short time")

    flooder = new_viewer("flooder")
    flooder.ping()
    costs["small messages"] = siege.endure(flooder.flood([ping_frame(number) for number in range(50_000)]))
    flooder.wait_status("too many messages per second")
    tell(costs)
    assert all(cost.held < HELD and cost.peak < PEAK and cost.cpu < SPENT for cost in costs.values()), costs
    siege.finish()


def test_refusals_take_no_more_of_a_narrow_uplink_than_their_viewers_share(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, publisher: Publisher, loop: Loop
) -> None:
    new_bridge({"capabilities": "['services']", "uplink_rate": str(UPLINK)})
    publisher.advertise(LARGE, "sensor_msgs/msg/PointCloud2")
    innocent, attacker = new_viewer("innocent"), new_viewer("attacker")
    innocent.subscribe(LARGE)
    publisher.match(LARGE)
    attacker.ping()

    calls = [service_call_frame(NO_SERVICE, call, "cdr", b"") for call in range(15_000)]
    flooding = loop.start(attacker.flood(calls))
    while len(refusals := attacker.texts("serviceCallFailure")) < len(calls):
        publisher.publish(LARGE)
    flooding.result()
    arrived, told = sum(len(m.data) for m in innocent.messages(LARGE)), sum(len(text_frame(each)) for each in refusals)
    print(f"{arrived / MEGA:.2f} MB of data, {told / MEGA:.2f} MB of refusals")
    # Half of the uplink for each, but for the 256 kB that may come first and a cloud that is on its way.
    assert arrived > 0.4 * told
    assert innocent.stream_ends() == []


def test_a_viewer_is_greeted_once_a_second_however_often_it_asks(siege: Siege, new_viewer: ViewerFactory) -> None:
    attacker = new_viewer("attacker")
    attacker.wait_channel(STATE)
    begin = time.monotonic()
    for number in range(100):
        attacker.close_stream()
        attacker.open_stream()
        attacker.send_raw(ping_frame(1000 + number))
    # Of many pings that wait, and at the greeting that is still due, the last ones stay unanswered.
    time.sleep(1.5)
    attacker.ping()
    # One was there before, and one may come at once.
    assert 2 <= len(attacker.texts("serverInfo")) <= time.monotonic() - begin + 2
    siege.finish()
