"""What the robot uploads when 1, 2, 4 and 8 viewers watch the same topic."""

from __future__ import annotations

from suite.case import Bench, Case, Figure, caveat, number
from suite.links import why_no_namespaces
from suite.load import Load
from suite.measure import run
from suite.sides import Side

VIEWERS = (1, 2, 4, 8)
# A load that both sides carry to eight viewers on two cores, or the ratio would say nothing.
LOAD = Load.steady(10_000, 10.0)


def _measure(bench: Bench, side: Side) -> list[Figure]:
    reason = why_no_namespaces()
    if reason:
        return [Figure("uplink bytes per payload byte", f"not measured: {reason}")]
    figures = []
    alone = 0.0
    with bench.link() as stand:
        for viewers in VIEWERS:
            seconds = bench.options.seconds(9.0)
            result = run(stand, side, LOAD, viewers=viewers, warm_up=2.0, seconds=seconds)
            _, payload = result.received()
            sent = (result.after.uplink or 0) - (result.before.uplink or 0)
            ratio = sent / payload if payload else float("nan")
            alone = alone or ratio
            label = "1 viewer" if viewers == 1 else f"{viewers} viewers"
            text = f"{number(ratio)} ({number(ratio / alone)} times one viewer){caveat(result)}"
            numbers = {"ratio": ratio, "to_one_viewer": ratio / alone, "foreign_cores": result.foreign_load()}
            figures.append(Figure(f"uplink bytes per payload byte, {label}", text, numbers))
    return figures


CASES = (Case("uplink", _measure),)
