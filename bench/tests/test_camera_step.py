"""When the encoder has followed the link."""

from __future__ import annotations

from suite.camera_step import Course

COURSE = Course(moments=[10.0, 20.0, 40.0, 60.0], aims=[[5.0, 1.5e6], [21.5, 0.6e6], [45.0, 0.9e6], [52.0, 1.5e6]])


def test_the_aim_is_what_was_said_last() -> None:
    assert COURSE.aim_at(20.0) == 1.5e6
    assert COURSE.aim_at(40.0) == 0.6e6


def test_the_way_down_and_the_way_up_are_timed_from_the_step() -> None:
    assert COURSE.until_aim(1, 0, 0.7e6) == 1.5
    assert COURSE.until_aim(2, 1.4e6, float("inf")) == 12.0


def test_an_aim_that_is_not_reached_has_no_time() -> None:
    assert COURSE.until_aim(1, 0, 0.5e6) is None
