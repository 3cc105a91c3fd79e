"""Nobody drives by what is old, old commands are not obeyed, and STOP stops."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Locator
from std_msgs.msg import Header

from chromium import Tab, wait_for
from conftest import BridgeFactory, TabFactory
from driving import Commands, hold_key, ready_pad
from messages import message_class
from processes import ChildProcess
from ros_side import Observer

# Seconds that a process stands still: many times what the page or the bridge may wait.
STANDSTILL = 4.0


@pytest.fixture
def standing_robot(robot: ChildProcess) -> Iterator[Callable[[], None]]:
    """Makes the robot's processes stand still until the end of the test; its bridge goes on."""
    yield lambda: robot.send_signal(signal.SIGSTOP)
    robot.send_signal(signal.SIGCONT)


def test_a_robot_that_does_not_answer_is_shown_at_once_and_cannot_be_driven(
    own_bridge: BridgeFactory, own_tab: Tab, commands: Commands, pictures: Path
) -> None:
    bridge = own_bridge()
    own_tab.wait_live()
    hold_key(own_tab, commands)
    own_tab.panel("teleop").get_by_label("Lock when older than").select_option("1000")
    # What a phone would do.
    own_tab.page.evaluate("shaken = 0; navigator.vibrate = () => { shaken += 1; return true; }; undefined")
    bridge.process.send_signal(signal.SIGSTOP)
    own_tab.page.locator(".state.warn", has_text="Robot does not answer").wait_for()
    own_tab.page.locator('[data-figure="rtt"]', has_text=re.compile(r"^\u2013$")).wait_for()
    own_tab.panel("teleop").get_by_text(re.compile("^Locked: .*(answered|old)")).wait_for()
    assert own_tab.panel("teleop").locator(".pad").get_attribute("aria-disabled") == "true"
    assert own_tab.page.evaluate("shaken") == 1
    own_tab.page.screenshot(path=pictures / "no-answer.png")
    bridge.process.send_signal(signal.SIGCONT)
    own_tab.wait_live()
    # The key is still down. It must be pressed anew.
    commands.wait_stop(own_tab)


def test_commands_that_were_long_on_the_way_are_not_obeyed(own_bridge: BridgeFactory, own_tab: Tab, commands: Commands) -> None:
    bridge = own_bridge()
    own_tab.wait_live()
    hold_key(own_tab, commands)
    since = len(commands.all)
    bridge.process.send_signal(signal.SIGSTOP)
    # The page goes on driving meanwhile: its limit is half a minute.
    own_tab.page.wait_for_timeout(1000 * STANDSTILL)
    own_tab.page.keyboard.up("w")
    own_tab.page.wait_for_timeout(1000 * STANDSTILL)
    bridge.process.send_signal(signal.SIGCONT)
    own_tab.wait_live()
    commands.wait_stop(own_tab)
    # A few may have been on their way inside the robot when its bridge stood still.
    assert commands.ahead(since) < 10
    own_tab.add("Bridge log")
    own_tab.panel("log").get_by_text(re.compile("on the way and is not obeyed")).first.wait_for()


def test_driving_is_locked_while_the_odometry_is_old(
    tab: Tab, commands: Commands, standing_robot: Callable[[], None], robot: ChildProcess
) -> None:
    tab.wait_live()
    hold_key(tab, commands)
    tab.panel("teleop").get_by_label("Lock when older than").select_option("1000")
    since = len(commands.all)
    standing_robot()
    # The bridge answers; only what it sees of the robot is old.
    tab.panel("teleop").get_by_text(re.compile("^Locked: the (odometry|picture) of .* old")).wait_for()
    assert tab.panel("teleop").locator(".pad").get_attribute("aria-disabled") == "true"
    # Nor does the picture look alive.
    tab.page.locator(".picture.frozen .frozen-note", has_text="No new picture for").wait_for()
    wait_for(lambda: commands.all[-1] == (0.0, 0.0), "stop", tab)
    assert commands.ahead(since) > 0
    robot.send_signal(signal.SIGCONT)
    ready_pad(tab)
    commands.wait_stop(tab)


def test_the_age_is_that_of_the_stamp(new_tab: TabFactory, observer: Observer) -> None:
    publisher = observer.node.create_publisher(message_class("sensor_msgs/msg/Temperature"), "/old", 10)

    def publish() -> None:
        header = Header(stamp=observer.node.get_clock().now().to_msg())
        header.stamp.sec -= 20
        publisher.publish(message_class("sensor_msgs/msg/Temperature")(header=header))

    timer = observer.node.create_timer(0.1, publish)
    tab = new_tab()
    tab.wait_live()
    tab.show("/old")
    figures = tab.topic("/old").locator(".numbers")
    wait_for(lambda: re.search(r"(2\d|3\d)\.\d s old", figures.inner_text()), "age of twenty seconds", tab)
    timer.cancel()


def test_stop_stops_whoever_has_the_focus(tab: Tab, commands: Commands, pictures: Path) -> None:
    tab.wait_live()
    stop = tab.page.get_by_role("button", name="STOP", exact=True)
    hold_key(tab, commands)
    tab.page.screenshot(path=pictures / "stop.png")
    stop.dispatch_event("pointerdown")
    commands.wait_stop(tab)
    assert commands.stops() >= 3
    tab.page.get_by_text("STOP was sent").wait_for()
    tab.page.keyboard.up("w")
    # The space bar does the same, even while the pad has the focus and another key is held.
    hold_key(tab, commands)
    tab.page.keyboard.press("Space")
    commands.wait_stop(tab)
    assert commands.stops() >= 3
    tab.page.keyboard.up("w")
    # In a text it is a space.
    told = len(commands.all)
    tab.page.get_by_label("Find a topic or type").press("Space")
    assert tab.page.get_by_label("Find a topic or type").input_value() == " "
    tab.page.wait_for_timeout(500)
    # The page would send three; the bridge may have sent one, for the silence since.
    assert len(commands.all) < told + 3


def test_stop_calls_the_emergency_stop_that_the_robot_names(own_bridge: BridgeFactory, own_tab: Tab) -> None:
    own_bridge(emergency_stop="/restart_path")
    own_tab.wait_live()
    answer = own_tab.page.get_by_text(re.compile(r"STOP was sent, /restart_path answered: forgot \d+ poses"))

    def pressed() -> bool:
        own_tab.page.keyboard.press("Space")
        own_tab.page.wait_for_timeout(300)
        return answer.is_visible()

    # The robot may name its services a moment after its channels.
    wait_for(pressed, "answer to the emergency stop", own_tab)


def test_stop_publishes_the_emergency_stop_that_the_robot_names(
    own_bridge: BridgeFactory, own_tab: Tab, observer: Observer
) -> None:
    heard: list[Any] = []
    observer.create_subscription("/emergency", "std_msgs/msg/Bool", lambda message: heard.append(message.data))
    own_bridge(emergency_stop="/emergency")
    own_tab.wait_live()

    def pressed() -> bool:
        own_tab.page.keyboard.press("Space")
        own_tab.page.wait_for_timeout(300)
        return len(heard) > 0

    wait_for(pressed, "emergency stop", own_tab)
    assert set(heard) == {True}


# What a gamepad of the standard mapping tells a browser; no machine of a test has one.
GAMEPAD = """
window.pad = {id: "Test pad", index: 0, connected: true, mapping: "standard", timestamp: 0,
  axes: [0, 0, 0, 0], buttons: Array.from({length: 17}, () => ({pressed: false, touched: false, value: 0}))};
navigator.getGamepads = () => [window.pad];
Document.prototype.hasFocus = () => true;
"""


def test_a_gamepad_drives_while_its_dead_mans_switch_is_held(tab: Tab, commands: Commands) -> None:
    tab.wait_live()
    ready_pad(tab)
    tab.page.evaluate(GAMEPAD)
    # What its buttons do can be read.
    tab.panel("teleop").get_by_text("Gamepad: Test pad").click()
    tab.panel("teleop").get_by_text("hold to drive").wait_for()
    tab.page.evaluate("pad.axes = [0, -1, 0, 0]")
    tab.page.wait_for_timeout(500)
    assert commands.all == []
    tab.page.evaluate("pad.buttons[5].pressed = true")
    wait_for(commands.obeyed, "driving robot", tab)
    tab.page.evaluate("pad.buttons[5].pressed = false")
    commands.wait_stop(tab)
    assert commands.stops() >= 3
    tab.page.evaluate("pad.buttons[5].pressed = true")
    since = len(commands.all)
    wait_for(lambda: commands.ahead(since) > 5, "driving robot", tab)
    # The round button is STOP; the switch must come up before it drives again.
    tab.page.evaluate("pad.buttons[1].pressed = true")
    commands.wait_stop(tab)


# What drive mode asks the browser for; headless there is no screen to keep on.
WAKE_LOCK = """
awake = 0;
navigator.wakeLock.request = async () => { awake += 1; return {release: async () => { awake -= 1; }}; };
undefined
"""


def test_drive_mode_has_what_one_needs_to_drive(new_tab: TabFactory, commands: Commands, pictures: Path) -> None:
    for name, size in {"desktop": (1400, 900), "landscape": (844, 390), "portrait": (390, 844)}.items():
        tab = new_tab(viewport={"width": size[0], "height": size[1]}, has_touch=name != "desktop")
        tab.wait_live()
        ready_pad(tab)
        tab.page.evaluate(WAKE_LOCK)
        tab.page.get_by_role("button", name="Drive mode").click()
        mode = tab.page.locator(".drive-mode")
        mode.locator('[data-figure="speed"]', has_text=re.compile(r"-?\d\.\d\d m/s")).wait_for()
        mode.locator('[data-figure="age"]', has_text="old").wait_for()
        mode.locator('[data-figure="battery"]', has_text="%").wait_for()
        assert tab.page.evaluate("awake") == 1
        mode.get_by_role("button", name="Slow").click()
        pad = mode.locator('.pad[aria-disabled="false"]')
        since = len(commands.all)
        if name == "desktop":
            pad.focus()
            tab.page.keyboard.down("w")
        else:
            finger = tab.page.context.new_cdp_session(tab.page)
            touch(finger, "touchStart", pad, 0.5)
            touch(finger, "touchMove", pad, 0)
        wait_for(lambda since=since: commands.ahead(since) > 5, "driving robot", tab)
        # At full speed of the preset.
        assert max(speed for speed, _ in commands.all[since:]) == pytest.approx(0.2)
        tab.page.screenshot(path=pictures / f"drive-mode-{name}.png")
        # All of it is on the screen, and nothing lies over another.
        parts = (
            mode.locator(".drive-stick"),
            mode.locator(".drive-map"),
            mode.get_by_label("Leave drive mode"),
            tab.page.locator(".stop button"),
        )
        boxes = [part.bounding_box() for part in parts]
        assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= size[0] for box in boxes)
        assert all(box and box["y"] >= 0 and box["y"] + box["height"] <= size[1] for box in boxes)
        assert not any(overlap(a, b) for index, a in enumerate(boxes) for b in boxes[index + 1 :])
        if name == "portrait":
            top, picture = mode.locator(".drive-top").bounding_box(), mode.locator(".picture").bounding_box()
            assert top["y"] + top["height"] <= picture["y"] + 1
        if name == "desktop":
            tab.page.keyboard.up("w")
        else:
            touch(finger, "touchEnd")
        commands.wait_stop(tab)
        assert commands.stops() >= 3
        mode.get_by_label("Leave drive mode").click()
        mode.wait_for(state="detached")
        assert tab.page.evaluate("awake") == 0
        tab.close()


def touch(finger: CDPSession, what: str, pad: Locator | None = None, height: float = 0.5) -> None:
    """A finger on the pad, in its middle at a part of its height, or off it again."""
    points = []
    if pad is not None:
        box = pad.bounding_box()
        assert box is not None
        points = [{"x": box["x"] + box["width"] / 2, "y": box["y"] + height * box["height"]}]
    finger.send("Input.dispatchTouchEvent", {"type": what, "touchPoints": points})


def overlap(a: Any, b: Any) -> bool:
    """Whether two boxes have something in common."""
    apart = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
    return not (apart or a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"])
