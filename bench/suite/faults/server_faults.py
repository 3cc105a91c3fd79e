"""Faults of the server: it ends and begins again, freezes, or sends somebody away."""

from __future__ import annotations

import signal
from functools import partial

from suite.faults.fault import JOINED, PATH, RESUMED, Fault, Registry, adder
from suite.faults.scene import ROBOT, VIEWER, Scene

FAULTS: Registry = {}
_fault = adder(FAULTS)


@_fault("server-restarted", "the server is killed and started again at once", JOINED, watch=10.0)
def _server_restarted(scene: Scene) -> None:
    """The server answers again; robot and viewer join a room that knows neither."""
    scene.server.stop()
    scene.server.start()
    scene.healed()


def _server_frozen(seconds: float, scene: Scene) -> None:
    scene.freeze_server(signal.SIGSTOP)
    scene.last(seconds)
    scene.freeze_server(signal.SIGCONT)
    scene.healed()


for _seconds, _way in ((10.0, RESUMED), (40.0, JOINED)):
    FAULTS[f"server-frozen-{_seconds:g}"] = Fault(
        f"server-frozen-{_seconds:g}",
        f"the server is frozen (SIGSTOP) for {_seconds:g} s",
        f"The server goes on after {_seconds:g} s",
        _way,
        partial(_server_frozen, _seconds),
        watch=20.0,
    )


@_fault("room-deleted", "the room is deleted", JOINED)
def _room_deleted(scene: Scene) -> None:
    """Robot and viewer join it again, which makes it anew."""
    scene.server.delete(scene.room)


@_fault("robot-removed", "the robot is removed from the room", JOINED)
def _robot_removed(scene: Scene) -> None:
    """The robot joins again: nobody stands next to it."""
    scene.server.remove(scene.room, ROBOT)


@_fault("viewer-removed", "the viewer is removed from the room", PATH, ends_viewer=True, watch=15.0, patience=0.0)
def _viewer_removed(scene: Scene) -> None:
    """Not at all: an end is an end."""
    scene.server.remove(scene.room, VIEWER)


@_fault("same-identity", "another participant joins with the robot's identity", JOINED)
def _same_identity(scene: Scene) -> None:
    """The robot joins again, which ends the other."""
    scene.start_viewer(ROBOT, "--once")
