"""What a case is: a name, a title, and a function that gives figures for one side."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from suite.links import Impairment, Link, Loopback
from suite.machine import QUIET_CORES
from suite.measure import Run, Stand
from suite.processes import Processes
from suite.server import start_server
from suite.sides import Side
from suite.viewers import PYTHON


@dataclass(frozen=True)
class Figure:
    """One cell of the table: a row's label, the text shown, and the numbers behind it."""

    label: str
    text: str
    numbers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """How the whole benchmark is run."""

    quick: bool = False
    viewer_kinds: tuple[str, ...] = (PYTHON,)

    def seconds(self, full: float) -> float:
        """Length of a window: the full one, or a third of it when only a quick look is wanted."""
        return full / 3 if self.quick else full


@dataclass(frozen=True)
class Bench:
    """What a case may use."""

    options: Options
    loopback: Stand

    @contextmanager
    def link(self, impairment: Impairment | None = None) -> Iterator[Stand]:
        """Robot and server in namespaces of their own, with a server of the link's own."""
        with ExitStack() as stack:
            yield link_stand(stack, impairment)


Measure = Callable[[Bench, Side], list[Figure]]


@dataclass(frozen=True)
class Case:
    """One case of the benchmark. `on_request` ones run only when they are named."""

    name: str
    measure: Measure
    on_request: bool = False


def number(value: float, unit: str = "") -> str:
    """A figure with three significant digits, as the table shows it."""
    if math.isnan(value):
        return "none arrived"
    if abs(value) >= 100:
        text = f"{value:,.0f}"
    elif abs(value) >= 10:
        text = f"{value:.1f}"
    else:
        text = f"{value:.2f}"
    return f"{text} {unit}".strip()


def size_name(size: int) -> str:
    """`1 kB`, `1 MB`: decimal units."""
    return f"{size // 1_000_000} MB" if size >= 1_000_000 else f"{size // 1000} kB"


def caveat(run: Run) -> str:
    """A remark when other work on the machine disturbed the run, else nothing."""
    foreign = run.foreign_load()
    return f" (disturbed: {foreign:.1f} foreign cores)" if foreign > QUIET_CORES else ""


def loopback_stand(stack: ExitStack) -> Stand:
    """One server on the loopback for all cases that need no link."""
    processes = stack.enter_context(Processes())
    site = Loopback()
    return Stand(start_server(processes, site), site)


def link_stand(stack: ExitStack, impairment: Impairment | None = None) -> Stand:
    """Robot and server in namespaces of their own, with a server of the link's own."""
    link = stack.enter_context(Link(impairment))
    processes = stack.enter_context(Processes())
    return Stand(start_server(processes, link), link)
