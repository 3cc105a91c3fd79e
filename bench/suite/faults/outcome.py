"""One run of a fault, and what it showed."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from suite.faults.fault import Fault
from suite.faults.record import LATCHED, STATE, reconnects
from suite.faults.scene import Scene

NEVER = "never"


@dataclass(frozen=True)
class Outcome:
    """The figures of one run. Times are in seconds; what never happened took endlessly."""

    dark: float
    # From the end of the fault to the next state message, where it ends by itself.
    after_heal: float | None
    reconnects: int
    is_new: bool
    missing: int
    # From the fault to the robot's last return, by its own log.
    robot_back: float | None = None
    # From the return of whoever came last, robot or viewer, to the first message.
    latched_back: float | None = None
    state_back: float | None = None
    viewer: list[str] = field(default_factory=list)

    def numbers(self) -> dict[str, Any]:
        """Ready for JSON, which knows no infinity."""
        return {name: NEVER if value == inf else value for name, value in asdict(self).items()}

    @staticmethod
    def of(numbers: dict[str, Any]) -> Outcome:
        """From JSON."""
        return Outcome(**{name: inf if value == NEVER else value for name, value in numbers.items()})


def run(fault: Fault, log: Path | None = None, level: str = "info") -> Outcome:
    """Builds everything anew, brings the fault about and watches until the state is back. Keeps the bridge's log."""
    with Scene(fault.setting, level) as scene:
        try:
            if not fault.setting.at_start:
                scene.start_bridge()
                scene.settle(fault.settle)
            scene.begin()
            fault.bring(scene)
            scene.watch_until_back(fault.watch, fault.patience)
            scene.watch(0.0)
            return _outcome(fault, scene)
        finally:
            if log and hasattr(scene, "bridge"):
                log.write_text(f"fault at {scene.began}, healed at {scene.healed_at}, now {time.time()}\n" + scene.bridge_log())
                with log.open("a") as out:
                    out.writelines(f"viewer: {each}\n" for each in scene.record.events if each["event"] != "message")


def _outcome(fault: Fault, scene: Scene) -> Outcome:
    record, began = scene.record, scene.began
    dark, back = record.dark(began, fault.setting.at_start)
    returns = reconnects(scene.bridge_log(), began)
    own = record.own(began)
    is_new = any(each.joined for each in returns) or len(record.sids()) > 1
    outcome = {
        "dark": dark,
        "after_heal": None if scene.healed_at is None else max(0.0, back - scene.healed_at),
        "reconnects": len(returns),
        "is_new": is_new,
        "missing": record.missing(began),
        "robot_back": returns[-1].at - began if returns else None,
        "viewer": [f"{name} at {at - began:.1f} s" for name, at in own],
    }
    if is_new and back != inf:
        moment = max([each.at for each in returns] + [at for name, at in own if name in ("joined", "reconnected")], default=began)
        outcome["latched_back"] = record.first_after(LATCHED, moment)
        outcome["state_back"] = record.first_after(STATE, moment)
    return Outcome(**outcome)  # type: ignore[arg-type]
