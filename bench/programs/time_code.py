"""The time, painted into a picture as two rows of black and white squares, the lower one inverted.

A video track of WebRTC has no message beside a picture that could hold its stamp. A frame's age is then
read from the picture itself, whatever the encoder made of it; it may have been shrunk on the way.
"""

from __future__ import annotations

import numpy as np

BITS = 24
# Times count from the last multiple of this many milliseconds: four hours and more.
TURN = 1 << BITS
# So many squares fit into a row of the picture.
ACROSS = 40


def paint(picture: np.ndarray, milliseconds: int) -> None:
    """Paints the time into the picture's upper left corner."""
    square = picture.shape[1] // ACROSS
    bits = milliseconds % TURN >> np.arange(BITS) & 1
    for row, values in enumerate((bits, 1 - bits)):
        shades = np.repeat(values * 255, square).astype(picture.dtype)
        picture[row * square : (row + 1) * square, : square * BITS] = shades[None, :, None]


def read(luma: np.ndarray, now: int) -> int | None:
    """The painted time of a plane of brightness, in milliseconds, as the last one before `now`; `None` if unreadable."""
    square = luma.shape[1] / ACROSS
    across = ((np.arange(BITS) + 0.5) * square).astype(int)
    upper, lower = (luma[int((row + 0.5) * square), across].astype(int) for row in range(2))
    bits = upper > lower
    if np.abs(upper - lower).min() < 64:
        return None
    painted = int((bits << np.arange(BITS)).sum())
    return now - (now - painted) % TURN
