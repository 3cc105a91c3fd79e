"""The demo robot drives as it is told, stops when nobody tells it any more, and stays in its room."""

from __future__ import annotations

import math

import numpy as np
import pytest

from robot_drive import COMMAND_LIFE, REST, Drive
from robot_sensors import HEIGHT, WIDTH, cloud, picture, scan
from robot_world import PILLARS, ROBOT_RADIUS, ROOM_HALF, Pose, occupancy

STEP = 0.05


def run(drive: Drive, start: float, seconds: float, pace: float = 0.4, size: float = 3.0) -> float:
    """Lets time pass; returns what time it is then."""
    for count in range(round(seconds / STEP)):
        drive.step(start + count * STEP, STEP, pace, size)
    return start + seconds


def test_by_itself_it_follows_the_figure_of_eight() -> None:
    drive = Drive()
    now, places = 0.0, []
    while drive.phase < 2 * math.tau:
        now = run(drive, now, 0.5)
        places.append((drive.pose.x, drive.pose.y))
        assert now < 200, "the figure is never done"
    width = max(x for x, _ in places) - min(x for x, _ in places)
    height = max(y for _, y in places) - min(y for _, y in places)
    assert 4 < width < 7
    assert 2 < height < 5
    drive.pose = Pose(0.0, 0.0, 0.0)
    run(drive, now, 1.0, pace=0.0)
    assert drive.speed == 0.0


def test_it_obeys_commands_stops_without_them_and_goes_on_by_itself_later() -> None:
    drive = Drive()
    now = 100.0
    drive.command(now, 0.5, 0.25)
    before = drive.pose
    now = run(drive, now, 0.4)
    assert (drive.speed, drive.turn) == (0.5, 0.25)
    assert math.dist((before.x, before.y), (drive.pose.x, drive.pose.y)) == pytest.approx(0.2, abs=0.01)
    now = run(drive, now, COMMAND_LIFE)
    assert (drive.speed, drive.turn, drive.mode(now)) == (0.0, 0.0, "waiting")
    now = run(drive, now, REST)
    assert drive.speed != 0.0
    assert drive.mode(now) == "by itself"


@pytest.mark.parametrize(("speed", "turn"), [(math.nan, 0.0), (0.0, math.inf), (1e9, -1e9)])
def test_a_senseless_command_does_no_harm(speed: float, turn: float) -> None:
    drive = Drive()
    drive.command(0.0, speed, turn)
    run(drive, 0.0, 0.4)
    assert abs(drive.speed) <= 3.0
    assert math.isfinite(drive.pose.x + drive.pose.y + drive.pose.heading)


@pytest.mark.parametrize("heading", np.linspace(0, math.tau, 24, endpoint=False))
def test_it_never_drives_through_a_wall_or_a_pillar(heading: float) -> None:
    drive = Drive()
    drive.pose = Pose(1.0, 1.0, heading)
    for now in np.arange(0, 20, STEP):
        drive.command(now, 2.0, 0.0)
        drive.step(now, STEP, 0.4, 3.0)
        x, y = drive.pose.x, drive.pose.y
        assert max(abs(x), abs(y)) <= ROOM_HALF - ROBOT_RADIUS + 1e-9
        for centre_x, centre_y, radius in PILLARS:
            assert math.dist((x, y), (centre_x, centre_y)) >= radius + ROBOT_RADIUS - 1e-6


def test_sensors_agree_about_the_room() -> None:
    pose = Pose(0.5, -0.5, 0.3)
    distances = scan(pose)
    assert np.all((distances > 0.1) & (distances < 4 * ROOM_HALF))
    # Every ray ends at a cell of the map that is taken, or next to one.
    resolution, margin = 0.1, 0.5
    grid = occupancy(resolution, margin)
    bearing = np.linspace(-math.pi, math.pi, len(distances), endpoint=False) + pose.heading
    x, y = pose.x + distances * np.cos(bearing), pose.y + distances * np.sin(bearing)
    column = ((x + ROOM_HALF + margin) / resolution).astype(int)
    row = ((y + ROOM_HALF + margin) / resolution).astype(int)
    near = [grid[r - 1 : r + 2, c - 1 : c + 2].max() == 100 for r, c in zip(row, column, strict=True)]
    assert all(near)
    points = cloud(pose, 0.0)
    assert np.isfinite(points).all()
    assert len(points) > 1000
    dark, bright = picture(pose, lights=False, seconds=0.0), picture(pose, lights=True, seconds=0.0)
    assert dark.shape == (HEIGHT, WIDTH, 3)
    assert bright.mean() > dark.mean() + 5
