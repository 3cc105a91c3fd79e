"""End-to-end encryption on the page: a link with the robot's key shows everything, any other says what is wrong with it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bridge_process import Bridge
from chromium import Tab
from conftest import ROOM
from livekit_server import LiveKitServer
from page_server import PageServer
from processes import ChildProcess

KEY = "a key that nobody will guess"


@pytest.fixture
def secret_room(server: LiveKitServer, robot: ChildProcess, room: str, tmp_path: Path) -> Iterator[str]:
    """A room with a bridge that has the key."""
    bridge = Bridge(tmp_path, {**Bridge.credentials(server), "LIVEKIT_E2EE_KEY": KEY}, {"room": room, "name": "Demo robot"})
    bridge.wait_output("joined the room")
    yield room
    assert bridge.stop() == 0
    assert KEY not in bridge.output()


@pytest.fixture
def open_link(chromium: Browser, server: LiveKitServer, site: PageServer) -> Iterator[Callable[[str, str | None], Tab]]:
    """Opens links to rooms, with a key or without. In the end no tab may have had an error."""
    tabs: list[Tab] = []

    def make(room: str, key: str | None) -> Tab:
        tabs.append(Tab(chromium))
        return tabs[-1].open(site.url, server.url, Tab.token(server, room, f"browser-{secrets.token_hex(4)}"), key=key)

    yield make
    for tab in tabs:
        tab.close()
        assert tab.errors == []


def test_a_link_with_the_robots_key_shows_everything_and_others_say_why_not(
    bridge: Bridge, secret_room: str, open_link: Callable[[str, str | None], Tab]
) -> None:
    links = {
        "No key": open_link(secret_room, None),
        "Wrong key": open_link(secret_room, "the key of somebody else"),
        "Not encrypted": open_link(ROOM, KEY),
    }
    with_key = open_link(secret_room, KEY)
    with_key.wait_live()
    with_key.wait_changing()
    for state, tab in links.items():
        tab.page.locator(".state.bad", has_text=state).wait_for()
        assert tab.page.locator(".topics li").count() == 0
        tab.page.get_by_text(
            "LIVEKIT_E2EE_KEY on the robot" if state == "Not encrypted" else "Ask whoever gave it to you"
        ).wait_for()
