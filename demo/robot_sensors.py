"""What the demo robot's sensors see in its room: a picture, a turning lidar's cloud, a scan. No ROS."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from robot_world import PILLARS, WALL_HEIGHT, Pose, cast

WIDTH = 320
HEIGHT = 240
CAMERA_HEIGHT = 0.5
# Radians, from the left edge to the right one.
FIELD_OF_VIEW = 1.2
LIDAR_HEIGHT = 0.55
LIDAR_RINGS = 16
LIDAR_COLUMNS = 360
SCAN_RAYS = 360

Picture = NDArray[np.uint8]

FLOOR = np.array((92, 84, 76), np.float64)
SKY = np.array((96, 126, 168), np.float64)
# Of the walls across x and across y, then of the pillars.
COLOURS = np.array(
    [
        (208, 196, 170),
        (176, 190, 204),
        (220, 92, 70),
        (70, 160, 214),
        (234, 178, 60),
        (120, 188, 108),
        (196, 110, 190),
        (92, 200, 190),
    ],
    np.float64,
)
assert len(COLOURS) == 2 + len(PILLARS)


def picture(pose: Pose, lights: bool, seconds: float) -> Picture:
    """What the camera sees, as RGB: the room, and a beacon on each pillar that blinks."""
    focal = WIDTH / 2 / np.tan(FIELD_OF_VIEW / 2)
    angle = np.arctan((WIDTH / 2 - np.arange(WIDTH) - 0.5) / focal)
    hits = cast(pose.x, pose.y, pose.heading + angle)
    depth = np.maximum(0.05, hits.distance * np.cos(angle))
    top = HEIGHT / 2 - focal * (WALL_HEIGHT - CAMERA_HEIGHT) / depth
    bottom = HEIGHT / 2 + focal * CAMERA_HEIGHT / depth
    rows = np.arange(HEIGHT)[:, None]
    # What is far is dark; lights reach farther than daylight does in this room.
    shade = 1.0 / (1.0 + (0.02 if lights else 0.10) * depth**1.5)
    stripes = np.where(np.floor(hits.along * 2) % 2 == 0, 1.0, 0.86)
    wall = COLOURS[hits.thing] * (shade * stripes)[:, None]
    image = np.empty((HEIGHT, WIDTH, 3))
    below = np.maximum(0.0, rows - HEIGHT / 2 + 0.5) / HEIGHT
    image[:] = np.where(rows < HEIGHT / 2, SKY * (0.75 - rows / HEIGHT * 0.7), FLOOR * (0.25 + below * 1.3))[:, None, :].reshape(
        HEIGHT, 1, 3
    )
    is_wall = (rows >= top) & (rows < bottom)
    image = np.where(is_wall[..., None], wall[None], image)
    blink = 0.5 + 0.5 * np.sin(4 * seconds + hits.thing)
    beacon = (hits.thing >= 2) & (rows >= top) & (rows < top + (bottom - top) * 0.12)
    image[beacon] = (np.array((255.0, 244.0, 170.0)) * (0.3 + 0.7 * blink)[:, None])[np.nonzero(beacon)[1]]
    return np.clip(image * (1.15 if lights else 1.0), 0, 255).astype(np.uint8)


def jpeg(image: Picture) -> bytes:
    """The picture as a JPEG file."""
    file = io.BytesIO()
    Pillow.fromarray(image).save(file, "JPEG", quality=80)
    return file.getvalue()


def cloud(pose: Pose, turn: float) -> NDArray[np.float32]:
    """Points (x, y, z, intensity) of walls, pillars and floor, seen from the lidar on the robot.

    A bright sector turns with the lidar: it is at `turn` radians now.
    """
    bearing = np.linspace(-np.pi, np.pi, LIDAR_COLUMNS, endpoint=False)
    elevation = np.linspace(-0.30, 0.22, LIDAR_RINGS)[:, None]
    hits = cast(pose.x, pose.y, bearing + pose.heading)
    slope = np.tan(elevation)
    to_floor = np.where(slope < 0, -LIDAR_HEIGHT / np.minimum(slope, -1e-6), np.inf)
    distance = np.minimum(hits.distance[None], to_floor)
    points = np.empty((LIDAR_RINGS, LIDAR_COLUMNS, 4), np.float32)
    points[..., 0] = distance * np.cos(bearing)
    points[..., 1] = distance * np.sin(bearing)
    points[..., 2] = distance * slope
    behind = (turn - bearing) % (2 * np.pi)
    surface = np.where(distance < hits.distance[None], 20.0, 60.0 + 12.0 * hits.thing[None])
    points[..., 3] = surface + 120.0 * np.exp(-1.5 * behind)
    is_met = points[..., 2] + LIDAR_HEIGHT <= WALL_HEIGHT
    return points[is_met]


def scan(pose: Pose) -> NDArray[np.float32]:
    """Distances all around, counter-clockwise from straight behind."""
    bearing = np.linspace(-np.pi, np.pi, SCAN_RAYS, endpoint=False)
    return cast(pose.x, pose.y, bearing + pose.heading).distance.astype(np.float32)
