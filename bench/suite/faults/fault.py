"""What a fault is: a name, a goal, what is expected of the robot's connection, and a function that brings it about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from suite.faults.scene import Scene
from suite.faults.setting import Setting


@dataclass(frozen=True)
class Way:
    """What a robot may do about a fault: how often it reconnects at most, and whether it is another participant then."""

    reconnects: int
    is_new: bool


# Another path of the same connection.
PATH = Way(0, False)
# The same participant over a connection that was resumed.
RESUMED = Way(1, False)
# The robot joins the room anew.
JOINED = Way(1, True)


@dataclass(frozen=True)
class Fault:
    """One row of the table. `bring` brings it about, and heals it where it heals."""

    name: str
    title: str
    heals: str
    way: Way
    bring: Callable[[Scene], None]
    goal: float | None = None
    setting: Setting = field(default_factory=Setting)
    # Seconds before the fault, those that are watched at least after it, and longest wait for the state.
    settle: float = 4.0
    watch: float = 8.0
    patience: float = 90.0
    on_request: bool = False
    # The viewer is sent away: it must not come back.
    ends_viewer: bool = False


Registry = dict[str, Fault]


def adder(registry: Registry) -> Callable[..., Callable[[Callable[[Scene], None]], Callable[[Scene], None]]]:
    """A decorator that adds a fault; the function's docstring says how it heals."""

    def add(name: str, title: str, way: Way, **more: object) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
        def keep(bring: Callable[[Scene], None]) -> Callable[[Scene], None]:
            heals = (bring.__doc__ or "").strip().rstrip(".")
            registry[name] = replace(Fault(name, title, heals, way, bring), **more)  # type: ignore[arg-type]
            return bring

        return keep

    return add
