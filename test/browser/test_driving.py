"""What the user does in the browser reaches the robot, and stops there when the user is gone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Playwright

from bridge_process import Bridge
from chromium import Tab, wait_for
from conftest import RIGHTS, ROOM, TabFactory, launch
from driving import Commands, hold_key, press_pad, ready_pad
from livekit_server import LiveKitServer
from page_server import PageServer
from processes import ChildProcess


@pytest.fixture
def driving(tab: Tab) -> Tab:
    """A tab with the pad in view."""
    tab.wait_live()
    ready_pad(tab)
    return tab


def test_the_robot_drives_while_the_stick_is_held(driving: Tab, commands: Commands, pictures: Path) -> None:
    press_pad(driving)
    wait_for(commands.obeyed, "driving robot", driving)
    driving.page.screenshot(path=pictures / "driving.png")
    driving.page.mouse.up()
    commands.wait_stop(driving)
    assert commands.stops() >= 3


def test_keys_drive_and_a_lost_focus_stops(driving: Tab, commands: Commands) -> None:
    driving.panel("teleop").locator(".pad").focus()
    driving.page.keyboard.down("ArrowUp")
    driving.page.keyboard.down("ArrowLeft")
    wait_for(lambda: any(speed > 0 and turn > 0 for speed, turn in commands.all), "curve", driving)
    driving.page.keyboard.up("ArrowLeft")
    since = len(commands.all)
    wait_for(lambda: commands.ahead(since) > 3, "straight", driving)
    # The key is still down.
    driving.page.get_by_label("Find a topic or type").focus()
    commands.wait_stop(driving)
    assert commands.stops() >= 3


def test_shortcuts_do_not_drive_and_stop_the_keys(driving: Tab, commands: Commands) -> None:
    driving.panel("teleop").locator(".pad").focus()
    for modifier in ("Control", "Meta", "Alt"):
        driving.page.keyboard.press(f"{modifier}+s")
    driving.page.wait_for_timeout(500)
    assert commands.all == []
    driving.page.keyboard.down("w")
    wait_for(commands.obeyed, "driving robot", driving)
    # With the Command key no other key tells that it came up.
    driving.page.keyboard.down("Meta")
    commands.wait_stop(driving)
    driving.page.keyboard.up("Meta")
    # It is still down and repeats.
    driving.page.keyboard.down("w")
    commands.wait_stop(driving)


@pytest.fixture(scope="module")
def patient_bridge(server: LiveKitServer, robot: ChildProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    """A bridge that waits an hour for a silent driver: who goes must stop the robot itself."""
    parameters = {"room": "patient", "name": "Demo robot", "capabilities": RIGHTS, "command_timeout_ms": "3600000"}
    bridge = Bridge(tmp_path_factory.mktemp("patient"), Bridge.credentials(server), parameters)
    yield bridge
    bridge.stop()


# What the robot measures in a second, which is twice the time after which a bridge stops it by itself.
FEW_COMMANDS = 20

GOING: dict[str, Callable[[Tab], object]] = {
    "reloaded": lambda tab: tab.page.reload(),
    "led elsewhere": lambda tab: tab.page.goto("about:blank"),
    "closed by the user": lambda tab: tab.page.close(run_before_unload=True),
    "closed at once": lambda tab: tab.close(),
}


@pytest.mark.parametrize("how", GOING)
def test_a_page_that_goes_stops_the_robot_itself(
    chromium: Browser, server: LiveKitServer, site: PageServer, patient_bridge: Bridge, commands: Commands, how: str
) -> None:
    tab = Tab(chromium).open(site.url, server.url, Tab.token(server, "patient", how.replace(" ", "-")))
    tab.wait_live()
    hold_key(tab, commands)
    GOING[how](tab)
    commands.wait_stop()
    # The bridge says one stop when the viewer has left; the others came from the page, before.
    assert commands.stops() >= 3
    assert commands.uncommanded() < FEW_COMMANDS
    tab.close()


def test_the_robot_stops_when_the_browser_dies(
    playwright: Playwright, server: LiveKitServer, site: PageServer, bridge: Bridge, commands: Commands
) -> None:
    browser = launch(playwright)
    tab = Tab(browser).open(site.url, server.url, Tab.token(server, ROOM, "doomed"))
    tab.wait_live()
    ready_pad(tab)
    press_pad(tab)
    wait_for(commands.obeyed, "driving robot", tab)
    # No page hears of it; only the bridge can stop the robot now.
    with contextlib.suppress(Error):
        browser.new_browser_cdp_session().send("Browser.crash")
    commands.wait_stop()
    assert commands.stops() == 1
    # That is after 500 ms, if nothing else is set.
    assert commands.uncommanded() < FEW_COMMANDS


def test_the_wheel_is_asked_for_and_handed_over(
    new_tab: TabFactory, server: LiveKitServer, commands: Commands, pictures: Path
) -> None:
    first, other = (new_tab(Tab.token(server, ROOM, name)) for name in ("first", "second"))
    for tab in (first, other):
        tab.wait_live()
        ready_pad(tab)
    hold_key(first, commands)
    # Before it tries.
    panel = other.panel("teleop")
    panel.get_by_text("Driven by first").wait_for()
    assert panel.locator(".pad").get_attribute("aria-disabled") == "true"
    assert "driving" not in panel.locator(".speeds").inner_text()
    ask = panel.get_by_role("button", name="Ask for the wheel")
    ask.click()
    panel.get_by_text("first was asked for the wheel").wait_for()
    question = first.page.get_by_text("second asks for the wheel.")
    question.wait_for()
    # An answer does not take the hand off the stick.
    since = len(commands.all)
    first.page.get_by_role("button", name="Keep").click()
    question.wait_for(state="detached")
    panel.get_by_text("first keeps the wheel").wait_for()
    wait_for(lambda: commands.ahead(since) > 20, "driving robot", first)
    assert commands.ahead(since) == len(commands.all) - since
    ask.click()
    question.wait_for()
    first.page.screenshot(path=pictures / "wheel-asked.png")
    other.page.screenshot(path=pictures / "wheel-asks.png")
    first.page.get_by_role("button", name="Hand over").click()
    first.panel("teleop").get_by_text("Handed to second").wait_for()
    commands.wait_stop(first)
    pad = ready_pad(other)
    pad.focus()
    since = len(commands.all)
    other.page.keyboard.down("w")
    wait_for(lambda: commands.ahead(since) > 5, "robot driven by the other", other)
    first.panel("teleop").get_by_text("Driven by second").wait_for()
    other.page.keyboard.up("w")
    # The first one's key is still down; it must be pressed anew.
    commands.wait_stop(other)


def test_who_may_override_sees_who_drives_and_takes_over(new_tab: TabFactory, server: LiveKitServer, commands: Commands) -> None:
    rights = {"see": [".*"], "drive": True, "override": True}
    first = new_tab(Tab.token(server, ROOM, "first"))
    chief = new_tab(Tab.token(server, ROOM, "chief", rights=rights))
    for tab in (first, chief):
        tab.wait_live()
        ready_pad(tab)
    hold_key(first, commands)
    panel = chief.panel("teleop")
    panel.get_by_text("Driven by first").wait_for()
    # The right alone takes nothing.
    assert panel.locator(".pad").get_attribute("aria-disabled") == "true"
    panel.get_by_role("button", name="Take over from first").click()
    ready_pad(chief).focus()
    chief.page.keyboard.down("s")
    first.panel("teleop").get_by_text("Driven by chief").wait_for()
    wait_for(lambda: sum(speed < 0 for speed, _ in commands.all) > 5, "robot driven back", chief)
    # It stops in between, and the first one's key, which is still down, does nothing more.
    taken = next(number for number, (speed, _) in enumerate(commands.all) if speed < 0)
    assert commands.all[taken - 1] == (0.0, 0.0)
    assert commands.ahead(taken) == 0
    chief.page.keyboard.up("s")
    commands.wait_stop(chief)


@pytest.fixture
def strict_bridge(server: LiveKitServer, robot: ChildProcess, tmp_path: Path) -> Iterator[Bridge]:
    """A bridge with its defaults, which let viewers watch and nothing else."""
    bridge = Bridge(tmp_path, Bridge.credentials(server), {"room": "strict", "name": "Demo robot"})
    yield bridge
    bridge.stop()


def test_what_the_robot_does_not_allow_is_greyed_out_with_the_reason(
    chromium: Browser, server: LiveKitServer, site: PageServer, strict_bridge: Bridge, commands: Commands
) -> None:
    tab = Tab(chromium).open(site.url, server.url, Tab.token(server, "strict", "guest"))
    tab.wait_live()
    tab.add("Services")
    pad = tab.panel("teleop").locator(".pad")
    assert pad.get_attribute("aria-disabled") == "true"
    assert "Driving is off on this robot (parameter `capabilities`: clientPublish)" in (pad.get_attribute("title") or "")
    tab.panel("services").get_by_text("Calling services is off on this robot").wait_for()
    pad.scroll_into_view_if_needed()
    press_pad(tab)
    tab.page.wait_for_timeout(500)
    tab.page.mouse.up()
    assert commands.all == []
    tab.close()
    assert tab.errors == []
