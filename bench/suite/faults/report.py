"""The fault table: one row for each fault, and whether its goals were met."""

from __future__ import annotations

from math import inf, isfinite
from statistics import median

from suite.faults.fault import Fault
from suite.faults.outcome import Outcome

HEAD = (
    "fault (goal for the dark time)",
    "dark p50 / max",
    "after the fault's end",
    "robot's reconnects",
    "new participant",
    "reliable messages lost",
    "back after the reconnect: latched; state",
    "goals",
)
USUAL_RUNS = 5
# Longest time in which a viewer has everything again after a reconnect.
BACK_SECONDS = 1.0


def seconds(value: float) -> str:
    """As the table shows it."""
    if not isfinite(value):
        return "never"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def spread(values: list[float]) -> str:
    """Median and largest, of what there is."""
    if not values:
        return "-"
    if min(values) == inf:
        return "never"
    return f"{seconds(median(values))} / {seconds(max(values))} s"


def counts(values: list[int]) -> str:
    """One number when they are alike, otherwise the smallest and the largest."""
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low}-{high}"


def misses(fault: Fault, outcomes: list[Outcome]) -> list[str]:
    """What was not as it should be, in words."""
    found = []
    if fault.ends_viewer:
        if any(any("joined" in each or "reconnected" in each for each in outcome.viewer) for outcome in outcomes):
            found.append("the viewer came back")
        return found
    if any(outcome.dark == inf for outcome in outcomes):
        found.append("the state did not come back")
    elif fault.goal is not None and max(outcome.dark for outcome in outcomes) > fault.goal:
        found.append(f"dark for more than {fault.goal:g} s")
    if any(outcome.reconnects > fault.way.reconnects for outcome in outcomes):
        found.append(f"{counts([outcome.reconnects for outcome in outcomes])} reconnects, not {fault.way.reconnects}")
    if any(outcome.is_new and not fault.way.is_new for outcome in outcomes):
        found.append("a new participant")
    if any(outcome.missing and not outcome.is_new for outcome in outcomes):
        found.append("reliable messages lost")
    late = [value for outcome in outcomes for value in (outcome.latched_back, outcome.state_back) if value is not None]
    if max(late, default=0.0) > BACK_SECONDS:
        found.append(f"not all back within {BACK_SECONDS:g} s of the reconnect")
    return found


def row(fault: Fault, outcomes: list[Outcome]) -> list[str]:
    """The cells of a fault."""
    after = [outcome.after_heal for outcome in outcomes if outcome.after_heal is not None]
    kept = [outcome.missing for outcome in outcomes if not outcome.is_new]
    renewed = [outcome for outcome in outcomes if outcome.latched_back is not None and outcome.state_back is not None]
    back = "-"
    if renewed:
        latched = [outcome.latched_back or 0.0 for outcome in renewed]
        state = [outcome.state_back or 0.0 for outcome in renewed]
        back = f"{spread(latched)}; {spread(state)}"
    new = sum(outcome.is_new for outcome in outcomes)
    found = misses(fault, outcomes)
    goal = f" (≤ {fault.goal:g} s)" if fault.goal is not None else ""
    return [
        f"`{fault.name}`: {fault.title}{goal}{_few(outcomes)}",
        "does not come back" if fault.ends_viewer and not found else spread([outcome.dark for outcome in outcomes]),
        spread(after),
        counts([outcome.reconnects for outcome in outcomes]),
        {0: "no", len(outcomes): "yes"}.get(new, f"{new} of {len(outcomes)}"),
        counts(kept) if kept and not fault.ends_viewer else "-",
        back,
        "missed: " + ", ".join(found) if found else "met",
    ]


def _few(outcomes: list[Outcome]) -> str:
    return "" if len(outcomes) >= USUAL_RUNS else f"; {len(outcomes)} runs"


def table(rows: list[list[str]]) -> str:
    """The rows as Markdown."""
    lines = [HEAD, ["---"] * len(HEAD), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
