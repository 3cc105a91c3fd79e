"""The time that is painted into pictures survives what an encoder does to them."""

from __future__ import annotations

import numpy as np

from programs import time_code

HOUR = 3_600_000


def test_the_time_is_read_from_a_noisy_plane_of_limited_range() -> None:
    now = 1_800_000_000_000
    picture = np.full((480, 640, 3), 130, np.uint8)
    time_code.paint(picture, now)
    noise = np.random.default_rng(1).normal(0, 12, (480, 640))
    luma = 16 + picture[:, :, 0] * (219 / 255) + noise
    assert time_code.read(luma, now + 250) == now


def test_a_time_before_the_turn_is_read_after_it() -> None:
    before = 5 * time_code.TURN - 100
    picture = np.zeros((480, 640, 3), np.uint8)
    time_code.paint(picture, before)
    assert time_code.read(picture[:, :, 0], before + HOUR) == before


def test_the_time_is_read_from_a_picture_that_was_shrunk() -> None:
    picture = np.zeros((480, 640, 3), np.uint8)
    time_code.paint(picture, 123_456)
    assert time_code.read(picture[::2, ::2, 0], 123_500) == 123_456


def test_a_grey_picture_has_no_time() -> None:
    assert time_code.read(np.full((480, 640), 128, np.uint8), HOUR) is None
