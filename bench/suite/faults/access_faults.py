"""Faults on the way into the room: tokens that expired, names that do not resolve, a proxy that stalls.

Each breaks the connection, or that for signaling, so that the robot needs the way again.
"""

from __future__ import annotations

from suite.faults.fault import JOINED, RESUMED, Fault, Registry, adder
from suite.faults.scene import ROBOT, TOKEN_SECONDS, Scene
from suite.faults.setting import Setting

FAULTS: Registry = {}
_fault = adder(FAULTS)
# Seconds for which the way is closed.
CLOSED = 10.0


@_fault(
    "token-expired-signaling",
    "signaling breaks when the robot's token has expired",
    RESUMED,
    setting=Setting(proxy=True, token="file"),
    settle=TOKEN_SECONDS + 3.0,
    watch=25.0,
)
def _token_expired_signaling(scene: Scene) -> None:
    """The server has renewed the token at the start; signaling resumes with that."""
    scene.break_signaling()


def _removed_with_expired_token(scene: Scene) -> None:
    scene.server.remove(scene.room, ROBOT)


for _token, _heals in (
    ("given", "The robot joins again with the token that the server has renewed"),
    ("file", "The robot reads the token file again"),
    ("endpoint", "The robot asks the token endpoint again"),
):
    FAULTS[f"token-expired-{_token}"] = Fault(
        f"token-expired-{_token}",
        f"the robot is removed when its token ({_token}) has expired",
        _heals,
        JOINED,
        _removed_with_expired_token,
        setting=Setting(token=_token),
        settle=TOKEN_SECONDS + 3.0,
    )


@_fault(
    "name-gone",
    f"signaling breaks, and the server's name does not resolve for {CLOSED:g} s",
    JOINED,
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
    JOINED,
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
