"""What tests of driving share: the pad on the page, and what the robot is told."""

from __future__ import annotations

import itertools
import time
from typing import Any

from playwright.sync_api import Locator

from chromium import Tab, wait_for
from messages import message_class
from ros_side import Observer


class Commands:
    """What arrives at the robot on /cmd_vel, and how fast it drives."""

    def __init__(self, observer: Observer) -> None:
        self.all: list[tuple[float, float]] = []
        self.speed = 0.0
        # When each command and each odometry was published, on the clock of this computer.
        self._told: list[int] = []
        self._measured: list[int] = []
        # Deep enough for all that may come at once after a standstill.
        observer.node.create_subscription(message_class("geometry_msgs/msg/Twist"), "/cmd_vel", self._command, 1000)
        observer.node.create_subscription(message_class("nav_msgs/msg/Odometry"), "/odom", self._odometry, 1000)

    def _command(self, message: Any, info: dict[str, int]) -> None:
        self._told.append(info["source_timestamp"])
        self.all.append((message.linear.x, message.angular.z))

    def _odometry(self, message: Any, info: dict[str, int]) -> None:
        self._measured.append(info["source_timestamp"])
        self.speed = message.twist.twist.linear.x

    def uncommanded(self) -> int:
        """How many times the robot measured how fast it drives between the last command to drive and the stop.

        It measures 20 times a second, which is how often the page commands.
        """
        last = max(number for number, command in enumerate(self.all) if command != (0.0, 0.0))
        return sum(1 for time in self._measured if self._told[last] < time < self._told[last + 1])

    def obeyed(self) -> bool:
        """Whether the robot drives ahead as it was told last."""
        return self.ahead() > 5 and self.all[-1][0] > 0 and abs(self.speed - self.all[-1][0]) < 1e-6

    def stops(self) -> int:
        """How many stops came last, one after the other. The page sends three; the bridge would send one."""
        return len(list(itertools.takewhile(lambda command: command == (0.0, 0.0), reversed(self.all))))

    def ahead(self, since: int = 0) -> int:
        """How many commands to go ahead arrived."""
        return sum(1 for speed, _ in self.all[since:] if speed > 0)

    def wait_stop(self, tab: Tab | None = None) -> None:
        """Waits until the robot was told to stop and stands, and nothing else is said to it."""
        wait_for(lambda: self.all and self.all[-1] == (0.0, 0.0) and self.speed == 0.0, "stop of the robot", tab)
        told = len(self.all)
        # Long enough for twenty commands, if any more came.
        if tab is None:
            time.sleep(1)
        else:
            tab.page.wait_for_timeout(1000)
        assert all(command == (0.0, 0.0) for command in self.all[told:])


def ready_pad(tab: Tab, max_age: str = "30000") -> Locator:
    """The pad, in view, as soon as it takes commands. A busy machine must not lock it by chance."""
    panel = tab.panel("teleop")
    panel.get_by_label("Lock when older than").select_option(max_age)
    # Out of sight it stays as it was.
    panel.locator(".pad").scroll_into_view_if_needed()
    pad = panel.locator('.pad[aria-disabled="false"]')
    pad.wait_for()
    return pad


def press_pad(tab: Tab) -> None:
    """Holds the stick ahead with the mouse."""
    pad = tab.panel("teleop").locator(".pad")
    # Waits until panels that are still loading no longer push the pad about.
    pad.hover()
    box = pad.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.page.mouse.down()
    tab.page.mouse.move(x, y - box["height"] * 0.4, steps=4)


def hold_key(tab: Tab, commands: Commands) -> None:
    """Drives ahead with a key until the robot obeys. Presses it again, as a user does, where another has just let go of it."""
    pad = ready_pad(tab)
    tries = itertools.count()

    def obeyed() -> bool:
        # A key that was down when the robot was another's does nothing until it is pressed anew.
        if next(tries) % 50 == 0:
            tab.page.keyboard.up("w")
            pad.focus()
            tab.page.keyboard.down("w")
        return commands.obeyed()

    wait_for(obeyed, "driving robot", tab)
