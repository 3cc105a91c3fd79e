"""What the demo robot's sensors see: a moving picture and a turning lidar. Plain numpy, no ROS."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

WIDTH = 200
HEIGHT = 150
LIDAR_RINGS = 16
LIDAR_COLUMNS = 360
ROOM_HALF = 5.0

Picture = NDArray[np.uint8]


def picture(seconds: float) -> Picture:
    """An RGB picture: drifting colours, a bouncing ball and a sweeping second hand."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    image[..., 0] = (columns + 40 * seconds) % 256
    image[..., 1] = (rows + 25 * seconds) % 256
    image[..., 2] = 96
    ball_x = 30 + _bounce(90 * seconds, WIDTH - 60)
    ball_y = 30 + _bounce(70 * seconds, HEIGHT - 60)
    image[(columns - ball_x) ** 2 + (rows - ball_y) ** 2 < 24**2] = (255, 230, 40)
    angle = 2 * np.pi * (seconds % 10) / 10
    across = (columns - WIDTH / 2) * np.cos(angle) + (rows - HEIGHT / 2) * np.sin(angle)
    along = (columns - WIDTH / 2) * np.sin(angle) - (rows - HEIGHT / 2) * np.cos(angle)
    image[(np.abs(across) < 2) & (along > 0) & (along < 60)] = (255, 255, 255)
    return image


def png(image: Picture) -> bytes:
    """The picture as a PNG file."""
    height, width, _ = image.shape
    # Every row starts with its filter type; 0 is none.
    rows = np.zeros((height, 1 + 3 * width), np.uint8)
    rows[:, 1:] = image.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 1)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(kind, data) for kind, data in chunks)


def cloud(heading: float, x: float, y: float) -> NDArray[np.float32]:
    """Points (x, y, z, intensity) of the walls of a square room, seen from a robot standing in it."""
    bearing = np.linspace(-np.pi, np.pi, LIDAR_COLUMNS, endpoint=False) + heading
    elevation = np.linspace(-0.26, 0.26, LIDAR_RINGS)
    direction_x, direction_y = np.cos(bearing), np.sin(bearing)
    # How far a ray goes until it meets the nearer one of the walls ahead of it.
    with np.errstate(divide="ignore"):
        to_x = (np.copysign(ROOM_HALF, direction_x) - x) / direction_x
        to_y = (np.copysign(ROOM_HALF, direction_y) - y) / direction_y
    distance = np.minimum(to_x, to_y)
    points = np.empty((LIDAR_RINGS, LIDAR_COLUMNS, 4), np.float32)
    points[..., 0] = distance * np.cos(bearing - heading)
    points[..., 1] = distance * np.sin(bearing - heading)
    points[..., 2] = distance * np.tan(elevation)[:, None]
    points[..., 3] = 255 * (to_x < to_y)
    return points.reshape(-1, 4)


def _bounce(way: float, length: float) -> float:
    """Where something is that runs to and fro between 0 and `length`."""
    return length - abs(way % (2 * length) - length)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
