"""Connections: lost and found again, without rights, from a form, from the program, on a phone."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from livekit import api
from playwright.sync_api import Browser, Route

from bridge_process import Bridge
from chromium import PATIENCE, Tab, wait_for
from conftest import ROOM, TabFactory
from livekit_server import LiveKitServer
from page_server import PageServer
from processes import ChildProcess


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[LiveKitServer]:
    """A server that a test may stop."""
    server = LiveKitServer(tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_bridge(own_server: LiveKitServer, robot: ChildProcess, tmp_path: Path) -> Iterator[Bridge]:
    """A second bridge of the robot, on that server."""
    bridge = Bridge(tmp_path, Bridge.credentials(own_server), {"room": ROOM, "name": "Demo robot", "identity": "robot"})
    yield bridge
    bridge.stop()


def test_the_page_finds_the_robot_again_after_restarts(
    chromium: Browser, own_server: LiveKitServer, own_bridge: Bridge, site: PageServer, tmp_path: Path
) -> None:
    tab = Tab(chromium).open(site.url, own_server.url, Tab.token(own_server, ROOM, "browser"))
    tab.wait_live()
    tab.wait_changing()
    own_server.stop()
    tab.page.locator(".state:not(.ok)").wait_for()
    own_server.start()
    tab.wait_live()
    tab.wait_changing()
    # The bridge ends and starts again.
    own_bridge.stop()
    tab.page.locator(".state.warn", has_text="Robot offline").wait_for()
    again = Bridge(tmp_path, Bridge.credentials(own_server), {"room": ROOM, "name": "Demo robot", "identity": "robot"})
    try:
        tab.wait_live()
        tab.wait_changing()
    finally:
        again.stop()
    tab.close()
    assert tab.errors == []


def test_a_page_that_is_reloaded_at_once_shows_its_picture_again(tab: Tab) -> None:
    # The server tells the robot of either session late, or not at all.
    for _ in range(3):
        tab.wait_live()
        tab.page.reload()
    tab.wait_live()
    tab.wait_changing()


def test_a_link_that_is_opened_twice_is_used_in_one_window_at_a_time(
    new_tab: TabFactory, server: LiveKitServer, pictures: Path
) -> None:
    token = Tab.token(server, ROOM, "twice")
    first = new_tab(token)
    first.wait_live()
    second = new_tab(token)
    second.wait_live()
    first.page.locator(".state.bad", has_text="Open elsewhere").wait_for()
    first.page.get_by_role("alert").get_by_text("opened in another window").wait_for()
    first.page.get_by_text("No new picture for").wait_for()
    first.page.screenshot(path=pictures / "elsewhere.png")
    second.wait_changing(times=3)
    first.page.get_by_role("button", name="Use it here").click()
    first.wait_live()
    second.page.locator(".state.bad", has_text="Open elsewhere").wait_for()
    # Who is removed comes back when it wants to, and not by itself.
    server.remove(ROOM, "twice")
    first.page.locator(".state.bad", has_text="Removed").wait_for()
    first.page.get_by_role("button", name="Join again").click()
    first.wait_live()


def test_a_token_that_may_send_nothing_sees_topics_and_is_told_why_no_more(
    new_tab: TabFactory, server: LiveKitServer, pictures: Path
) -> None:
    token = Tab.token(server, ROOM, f"mute-{secrets.token_hex(4)}", publish_data=False)
    tab = new_tab(token)
    tab.wait_live()
    row = tab.topic("/odom").locator("button.topic")
    row.wait_for()
    assert row.is_disabled()
    assert "canPublishData" in (row.get_attribute("title") or "")
    tab.panel("teleop").get_by_text("canPublishData").wait_for()
    assert tab.panel("teleop").locator(".pad").get_attribute("aria-disabled") == "true"
    tab.page.screenshot(path=pictures / "no-rights.png")


def test_a_token_for_nothing_is_named_and_the_page_goes_on_trying(new_tab: TabFactory) -> None:
    tab = new_tab("not-a-token")
    tab.page.get_by_role("alert").filter(has_text="does not accept this link").wait_for()
    tab.page.locator(".state.bad").wait_for()
    assert "not-a-token" not in tab.page.content()


def test_an_expired_link_is_called_so_and_its_token_is_not_shown(
    new_tab: TabFactory, server: LiveKitServer, pictures: Path
) -> None:
    grants = api.VideoGrants(room_join=True, room=ROOM)
    token = api.AccessToken(server.key, server.secret).with_identity("late").with_grants(grants)
    text = token.with_ttl(timedelta(hours=-1)).to_jwt()
    tab = new_tab(text)
    tab.page.get_by_role("alert").filter(has_text="This link has expired").wait_for()
    tab.page.locator(".state.bad", has_text="This link has expired").wait_for()
    assert not any(part in tab.page.content() for part in text.split("."))
    # There is a field for another link.
    form = tab.page.locator(".link-form")
    form.get_by_label("New link").fill("https://example.com/")
    form.get_by_role("button", name="Connect", exact=True).click()
    form.get_by_role("alert").filter(has_text="#url=wss://").wait_for()
    tab.page.screenshot(path=pictures / "expired.png")
    fresh = {"url": server.url, "token": Tab.token(server, ROOM, f"fresh-{secrets.token_hex(4)}")}
    form.get_by_label("New link").fill(f"https://example.com/#{urlencode(fresh)}")
    form.get_by_role("button").click()
    tab.wait_live()
    # So is a link that is opened in the same tab, which loads nothing anew.
    late = urlencode({"url": server.url, "token": text})
    tab.page.evaluate("fragment => { location.hash = fragment; }", late)
    tab.page.locator(".state.bad", has_text="This link has expired").wait_for()
    assert "#" not in tab.page.url


def test_a_form_asks_where_to_connect_to(
    chromium: Browser, server: LiveKitServer, bridge: Bridge, site: PageServer, pictures: Path
) -> None:
    tab = Tab(chromium)
    tab.page.goto(site.url)
    form = tab.page.locator("form.connect")
    form.get_by_label("LiveKit server").fill("livekit.example.com")
    form.get_by_label("Access token").fill(Tab.token(server, ROOM, f"form-{secrets.token_hex(4)}"))
    form.get_by_role("button").click()
    form.get_by_role("alert").filter(has_text="wss://").wait_for()
    tab.page.screenshot(path=pictures / "form.png")
    form.get_by_label("LiveKit server").fill(server.url)
    form.get_by_role("button", name="Connect", exact=True).click()
    tab.wait_live()
    # The tab remembers it, the address does not.
    tab.page.reload()
    tab.wait_live()
    assert "#" not in tab.page.url
    # Until it is told to forget.
    tab.page.get_by_label("Disconnect").click()
    form.get_by_role("button", name="Connect again").click()
    tab.wait_live()
    tab.page.reload()
    tab.wait_live()
    tab.page.get_by_label("Disconnect").click()
    form.get_by_text("Disconnected").wait_for()
    tab.page.reload()
    form.get_by_text("Connect to a robot").wait_for()
    assert form.get_by_role("button", name="Connect again").count() == 0
    tab.close()
    assert tab.errors == []


def test_the_program_tells_several_rooms_and_their_robots_are_all_there(
    chromium: Browser, server: LiveKitServer, bridge: Bridge, robot: ChildProcess, site: PageServer, tmp_path: Path
) -> None:
    others = [
        Bridge(tmp_path, Bridge.credentials(server), {"room": "attic", "name": "Attic robot"}),
        Bridge(tmp_path, Bridge.credentials(server), {"room": ROOM, "name": "Second robot", "identity": "second"}),
    ]
    asked = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        rooms = [{"room": each, "token": Tab.token(server, each, f"page-{len(asked)}")} for each in (ROOM, "attic")]
        body = {"url": server.url, "rooms": rooms, "robot": None, "websocket": "ws://localhost:8765", "error": None}
        route.fulfill(status=200, content_type="application/json", body=json.dumps(body))

    tab = Tab(chromium)
    tab.page.route("**/config.json", answer)
    try:
        tab.page.goto(site.url)
        tab.wait_live()
        robots = tab.page.get_by_label("Robot", exact=True)
        expected = ["Attic robot in attic", f"Demo robot in {ROOM}", f"Second robot in {ROOM}"]
        wait_for(lambda: sorted(robots.locator("option").all_inner_texts()) == expected, "all robots", tab)
        robots.select_option(label="Attic robot in attic")
        tab.wait_live()
        tab.wait_changing()
        assert "ws://localhost:8765" in (tab.page.get_by_text("Open in Foxglove").get_attribute("title") or "")
        assert len(asked) == 1
        robots.select_option(label=f"Second robot in {ROOM}")
        tab.wait_live()
        tab.wait_changing()
        tab.close()
        # The same by an address with several tokens, from any web server.
        tokens = [Tab.token(server, each, f"address-{each}") for each in (ROOM, "attic")]
        tab = Tab(chromium).open(site.url, server.url, *tokens)
        tab.wait_live()
        robots = tab.page.get_by_label("Robot", exact=True)
        wait_for(lambda: sorted(robots.locator("option").all_inner_texts()) == expected, "all robots", tab)
        assert "eyJ" not in tab.page.url
    finally:
        for other in others:
            other.stop()
        tab.close()
    assert tab.errors == []


def test_the_page_works_on_a_phone(new_tab: TabFactory, pictures: Path) -> None:
    tab = new_tab(panels=None, viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True, device_scale_factor=2)
    tab.wait_live()
    tab.wait_changing()
    tab.page.screenshot(path=pictures / "phone.png")
    width = tab.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, f"the page is {width} wide"
    tabs = tab.page.locator(".tabs")
    tabs.get_by_role("button", name="Topics").tap()
    tab.topic("/battery").locator("button.topic").tap()
    panel = tab.panel("tree")
    panel.wait_for()
    wait_for(lambda: re.search(r"percentage\s*\d", panel.inner_text()), "battery", tab)
    # Buttons are large enough for a finger.
    sizes = [box for each in panel.locator("header .tool:visible").all() if (box := each.bounding_box())]
    assert min(min(box["width"], box["height"]) for box in sizes) >= 32
    # On its side nearly all of the height is the panels', and nothing lies below STOP.
    tab.page.set_viewport_size({"width": 844, "height": 390})
    area, stop = (tab.page.locator(each).bounding_box() for each in (".page", ".stop > button"))
    assert area["height"] > 0.85 * 390
    assert area["x"] + area["width"] <= stop["x"]
    pad = tab.panel("teleop").locator(".pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box["y"] >= area["y"]
    assert box["y"] + box["height"] <= 390
    for menu in ("Add", "Layout"):
        tab.page.locator(".page-bar").get_by_role("button", name=menu, exact=True).tap()
        opened = tab.page.locator(".menu-list:popover-open")
        opened.wait_for()
        box = opened.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 390
        assert box["height"] >= min(280, opened.evaluate("list => list.scrollHeight"))
        tab.page.keyboard.press("Escape")
    tab.page.screenshot(path=pictures / "phone-on-its-side.png")


def test_everything_can_be_reached_by_keyboard(tab: Tab) -> None:
    tab.wait_live()
    tab.topic("/battery").wait_for()
    seen = set()
    for _ in range(60):
        tab.page.keyboard.press("Tab")
        name = tab.page.evaluate(
            "() => document.activeElement.getAttribute('aria-label') || document.activeElement.innerText.trim()"
        )
        seen.add(name.split("\n")[0])
        if name.startswith("/battery"):
            break
    assert {"To the panels", "Robot", "Find a topic or type"} <= seen, seen
    tab.page.keyboard.press("Enter")
    tab.panel("tree").wait_for(timeout=PATIENCE)
    unnamed = tab.page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, textarea, canvas')]
             .filter(e => e.offsetParent && !e.closest('[role=img]') && !e.innerText?.trim() && !e.ariaLabel && !e.labels?.length)
             .map(e => e.outerHTML)"""
    )
    assert unnamed == []
