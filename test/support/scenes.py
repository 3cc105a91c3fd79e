"""Pictures with texture and motion, with the noise of a sensor, and how much two pictures look alike."""

from __future__ import annotations

import numpy as np


def scene(number: int, width: int, height: int) -> np.ndarray:
    """The `number`-th picture as RGB; the same one in every process."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x = x + 2.3 * number
    waves = np.sin(x / 9) * np.sin(y / 7) + 0.6 * np.sin((x + y) / 23) + 0.3 * np.sin(x / 3.1) * np.sin(y / 2.7)
    steps = np.where((x // 40 + y // 40) % 2 > 0, 30, -30)
    luma = 128 + 45 * waves + steps
    noise = np.random.default_rng(number).normal(0, 2.5, luma.shape)
    rgb = np.stack([luma + 20, luma, luma - 20], axis=-1) + noise[..., None]
    return rgb.clip(0, 255).astype(np.uint8)


def luma(rgb: np.ndarray) -> np.ndarray:
    """The brightness of a picture."""
    return rgb @ np.array([0.299, 0.587, 0.114])


def likeness(left: np.ndarray, right: np.ndarray) -> float:
    """The structural similarity of two planes, over windows of 8 by 8 pixels."""
    a, b = (_windows(plane) for plane in (left, right))
    ma, mb = a.mean(-1), b.mean(-1)
    covariance = (a * b).mean(-1) - ma * mb
    alike = (2 * ma * mb + 6.5025) * (2 * covariance + 58.5225)
    return float((alike / ((ma**2 + mb**2 + 6.5025) * (a.var(-1) + b.var(-1) + 58.5225))).mean())


def _windows(plane: np.ndarray) -> np.ndarray:
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    blocks = plane[: rows * 8, : columns * 8].astype(np.float64).reshape(rows, 8, columns, 8)
    return blocks.transpose(0, 2, 1, 3).reshape(rows, columns, 64)
