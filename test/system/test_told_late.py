"""LiveKit's server tells of participants without media every three seconds. Robot and viewer do not wait for it.

In each test a witness in the room is told as late as anybody. Somebody may come just before the server tells, so
each test makes several attempts.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest
from livekit import rtc

from bridge_process import Bridge
from client import mint_token
from livekit_server import LiveKitServer
from processes import wait_until
from viewer_client import Loop
from viewer_gateway import ViewerGateway
from wire import STREAM_TOPIC

BridgeFactory = Callable[..., Bridge]
ViewerGatewayFactory = Callable[..., ViewerGateway]
ATTEMPTS = 5
# Those told together all know within this time.
SAME_TIME = 0.3
ROLE = {"role": "robot"}


class Guest:
    """A participant of the SDK that says nothing by itself."""

    def __init__(self, loop: Loop, server: LiveKitServer, room: str, identity: str) -> None:
        self._loop = loop
        self.told: set[str] = set()
        self.room = loop.run(self._join(server, room, identity))

    async def _join(self, server: LiveKitServer, room: str, identity: str) -> rtc.Room:
        joined = rtc.Room()
        joined.on("participant_connected", lambda participant: self.told.add(participant.identity))
        await joined.connect(server.url, mint_token(server.key, server.secret, room, identity))
        return joined

    def greet(self, identity: str) -> None:
        """Opens a stream as a robot does."""

        async def open_stream() -> None:
            await self.room.local_participant.stream_bytes(
                "robot", topic=STREAM_TOPIC, destination_identities=[identity], attributes=ROLE
            )

        self._loop.run(open_stream())

    def leave(self) -> None:
        """Leaves the room."""
        self._loop.run(self.room.disconnect())


GuestFactory = Callable[[str], Guest]


@pytest.fixture
def new_guest(loop: Loop, server: LiveKitServer, room: str) -> Iterator[GuestFactory]:
    """Joins guests to the test's room."""
    with contextlib.ExitStack() as stack:

        def make(identity: str) -> Guest:
            guest = Guest(loop, server, room, identity)
            stack.callback(guest.leave)
            return guest

        yield make


def is_first(text: str, output: Callable[[], str], witness: Guest, who: str) -> bool:
    """Whether a program says something well before the witness is told of somebody."""
    wait_until(lambda: text in output(), text)
    time.sleep(SAME_TIME)
    return who not in witness.told


def test_a_viewer_that_joins_at_the_same_moment_is_found(new_bridge: BridgeFactory, new_guest: GuestFactory) -> None:
    witness = new_guest("witness")

    def attempt(number: int) -> bool:
        bridge = new_bridge({"identity": f"robot-{number}"})
        bridge.wait_output("joined the room")
        new_guest(f"guest-{number}")
        return is_first(f"viewer joined identity=guest-{number}", bridge.output, witness, f"guest-{number}")

    assert any(attempt(number) for number in range(ATTEMPTS))


def test_a_robot_that_speaks_before_the_room_tells_of_it_is_found(
    new_gateway: ViewerGatewayFactory, new_guest: GuestFactory
) -> None:
    witness = new_guest("witness")

    def attempt(number: int) -> bool:
        gateway = new_gateway("--identity", f"gateway-{number}", "--robot", f"robot-{number}")
        wait_until(lambda: "joined the room" in gateway.output(), "joined")
        new_guest(f"robot-{number}").greet(f"gateway-{number}")
        return is_first(f'found the robot robot="robot-{number}"', gateway.output, witness, f"robot-{number}")

    assert any(attempt(number) for number in range(ATTEMPTS))
