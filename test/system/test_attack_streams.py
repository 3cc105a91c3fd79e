"""Streams that are never read, never sent or never wanted: the robot keeps nothing of them, and nobody else feels them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from attacker import Attacker
from livekit_server import LiveKitServer
from siege import MEGA, SPENT, Siege, tell
from viewer_client import Loop

Attack = Callable[[Attacker], Coroutine[Any, Any, int]]
AttackerFactory = Callable[..., Attacker]
# What a robot may hold of what it is sent: the share that an allocator keeps of what passed through.
HELD = 0.1


@pytest.fixture
def new_attacker(loop: Loop, server: LiveKitServer, room: str, siege: Siege) -> Iterator[AttackerFactory]:
    """Lets attackers into the room."""
    made: list[Attacker] = []

    def make(attributes: dict[str, str] | None = None) -> Attacker:
        made.append(Attacker(loop, server, room, f"attacker-{len(made)}", attributes).join(siege.robot))
        return made[-1]

    yield make
    for attacker in made:
        attacker.leave()


# What makes a stream of text a call.
CALL = {"lk.rpc_request_id": "1", "lk.rpc_request_method": "x", "lk.rpc_request_version": "2"}
# What an ordinary viewer can send that nobody reads.
UNWANTED: dict[str, Attack] = {
    "bytes on another topic": lambda a: a.stream_bytes(10 * MEGA, topic="other"),
    "text on our topic": lambda a: a.stream_text(10 * MEGA, topic="ws-protocol"),
    "text on another topic": lambda a: a.stream_text(10 * MEGA, topic="other"),
    "a call that does not end": lambda a: a.stream_text(10 * MEGA, topic="lk.rpc_request", attributes=CALL),
    "an answer to no call": lambda a: a.stream_text(10 * MEGA, topic="lk.rpc_response", attributes=CALL),
    "calls": lambda a: a.call(5 * MEGA, 10_000),
    "frames that do not end": lambda a: a.begin_frames(200, 60_000),
    "headers": lambda a: a.open_streams(1_000, 10_000),
    "headers on another topic": lambda a: a.open_streams(1_000, 10_000, topic="other"),
    "deflated": lambda a: a.send_deflated(100 * MEGA),
    "deflated on another topic": lambda a: a.send_deflated(100 * MEGA, topic="other"),
    "packets": lambda a: a.publish_data(10 * MEGA, reliable=True),
    "lossy packets": lambda a: a.publish_data(10 * MEGA, reliable=False),
}


def test_what_nobody_reads_is_not_kept(siege: Siege, new_attacker: AttackerFactory) -> None:
    attacker = new_attacker()
    costs = {what: siege.endure(attack(attacker)) for what, attack in UNWANTED.items()}
    tell(costs)
    felt = [f"{what}: {cost}" for what, cost in costs.items() if max(cost.held, cost.peak) > cost.sent * HELD or cost.cpu > SPENT]
    assert not felt, "\n".join(felt)
    siege.finish()


def test_streams_of_one_that_calls_itself_a_robot_are_not_kept(siege: Siege, new_attacker: AttackerFactory) -> None:
    attacker = new_attacker({"role": "robot"})
    # What is on its way through the SDK makes its queues grow once.
    siege.endure(attacker.stream_bytes(20 * MEGA))
    cost = siege.endure(attacker.stream_bytes(20 * MEGA))
    print(cost)
    assert cost.held < cost.sent * HELD, str(cost)
    assert cost.cpu < SPENT, str(cost)
    siege.finish()
