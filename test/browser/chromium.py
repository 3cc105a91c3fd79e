"""The page in a tab of a browser, and what tests do there."""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import jwt
from livekit import api
from PIL import Image
from playwright.sync_api import Browser, Locator

from livekit_server import LiveKitServer

ARGUMENTS = [
    # WebRTC on a machine that may have nothing but a loopback interface.
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    # 3D without a graphics card.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    # Nothing that a browser does on its own.
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Milliseconds; only keeps a broken run from hanging.
PATIENCE = 90_000
# What the robots of these tests are called.
NAMES = ("Demo robot", "Second robot", "Attic robot", "Flood", "Busy robot")
PICTURE = {"id": "picture", "kind": "picture", "topic": "/camera/image/compressed"}
DRIVE = {"id": "drive", "kind": "teleop"}
MAP = {"id": "map", "kind": "map"}
PLOT = {"id": "plot", "kind": "plot", "series": [{"topic": "/odom", "path": ["twist", "twist", "linear", "x"]}]}
# Drawing in 3D without a graphics card takes most of the time that a page needs: tests have it only where it is tested.
FEW = (PICTURE, DRIVE)
# Only what is not stored yet: a test may change the panels and load the page again.
STORE = """([names, panels]) => {
  for (const name of location.protocol === "about:" ? [] : names) {
    const key = `remote-access-panels:${name}`;
    if (localStorage.getItem(key) === null) localStorage.setItem(key, JSON.stringify(panels));
  }
}"""


class Tab:
    """A browser profile of its own with the page in it."""

    def __init__(self, browser: Browser, panels: Sequence[dict[str, Any]] | None = FEW, **options: Any) -> None:
        """The page begins with these panels, or with those that it chooses itself."""
        self._context = browser.new_context(**{"viewport": {"width": 1400, "height": 900}, **options})
        self._context.set_default_timeout(PATIENCE)
        if panels is not None:
            self._context.add_init_script(f"({STORE})({json.dumps([NAMES, panels])})")
        self.page = self._context.new_page()
        # What went wrong in the page's own code.
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    @staticmethod
    def token(
        server: LiveKitServer, room: str, identity: str, publish_data: bool = True, rights: dict[str, Any] | None = None
    ) -> str:
        """A token for a viewer, with these rights or those that the robot gives to all."""
        grants = api.VideoGrants(room_join=True, room=room, can_publish=False, can_subscribe=True, can_publish_data=publish_data)
        token = api.AccessToken(server.key, server.secret).with_identity(identity).with_grants(grants)
        if rights is not None:
            claims = {"aud": "remote_access_bridge", "room": room, "sub": identity, "exp": int(time.time()) + 3600}
            grant = jwt.encode({**claims, "rights": rights}, server.secret, algorithm="HS256")
            token = token.with_attributes({"grant": grant})
        return token.to_jwt()

    def open(self, page_url: str, server_url: str, *tokens: str, key: str | None = None) -> Tab:
        """Goes to the page with a connection in its address."""
        keys = [] if key is None else [("key", key)]
        fragment = urlencode([("url", server_url), *(("token", token) for token in tokens), *keys])
        self.page.goto(f"{page_url}#{fragment}")
        return self

    def close(self) -> None:
        """Closes the tab."""
        self._context.close()

    def topic(self, name: str) -> Locator:
        """A topic's row in the list."""
        return self.page.locator(f'.topics li[data-topic="{name}"]')

    def panel(self, kind: str) -> Locator:
        """The first panel of a kind."""
        return self.page.locator(f'.panel[data-kind="{kind}"]').first

    def canvas(self, kind: str) -> Locator:
        """The first canvas of a panel."""
        return self.panel(kind).locator("canvas").first

    def wait_live(self) -> None:
        """Waits until the robot is there."""
        self.page.locator(".state.ok").wait_for()

    def wait_changing(self, kind: str = "picture", times: int = 1) -> None:
        """Waits until the canvas of a panel has changed so many times."""
        seen: set[str] = set()

        def changed() -> bool:
            seen.add(canvas_hash(self.canvas(kind)))
            return len(seen) > times

        wait_for(changed, f"moving {kind}", self)

    def show(self, topic: str, view: str | None = None) -> None:
        """Opens a topic from the list."""
        row = self.topic(topic)
        if view is None:
            row.locator("button.topic").click()
        else:
            row.get_by_label(f"as a {view}").click()

    def memory(self) -> float:
        """Bytes that the page's code holds, after a clean-up."""
        session = self._context.new_cdp_session(self.page)
        session.send("HeapProfiler.collectGarbage")
        usage = session.send("Runtime.getHeapUsage")
        session.detach()
        return usage["usedSize"] + usage.get("backingStorageSize", 0)

    def add(self, name: str) -> None:
        """Adds a panel from the menu."""
        self.menu("Add", name)

    def menu(self, menu: str, name: str) -> None:
        """Chooses something in a menu below the panels."""
        self.page.locator(".page-bar").get_by_role("button", name=menu, exact=True).click()
        self.page.locator(".menu-list:popover-open").get_by_role("button", name=name, exact=True).click()


def wait_for(condition: Callable[[], Any], what: str, tab: Tab | None = None, seconds: float = PATIENCE / 1000) -> Any:
    """Waits until a condition gives something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        assert time.monotonic() < deadline, f"no {what} within {seconds:g} s"
        # The browser's events are handled only while its driver waits.
        if tab is None:
            time.sleep(0.1)
        else:
            tab.page.wait_for_timeout(100)


def pixels(element: Locator) -> Image.Image:
    """What an element looks like on the screen."""
    return Image.open(io.BytesIO(element.screenshot())).convert("RGB")


def canvas_hash(canvas: Locator) -> str:
    """Tells pictures in a canvas apart, without what lies over it."""
    data = canvas.evaluate("canvas => canvas.toDataURL()")
    return hashlib.sha256(data.encode()).hexdigest()


def colours(picture: Image.Image) -> int:
    """How many colours a picture has, near ones taken together."""
    return len(picture.quantize(64).getcolors())
