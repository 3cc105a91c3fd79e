"""What a viewer and the robot's log tell of one run, and the arithmetic on it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from typing import Any

STATE = "/bench/state"
LATCHED = "/bench/latched"
# What a viewer tells of its own connection.
OWN = ("joined", "reconnecting", "reconnected", "left", "refused")
# A pause at the end of a run up to which the state has come back.
STEADY = 1.0
# What the bridge's log says when it is in the room, again or as before.
BACK = re.compile(r"\[(\d+\.\d+)\].*(joined the room|reconnected$)")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Reconnect:
    """One return of the robot, by its own log."""

    at: float
    joined: bool


def reconnects(log: str, since: float) -> list[Reconnect]:
    """The robot's returns after a moment."""
    found = [BACK.search(COLOURS.sub("", line).rstrip()) for line in log.splitlines()]
    returns = [Reconnect(float(match[1]), match[2] != "reconnected") for match in found if match]
    return [each for each in returns if each.at >= since]


@dataclass
class Record:
    """The viewer's events, in order; each has its name in `event` and when it was in `time`."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def times(self, name: str, topic: str | None = None) -> list[float]:
        """When events of a name were, of messages those of a topic."""
        return [each["time"] for each in self.events if each["event"] == name and (topic is None or each["topic"] == topic)]

    def dark(self, since: float, at_start: bool = False) -> tuple[float, float]:
        """The longest time without a state message that ended after a moment, and when it ended.

        Endless when the state did not come back. At the robot's start it begins at that moment.
        """
        arrivals = self.times("message", STATE)
        if at_start:
            arrivals = [since, *arrivals]
        gaps = [(after - before, after) for before, after in pairwise(arrivals) if after >= since]
        last = self.events[-1]["time"] if self.events else since
        if not gaps or last - arrivals[-1] > max(gaps)[0] + STEADY:
            return inf, inf
        return max(gaps)

    def missing(self, since: float) -> int:
        """Numbered state messages between the last before a moment and the last of all that never arrived."""
        states = [each for each in self.events if each["event"] == "message" and each["topic"] == STATE]
        seen = {each["sequence"] for each in states}
        if not seen:
            return 0
        before = [each["sequence"] for each in states if each["time"] < since]
        first = max(before, default=min(seen))
        return max(seen) - first + 1 - len([number for number in seen if number >= first])

    def sids(self) -> list[str]:
        """The robot's sessions in the room, in order."""
        return list(dict.fromkeys(each["sid"] for each in self.events if each["event"] == "robot"))

    def own(self, since: float) -> list[tuple[str, float]]:
        """What became of the viewer's own connection after a moment."""
        return [(each["event"], each["time"]) for each in self.events if each["event"] in OWN and each["time"] >= since]

    def first_after(self, topic: str, moment: float) -> float:
        """Seconds from a moment to the first message of a topic after it; endless when there is none."""
        return next((at - moment for at in self.times("message", topic) if at >= moment), inf)
