"""The time, painted into a picture as a row of black and white squares.

A video track of WebRTC has no message beside a picture that could hold its stamp. A frame's age is then
read from the picture itself, whatever the encoder made of it.
"""

from __future__ import annotations

import numpy as np

SQUARE = 16
BITS = 24
# Times count from the last multiple of this many milliseconds: four hours and more.
TURN = 1 << BITS


def paint(picture: np.ndarray, milliseconds: int) -> None:
    """Paints the time into the picture's upper left corner."""
    bits = milliseconds % TURN >> np.arange(BITS) & 1
    picture[:SQUARE, : SQUARE * BITS] = np.repeat(bits * 255, SQUARE).astype(picture.dtype)[None, :, None]


def read(luma: np.ndarray, now: int) -> int:
    """The painted time of a plane of brightness, in milliseconds, as the last one before `now`."""
    row = luma[SQUARE // 4 : SQUARE * 3 // 4, : SQUARE * BITS].mean(axis=0)
    squares = row.reshape(BITS, SQUARE)[:, SQUARE // 4 : SQUARE * 3 // 4].mean(axis=1)
    painted = int(((squares > 128) << np.arange(BITS)).sum())
    return now - (now - painted) % TURN
