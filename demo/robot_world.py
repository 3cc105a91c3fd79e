"""The room that the demo robot drives in: walls and pillars, and what a ray meets in it. Plain numpy."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Metres. The walls stand at plus and minus this, in x and in y.
ROOM_HALF = 5.0
WALL_HEIGHT = 1.6
# Centre and radius of each pillar.
PILLARS = ((0.0, 2.7, 0.5), (0.0, -2.9, 0.6), (-3.9, 3.3, 0.45), (3.8, -3.5, 0.4), (1.8, 0.0, 0.3), (-1.9, 0.0, 0.3))
ROBOT_RADIUS = 0.3

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """Where the robot is: metres and radians in the frame `odom`."""

    x: float
    y: float
    heading: float


@dataclass(frozen=True)
class Hits:
    """What rays meet, one element per ray."""

    # Metres along the floor.
    distance: Floats
    # 0 and 1: the walls across x and across y; 2 and more: the pillars.
    thing: NDArray[np.int64]
    # Metres along the surface, for what is painted on it.
    along: Floats


def cast(x: float, y: float, bearing: Floats) -> Hits:
    """Follows level rays from a place inside of the room."""
    across, up = np.cos(bearing), np.sin(bearing)
    with np.errstate(divide="ignore"):
        to_x = (np.copysign(ROOM_HALF, across) - x) / across
        to_y = (np.copysign(ROOM_HALF, up) - y) / up
    distance = np.minimum(to_x, to_y)
    thing = (to_y < to_x).astype(np.int64)
    along = np.where(thing == 0, y + distance * up, x + distance * across)
    for number, (centre_x, centre_y, radius) in enumerate(PILLARS, start=2):
        ahead = (centre_x - x) * across + (centre_y - y) * up
        aside_squared = (centre_x - x) ** 2 + (centre_y - y) ** 2 - ahead**2
        with np.errstate(invalid="ignore"):
            to_pillar = ahead - np.sqrt(radius**2 - aside_squared)
        nearer = (to_pillar > 0.0) & (to_pillar < distance)
        distance = np.where(nearer, to_pillar, distance)
        thing = np.where(nearer, number, thing)
        around = np.arctan2(y + distance * up - centre_y, x + distance * across - centre_x)
        along = np.where(nearer, radius * around, along)
    return Hits(distance, thing, along)


def pushed_out(x: float, y: float) -> tuple[float, float]:
    """The nearest place at which the robot touches neither wall nor pillar."""
    for centre_x, centre_y, radius in PILLARS:
        way = math.hypot(x - centre_x, y - centre_y)
        least = radius + ROBOT_RADIUS
        if 0.0 < way < least:
            x = centre_x + (x - centre_x) * least / way
            y = centre_y + (y - centre_y) * least / way
    most = ROOM_HALF - ROBOT_RADIUS
    return min(most, max(-most, x)), min(most, max(-most, y))


def occupancy(resolution: float, margin: float) -> NDArray[np.int8]:
    """The room as a map: 0 free, 100 taken, -1 unknown; first row at the smallest y."""
    half = ROOM_HALF + margin
    cells = round(2 * half / resolution)
    middle = (np.arange(cells) + 0.5) * resolution - half
    x, y = np.meshgrid(middle, middle)
    inside = np.maximum(np.abs(x), np.abs(y))
    grid = np.where(inside < ROOM_HALF, 0, -1).astype(np.int8)
    grid[(inside >= ROOM_HALF) & (inside < ROOM_HALF + 2 * resolution)] = 100
    for centre_x, centre_y, radius in PILLARS:
        way = np.hypot(x - centre_x, y - centre_y)
        grid[way <= radius] = 100
        grid[way <= radius - 2 * resolution] = -1
    return grid
