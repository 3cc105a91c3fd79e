"""The fixtures: the page in a real browser beside a real server, bridge and demo robot."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from bridge_process import Bridge
from chromium import ARGUMENTS, Tab
from driving import Commands
from livekit_server import LiveKitServer
from page_server import PageServer
from processes import ROOT, ChildProcess
from ros_side import Observer

ROOM = "workshop"
# What viewers may do with the robot of these tests: everything.
RIGHTS = '["clientPublish", "services", "parameters", "parametersSubscribe", "connectionGraph", "assets", "time"]'
TabFactory = Callable[..., Tab]
BridgeFactory = Callable[..., Bridge]


@pytest.fixture(scope="session")
def robot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChildProcess]:
    """The demo robot."""
    log = tmp_path_factory.mktemp("robot") / "robot.log"
    robot = ChildProcess("robot", [sys.executable, str(ROOT / "demo/robot.py")], log)
    yield robot
    robot.stop()


@pytest.fixture(scope="session")
def bridge(server: LiveKitServer, robot: ChildProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    """The robot's bridge. It must survive whatever browsers do."""
    parameters = {"room": ROOM, "name": "Demo robot", "capabilities": RIGHTS}
    bridge = Bridge(tmp_path_factory.mktemp("bridge"), Bridge.credentials(server), parameters)
    bridge.wait_output("joined the room")
    yield bridge
    code = bridge.stop()
    assert code == 0, f"the bridge ended with {code}:\n{bridge.output()[-3000:]}"
    assert "panicked" not in bridge.output()


@pytest.fixture(scope="session")
def site() -> Iterator[PageServer]:
    """The built page as static files."""
    site = PageServer(ROOT / "crates/viewer/web/dist")
    yield site
    site.close()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """The driver of the browser."""
    with sync_playwright() as playwright:
        yield playwright


def launch(playwright: Playwright) -> Browser:
    """Starts a headless Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("Chromium is not in the PATH; install it with: sudo apt install chromium")
    # Root, which continuous integration is, cannot use Chromium's sandbox.
    arguments = [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    return playwright.chromium.launch(executable_path=program, args=arguments)


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The browser of the run; every tab has a profile of its own in it."""
    browser = launch(playwright)
    yield browser
    browser.close()


@pytest.fixture
def new_tab(chromium: Browser, server: LiveKitServer, site: PageServer, bridge: Bridge) -> Iterator[TabFactory]:
    """Opens the page. In the end no tab may have had an error."""
    tabs: list[Tab] = []

    def make(token: str | None = None, **options: object) -> Tab:
        credentials = token or Tab.token(server, ROOM, f"browser-{secrets.token_hex(4)}")
        tabs.append(Tab(chromium, **options))
        return tabs[-1].open(site.url, server.url, credentials)

    yield make
    for tab in tabs:
        tab.close()
    errors = [error for tab in tabs for error in tab.errors]
    assert not errors, "\n".join(errors)


@pytest.fixture
def tab(new_tab: TabFactory) -> Tab:
    """The page with the robot in it."""
    return new_tab()


@pytest.fixture
def observer() -> Iterator[Observer]:
    """A node that watches the ROS graph."""
    observer = Observer()
    yield observer
    observer.close()


@pytest.fixture
def commands(observer: Observer) -> Commands:
    """What the robot is told."""
    return Commands(observer)


@pytest.fixture
def room() -> str:
    """The name of the test's own room."""
    return f"room-{secrets.token_hex(4)}"


@pytest.fixture
def own_bridge(server: LiveKitServer, robot: ChildProcess, tmp_path: Path, room: str) -> Iterator[BridgeFactory]:
    """Starts a bridge for one test, in the test's own room."""
    bridges: list[Bridge] = []

    def start(**parameters: str) -> Bridge:
        given = {"room": room, "name": "Demo robot", "capabilities": RIGHTS, **parameters}
        bridges.append(Bridge(tmp_path, Bridge.credentials(server), given))
        return bridges[-1]

    yield start
    for bridge in bridges:
        bridge.process.send_signal(signal.SIGCONT)
        bridge.stop()


@pytest.fixture
def own_tab(chromium: Browser, server: LiveKitServer, site: PageServer, room: str) -> Iterator[Tab]:
    """The page in the room of `own_bridge`."""
    tab = Tab(chromium).open(site.url, server.url, Tab.token(server, room, "operator"))
    yield tab
    tab.close()
    assert tab.errors == []


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots go, for people to look at: PAGE_SCREENSHOTS, else beside the build."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    directory = Path(os.environ.get("PAGE_SCREENSHOTS", target / "page-screenshots"))
    directory.mkdir(parents=True, exist_ok=True)
    return directory
