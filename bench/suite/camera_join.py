"""How long a viewer that comes has to wait for its first picture."""

from __future__ import annotations

import time

from suite import camera_figures
from suite.camera_sides import BridgeCameras, Scenery
from suite.case import Bench, Figure, number
from suite.figures import Latency
from suite.links import Impairment
from suite.load import Load
from suite.measure import Scene, run
from suite.processes import BenchError, Processes
from suite.viewers import ViewerPlan, start_viewer

JOINS = 10
# Seconds that a viewer watches, and in which nobody does before the next one: the bridge keeps its subscription for 5 s.
WATCHED = 0.5
ALONE = 6.0
PATIENCE = 30.0
FIRST, SECOND = "nobody else watches", "another one watches"
GOAL = "≤ 500 ms"


def _label(who: str) -> str:
    return f"{who}: subscribe → first picture, p50 / max"


GOALS = [Figure(_label(FIRST), GOAL), Figure(_label(SECOND), GOAL)]


def measure(bench: Bench, scenery: Scenery, impairment: Impairment) -> list[Figure]:
    """Viewers that come one after the other, first alone, then beside one that stays."""
    with bench.link(impairment) as stand:
        figures = []
        for who, watching in ((FIRST, 0), (SECOND, 1)):
            side = BridgeCameras(scenery, "/video")
            waits: list[float] = []

            def during(scene: Scene, side: BridgeCameras = side, waits: list[float] = waits) -> None:
                for number in range(JOINS):
                    waits.append(_join(scene, side, scenery, 100 + number))
                    if not scene.viewers:
                        time.sleep(ALONE)

            run(stand, side, Load(), viewers=watching, warm_up=5.0, during=during)
            pictures = Latency.of(waits)
            text = f"{number(pictures.p50)} / {number(pictures.worst)} ms"
            figures.append(Figure(_label(who), text, {"p50_ms": pictures.p50, "max_ms": pictures.worst}))
    return figures


def _join(scene: Scene, side: BridgeCameras, scenery: Scenery, index: int) -> float:
    """Seconds from a viewer's subscription to its first picture."""
    with Processes() as processes:
        stand = scene.stand
        viewer = start_viewer(processes, stand.server, stand.site, side, scene.room, ViewerPlan(), index)
        picture = viewer.child.wait_for("picture", PATIENCE, needs=scene.robot.process)
        time.sleep(WATCHED)
        viewer.finish()
        subscribed = viewer.child.seen["subscribed"]
    found = camera_figures.compare(scenery.scene, scenery.video, side.environment())
    if found["failed"] or not found["decoded"]:
        raise BenchError(f"{found['failed']} frames of a viewer that joined are not decodable")
    return float(picture["time"] - subscribed["time"])
