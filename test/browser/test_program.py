"""The page as the viewer gateway serves it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bridge_process import Bridge
from chromium import Tab, wait_for
from conftest import ROOM
from livekit_server import LiveKitServer
from processes import ChildProcess, built_executable


@pytest.fixture
def program(server: LiveKitServer, bridge: Bridge, tmp_path: Path) -> Iterator[int]:
    """The viewer gateway; gives its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [str(built_executable("remote_access_viewer")), "--room", ROOM, "--port", str(port)]
    program = ChildProcess("viewer", arguments, tmp_path / "viewer.log", Bridge.credentials(server))
    wait_for(lambda: "page: " in program.output() or program.exit_code() is not None, "line with the page's address")
    assert program.exit_code() is None, program.output()[-3000:]
    yield port
    assert program.stop() == 0, program.output()[-3000:]


def test_the_program_shows_its_page_to_two_tabs_with_tokens_of_their_own(chromium: Browser, program: int) -> None:
    tabs = [Tab(chromium, panels=None), Tab(chromium)]
    for tab in tabs:
        refused: list[str] = []
        tab.page.on("console", lambda message, refused=refused: refused.append(message.text))
        tab.page.goto(f"http://localhost:{program}/")
        tab.wait_live()
        tab.wait_changing("picture")
        assert not [line for line in refused if "Content Security Policy" in line]
        assert f"ws://localhost:{program}" in (tab.page.get_by_text("Open in Foxglove").get_attribute("title") or "")
    for kind in ("scene", "map"):
        tabs[0].wait_changing(kind)
    # The second one did not put the first one out of the room.
    tabs[0].wait_live()
    tabs[0].wait_changing()
    for tab in tabs:
        tab.close()
        assert tab.errors == []
