"""Whether something counts as growing."""

from __future__ import annotations

from suite.endurance.growth import Sample, Trend, slope, trends


def test_the_slope_of_a_line() -> None:
    assert slope([(0, 1), (1, 3), (2, 5)]) == 2
    assert slope([(3, 1)]) == 0


def test_warm_up_does_not_count() -> None:
    trend = Trend.of([(0, 50), (10, 80), (20, 90), (50, 100), (75, 100), (100, 100)], share=0.02)
    assert trend.flat
    assert trend.growth == 0


def test_what_goes_on_growing_is_not_flat() -> None:
    found = trends([Sample(done, 50 + done / 10, 30 + done / 50, 20) for done in range(0, 1001, 100)])
    assert not found["memory"].flat
    assert not found["file descriptors"].flat
    assert found["threads"].flat
