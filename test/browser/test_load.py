"""The page stays usable while more comes in than it can draw."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bridge_process import Bridge
from chromium import PICTURE, Tab, wait_for
from livekit_server import LiveKitServer
from page_server import PageServer
from processes import ChildProcess

# Beside other tests, without a graphics card, most of it goes to drawing.
FLOOD_SECONDS = 300
# Counts the display's frames and the pictures that are drawn.
COUNTERS = """
window.seen = { frames: 0, pictures: 0 };
const frame = () => { seen.frames += 1; requestAnimationFrame(frame); };
requestAnimationFrame(frame);
const put = CanvasRenderingContext2D.prototype.putImageData;
CanvasRenderingContext2D.prototype.putImageData = function (...what) { seen.pictures += 1; put.apply(this, what); };
"""
# Counts how often the shown number is drawn anew.
WATCH_NUMBER = """number => {
  seen.numbers = 0;
  new MutationObserver(() => { seen.numbers += 1; }).observe(number, { characterData: true, childList: true, subtree: true });
}"""


@pytest.fixture
def flood(server: LiveKitServer, tmp_path: Path) -> Iterator[str]:
    """A room with a robot that publishes too much."""
    room = f"flood-{secrets.token_hex(4)}"
    program = ChildProcess("flood", [sys.executable, str(Path(__file__).with_name("flood.py"))], tmp_path / "flood.log")
    bridge = Bridge(
        tmp_path, Bridge.credentials(server), {"room": room, "name": "Flood", "topic_whitelist": '["/fast", "/big/.*"]'}
    )
    yield room
    bridge.stop()
    program.kill()


def received(tab: Tab, topic: str) -> int:
    """How many messages of a topic came, as of the list's last drawing."""
    return int(tab.topic(topic).get_attribute("data-count") or 0)


def test_a_flood_is_drawn_at_the_pace_of_the_display(
    chromium: Browser, server: LiveKitServer, site: PageServer, flood: str, pictures: Path
) -> None:
    # The raw pictures and points, though the bridge offers them encoded, too.
    scene = {"id": "scene", "kind": "scene", "layers": ["/big/points"]}
    tab = Tab(chromium, panels=({**PICTURE, "topic": "/big/image"}, scene))
    tab.page.add_init_script(COUNTERS)
    tab.open(site.url, server.url, Tab.token(server, flood, "browser"))
    tab.wait_live()
    tab.show("/fast")
    number = tab.panel("tree").get_by_label("vector.x is")
    number.click()
    tab.wait_changing("plot", times=2)
    number.evaluate(WATCH_NUMBER)
    start = tab.page.evaluate("seen.frames")
    before = {topic: received(tab, topic) for topic in ("/fast", "/big/image", "/big/points")}

    def flooded(fast: int, big: int) -> bool:
        now = {topic: received(tab, topic) - count for topic, count in before.items()}
        return now["/fast"] >= fast and now["/big/image"] >= big and now["/big/points"] >= big

    wait_for(lambda: flooded(500, 2), "flood", tab, FLOOD_SECONDS)
    first = tab.memory()
    # Clicks are answered meanwhile.
    for _ in range(3):
        tab.panel("tree").get_by_label("Maximise /fast").click()
        tab.page.locator(".panel.maximized").wait_for()
        tab.panel("tree").get_by_label("Restore /fast").click()
        tab.page.locator(".panel.maximized").wait_for(state="detached")
    wait_for(lambda: flooded(2000, 4), "more of the flood", tab, FLOOD_SECONDS)
    seen = tab.page.evaluate("seen")
    fast, images = received(tab, "/fast") - before["/fast"], received(tab, "/big/image")
    tab.page.screenshot(path=pictures / "flood.png")
    # The display went on, and nothing was drawn more often than it; far from every message was. How
    # often it draws without a graphics card, beside other tests, is not the page's doing.
    frames = seen["frames"] - start
    assert frames > 3, f"{frames} frames while {fast} messages came"
    assert 0 < seen["numbers"] <= min(frames, fast / 10), seen
    assert 0 < seen["pictures"] <= images, (seen, images)
    # Nothing piles up.
    assert tab.memory() < 1.5 * first + 20e6
    tab.close()
    assert tab.errors == []
