"""How the demo robot moves: by itself along a figure of eight, or as it is commanded. No ROS."""

from __future__ import annotations

import math

from robot_world import Pose, pushed_out

# Seconds. A command is obeyed for so long; the next must come before.
COMMAND_LIFE = 0.5
# Seconds after the last command until the robot drives by itself again.
REST = 15.0
# Limits of a command, in metres and radians per second.
MAX_SPEED = 3.0
MAX_TURN = 4.0
# The point that the robot follows waits when it is farther ahead than this.
LEAD = 0.9


def figure_of_eight(phase: float, size: float) -> tuple[float, float]:
    """The place at a phase of 0 to 2π, in a figure `size` metres wide to each side."""
    return size * math.sin(phase), size * math.sin(phase) * math.cos(phase)


class Drive:
    """The robot's movement, step by step."""

    def __init__(self) -> None:
        self.pose = Pose(0.0, 0.0, math.pi / 4)
        # Metres and radians per second, as of the last step.
        self.speed = 0.0
        self.turn = 0.0
        # Radians along the figure of eight since the start.
        self.phase = 0.0
        self._command = (0.0, 0.0)
        self._commanded_at = -math.inf

    def command(self, now: float, speed: float, turn: float) -> None:
        """Takes a command. Anything that is no number stops the robot."""
        usable = math.isfinite(speed) and math.isfinite(turn)
        self._command = (_within(speed, MAX_SPEED), _within(turn, MAX_TURN)) if usable else (0.0, 0.0)
        self._commanded_at = now

    def mode(self, now: float) -> str:
        """`commanded`, `waiting` for a command, or `by itself`."""
        since = now - self._commanded_at
        return "commanded" if since < COMMAND_LIFE else "waiting" if since < REST else "by itself"

    def step(self, now: float, seconds: float, pace: float, size: float) -> None:
        """Moves on. `pace` is how fast it goes by itself, in radians of the figure per second."""
        mode = self.mode(now)
        if mode == "commanded":
            self.speed, self.turn = self._command
        elif mode == "waiting":
            self.speed, self.turn = 0.0, 0.0
        else:
            self._follow(seconds, pace, size)
        heading = self.pose.heading + self.turn * seconds
        x = self.pose.x + self.speed * math.cos(heading) * seconds
        y = self.pose.y + self.speed * math.sin(heading) * seconds
        x, y = pushed_out(x, y)
        self.pose = Pose(x, y, math.remainder(heading, math.tau))

    def _follow(self, seconds: float, pace: float, size: float) -> None:
        x, y = figure_of_eight(self.phase, size)
        away = math.hypot(x - self.pose.x, y - self.pose.y)
        if away < LEAD:
            self.phase += pace * seconds
        aside = math.remainder(math.atan2(y - self.pose.y, x - self.pose.x) - self.pose.heading, math.tau)
        self.speed = _within(2.0 * away, MAX_SPEED) * max(0.0, math.cos(aside)) if pace > 0.0 else 0.0
        self.turn = _within(3.0 * aside, MAX_TURN) if pace > 0.0 else 0.0


def _within(value: float, most: float) -> float:
    return min(most, max(-most, value))
