"""Faults on the way into the room: tokens that expired, names that do not resolve, a proxy that stalls.

Each breaks the connection for signaling, so that the robot needs the way again.
"""

from __future__ import annotations

from suite.faults.fault import JOINED, RESUMED, Registry, Setting, adder
from suite.faults.scene import TOKEN_SECONDS, Scene

FAULTS: Registry = {}
_fault = adder(FAULTS)
# Seconds for which the way is closed.
CLOSED = 10.0


@_fault(
    "token-expired-file",
    "signaling breaks when the robot's token has expired; a file has a fresh one",
    JOINED,
    setting=Setting(proxy=True, token="file"),
    settle=TOKEN_SECONDS + 3.0,
    watch=25.0,
)
def _token_expired_file(scene: Scene) -> None:
    """The robot reads the file again."""
    scene.break_signaling()


@_fault(
    "token-expired-endpoint",
    "the same with a token endpoint",
    JOINED,
    setting=Setting(proxy=True, token="endpoint"),
    settle=TOKEN_SECONDS + 3.0,
    watch=25.0,
)
def _token_expired_endpoint(scene: Scene) -> None:
    """The robot asks the endpoint again."""
    scene.break_signaling()


@_fault(
    "name-gone",
    f"signaling breaks, and the server's name does not resolve for {CLOSED:g} s",
    RESUMED,
    setting=Setting(proxy=True, by_name=True),
    watch=25.0,
)
def _name_gone(scene: Scene) -> None:
    """The name resolves again."""
    scene.network.forget_names()
    scene.break_signaling()
    scene.last(CLOSED)
    scene.network.learn_names()
    scene.healed()


@_fault(
    "proxy-stalls",
    f"signaling breaks, and a proxy takes connections and says nothing for {CLOSED:g} s",
    RESUMED,
    setting=Setting(proxy=True),
    watch=25.0,
)
def _proxy_stalls(scene: Scene) -> None:
    """The proxy forwards connections that come later."""
    scene.stall(True)
    scene.break_signaling()
    scene.last(CLOSED)
    scene.stall(False)
    scene.healed()


@_fault(
    "proxy-stalls-at-start",
    f"a proxy takes connections and says nothing for {CLOSED:g} s, when the robot starts",
    JOINED,
    setting=Setting(proxy=True, at_start=True),
)
def _proxy_stalls_at_start(scene: Scene) -> None:
    """The proxy forwards connections that come later."""
    scene.stall(True)
    scene.start_bridge()
    scene.last(CLOSED)
    scene.stall(False)
    scene.healed()
