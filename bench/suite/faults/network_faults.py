"""Faults of the robot's network: links that go, paths that die, and nothing getting through for a while."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from suite.faults.fault import JOINED, PATH, RESUMED, Fault, Registry, adder
from suite.faults.scene import Scene
from suite.faults.setting import Setting

FAULTS: Registry = {}
_fault = adder(FAULTS)
# Signaling has a link of its own, so that only the path of the data changes.
TWO_LINKS = Setting(second_link=True, signaling_apart=True)


@_fault("address-goes", "the robot's address goes, another pair is alive", PATH, goal=0.5, setting=TWO_LINKS)
def _address_goes(scene: Scene) -> None:
    """The data takes the second link."""
    scene.network.unplug_first()


@_fault(
    "address-and-signaling-go",
    "the same, and signaling went over that address, too",
    RESUMED,
    goal=0.5,
    setting=Setting(second_link=True),
    watch=25.0,
)
def _address_and_signaling_go(scene: Scene) -> None:
    """The data takes the second link, signaling connects again."""
    scene.network.unplug_first()


@_fault("interface-comes-up", "the address goes, and another interface comes up then", RESUMED, goal=3.0, watch=25.0)
def _interface_comes_up(scene: Scene) -> None:
    """The connection is resumed over the new interface."""
    scene.network.unplug_first()
    scene.network.plug_second()


@_fault("first-link-dead", "the first link is dead and keeps its address, another is there", PATH, goal=5.0, setting=TWO_LINKS)
def _first_link_dead(scene: Scene) -> None:
    """The data takes the second link."""
    scene.network.cut_first()


@_fault("udp-cut", "UDP is cut, TCP is left", PATH, goal=4.0, watch=12.0)
def _udp_cut(scene: Scene) -> None:
    """The data takes TCP."""
    scene.network.cut_udp()


def _both_ways_dead(seconds: float, scene: Scene) -> None:
    scene.network.cut_first()
    scene.last(seconds)
    scene.network.unblock()
    scene.healed()


# The server removes a participant that it hears nothing of for so long.
REMOVED_SECONDS = 15.0


def _dead(seconds: float, on_request: bool = False) -> Fault:
    bring: Callable[[Scene], None] = partial(_both_ways_dead, seconds)
    heals = f"The link lets all pass again after {seconds:g} s"
    more = {"watch": 20.0, "patience": 60.0, "on_request": on_request}
    way = RESUMED if seconds < REMOVED_SECONDS else JOINED
    return Fault(f"dead-{seconds:g}", f"both ways dead for {seconds:g} s", heals, way, bring, **more)  # type: ignore[arg-type]


for _each in (_dead(5.0), _dead(20.0), _dead(60.0, True), _dead(600.0, True)):
    FAULTS[_each.name] = _each
