"""`bench/page`: how fast the web page is in headless Chromium, with the real bridge and server.

Two tables: the page while a robot publishes 300 topics, four cameras and clouds of 150,000 points, and its first load.
Build before: `cargo build --release --workspace`.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from bridge_process import Bridge
from chromium import Tab
from conftest import launch
from livekit_server import LiveKitServer
from page_server import PageServer
from processes import ROOT, ChildProcess
from programs.page_robot import CAMERA_HZ, CAMERAS
from ros_domain import free_domain
from suite.case import Figure, number
from suite.table import Table

ROOM = "bench-page"
# Counts what the display and the panels do, and listens for long tasks and paints.
# Of 150,000 points the bridge keeps 75,000 in Draco, which the 3D view begins with.
COUNTERS = """
window.seen = {frames: 0, images: 0, firstImage: 0, scenes: 0, long: [], paints: {}, largest: 0};
const frame = () => { seen.frames += 1; requestAnimationFrame(frame); };
requestAnimationFrame(frame);
const drawImage = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (...what) {
  // Not the map, which is drawn from images too.
  if (this.canvas.closest(".picture") !== null) {
    seen.images += 1;
    // It is seen when the next frame has been drawn.
    if (seen.images === 1) {
      requestAnimationFrame(() => setTimeout(() => { seen.firstImage = performance.now(); }));
    }
  }
  return drawImage.apply(this, what);
};
const drawArrays = WebGL2RenderingContext.prototype.drawArrays;
WebGL2RenderingContext.prototype.drawArrays = function (mode, first, count) {
  seen.scenes += count >= 50000 ? 1 : 0;
  return drawArrays.call(this, mode, first, count);
};
const observe = (type, take) =>
  new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({type, buffered: true});
observe("longtask", (entry) => seen.long.push(entry.duration));
observe("paint", (entry) => { seen.paints[entry.name] = entry.startTime; });
observe("largest-contentful-paint", (entry) => { seen.largest = entry.startTime; });
"""
CAMERA_PANELS = [{"id": f"camera{n}", "kind": "picture", "topic": f"/camera_{n}/compressed"} for n in range(CAMERAS)]
SCENE = {"id": "scene", "kind": "scene"}
VALUES = [f"/module_{n}/sensor_0/value" for n in range(6)]
TREES = [{"id": f"tree{n}", "kind": "tree", "topic": topic} for n, topic in enumerate(VALUES)]
PLOT = {"id": "plot", "kind": "plot", "series": [{"topic": topic, "path": ["data"]} for topic in VALUES]}
DRIVE = {"id": "drive", "kind": "teleop"}
CASES: dict[str, list[dict[str, Any]]] = {
    "300 topics, 6 of them as trees and in a plot": [*TREES, PLOT],
    "four cameras": CAMERA_PANELS,
    "150,000 points, turned by hand": [SCENE],
    "all of it": [*CAMERA_PANELS, SCENE, PLOT, DRIVE],
}
# Loads of the page, since the first picture depends on the moment.
LOADS = 5
# Lighthouse's profile of a phone: as slow a processor, and a network with this round trip and these bytes per second.
PHONE = {"rate": 4}
PHONE_NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}


@dataclass(frozen=True)
class Stand:
    """What every page of the run has."""

    browser: Browser
    server: LiveKitServer
    site: PageServer

    @contextmanager
    def tab(self, panels: list[dict[str, Any]] | None) -> Iterator[Tab]:
        """A tab that has not gone to the page yet."""
        tab = Tab(self.browser, panels)
        tab.page.add_init_script(COUNTERS)
        try:
            yield tab
        finally:
            tab.close()

    def open(self, tab: Tab) -> float:
        """Goes to the page; seconds until the robot is there."""
        start = time.monotonic()
        tab.open(self.site.url, self.server.url, Tab.token(self.server, ROOM, f"page-{time.monotonic_ns()}"))
        tab.wait_live()
        return time.monotonic() - start


def measure_use(stand: Stand, panels: list[dict[str, Any]], seconds: float) -> list[Figure]:
    """The page in use for some seconds."""
    with stand.tab(panels) as tab:
        stand.open(tab)
        cameras = sum(panel["kind"] == "picture" for panel in panels)
        tab.page.wait_for_function(
            "([images, scenes]) => seen.images >= images && seen.scenes >= scenes", arg=[cameras, SCENE in panels]
        )
        tab.page.wait_for_timeout(3000)
        session = tab.page.context.new_cdp_session(tab.page)
        session.send("Performance.enable")
        before, start = metrics(session), tab.page.evaluate("({...seen, long: seen.long.length, now: performance.now()})")
        turn_until(tab, SCENE in panels, time.monotonic() + seconds)
        after, end = metrics(session), tab.page.evaluate("({...seen, now: performance.now()})")
        window = (end["now"] - start["now"]) / 1000
        long = end["long"][start["long"] :]
        rows = [
            Figure("frames/s of the display", number((end["frames"] - start["frames"]) / window)),
            Figure("longest task", number(max(long, default=0), "ms")),
            Figure("tasks over 50 ms, per second", number(len(long) / window)),
            Figure("CPU of the page's main thread", f"{(after['ThreadTime'] - before['ThreadTime']) / window:.0%}"),
            Figure("memory of the page's code", number(tab.memory() / 1e6, "MB")),
        ]
        if cameras:
            drawn = (end["images"] - start["images"]) / window
            rows.append(Figure("images/s drawn, of those published", f"{number(drawn)} of {cameras * CAMERA_HZ}"))
        if SCENE in panels:
            rows.append(Figure("frames/s of the 3D view", number((end["scenes"] - start["scenes"]) / window)))
        return rows


def turn_until(tab: Tab, has_scene: bool, end: float) -> None:
    """Turns the 3D view with the mouse until then, if there is one."""
    if not has_scene:
        tab.page.wait_for_timeout(1000 * (end - time.monotonic()))
        return
    box = tab.canvas("scene").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    step = 0
    while time.monotonic() < end:
        step += 1
        tab.page.mouse.move(x + step % 120 - 60, y)
        tab.page.wait_for_timeout(16)
    tab.page.mouse.up()


def metrics(session: Any) -> dict[str, float]:
    """What the browser counts of a page."""
    return {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}


def measure_load(stand: Stand, is_phone: bool) -> list[Figure]:
    """The first load, with nothing cached, until the robot is there."""
    figures, pictures = load_once(stand, is_phone)
    pictures = [pictures, *(load_once(stand, is_phone)[1] for _ in range(LOADS - 1))]
    first, again = (sorted(each)[LOADS // 2] / 1000 for each in zip(*pictures, strict=True))
    return [
        *figures,
        Figure(f"first picture of its camera, median of {LOADS}", number(first, "s")),
        Figure("first picture, when the page is opened again", number(again, "s")),
    ]


def load_once(stand: Stand, is_phone: bool) -> tuple[list[Figure], tuple[float, float]]:
    """One load, and after how many milliseconds there was a picture: at first, and when the page is opened again."""
    with stand.tab(None) as tab:
        session = tab.page.context.new_cdp_session(tab.page)
        session.send("Network.enable")
        if is_phone:
            session.send("Emulation.setCPUThrottlingRate", PHONE)
            session.send("Network.emulateNetworkConditions", PHONE_NETWORK)
        loaded: list[float] = []
        session.on("Network.loadingFinished", lambda event: loaded.append(event["encodedDataLength"]))
        live = stand.open(tab)
        until_live = sum(loaded)
        tab.page.wait_for_timeout(8000)
        seen = tab.page.evaluate("seen")
        blocking = sum(max(0, each - 50) for each in seen["long"])
        all_loaded = sum(loaded)
        # The same page once more, from the cache: what somebody waits for who uses it every day.
        tab.page.goto("about:blank")
        stand.open(tab)
        tab.page.wait_for_function("seen.firstImage > 0")
        again = tab.page.evaluate("seen.firstImage")
        figures = [
            Figure("first contentful paint", number(seen["paints"]["first-contentful-paint"] / 1000, "s")),
            Figure("largest contentful paint", number(seen["largest"] / 1000, "s")),
            Figure("robot is live", number(live, "s")),
            Figure("longest task", number(max(seen["long"], default=0), "ms")),
            Figure("blocking time: what tasks have beyond 50 ms", number(blocking, "ms")),
            Figure("loaded until live, gz", number(until_live / 1000, "kB")),
            Figure("loaded in all, with the robot's own layout, gz", number(all_loaded / 1000, "kB")),
        ]
        return figures, (seen["firstImage"], again)


def use_once(browser: Browser) -> None:
    """A browser that has been started just now takes half a second longer for whatever it draws first."""
    page = browser.new_page()
    page.set_content("<canvas></canvas>")
    page.evaluate("document.querySelector('canvas').getContext('2d').fillRect(0, 0, 9, 9)")
    page.wait_for_timeout(1000)
    page.close()


def describe(browser: Browser) -> list[str]:
    """On what it was measured."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return [
        f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, {os.cpu_count()} x {cpu}, load average {os.getloadavg()[0]:.1f}",
        f"Chromium {browser.version} headless, 1400 x 900, 3D in software (SwiftShader)",
    ]


def start_robot(stack: ExitStack, directory: Path, server: LiveKitServer, program: Path) -> None:
    """A robot and its bridge."""
    robot = ChildProcess("robot", [sys.executable, str(program)], directory / "robot.log")
    stack.callback(robot.stop)
    rights = '["clientPublish", "services", "parameters", "parametersSubscribe", "connectionGraph", "assets"]'
    parameters = {"room": ROOM, "name": "Busy robot", "capabilities": rights}
    bridge = Bridge(directory, Bridge.credentials(server), parameters)
    stack.callback(bridge.stop)
    bridge.wait_output("joined the room")


def main() -> int:
    """Returns 0."""
    parser = argparse.ArgumentParser(prog="bench/page", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15.0, help="how long each case of use is measured; default 15")
    seconds = parser.parse_args().seconds
    os.environ["ROS_DOMAIN_ID"] = str(free_domain())
    use, load = Table(tuple(CASES)), Table(("this machine", "Lighthouse's phone"))
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = LiveKitServer(directory)
        server.start()
        stack.callback(server.stop)
        site = PageServer(ROOT / "crates/viewer/web/dist", compressed=True)
        stack.callback(site.close)
        browser = launch(stack.enter_context(sync_playwright()))
        stack.callback(browser.close)
        use_once(browser)
        stand = Stand(browser, server, site)
        description = describe(browser)
        with ExitStack() as demo:
            start_robot(demo, directory, server, ROOT / "demo/robot.py")
            for column, is_phone in zip(load.columns, (False, True), strict=True):
                run(load, column, lambda is_phone=is_phone: measure_load(stand, is_phone))
        start_robot(stack, directory, server, ROOT / "bench/programs/page_robot.py")
        for column, panels in CASES.items():
            run(use, column, lambda panels=panels: measure_use(stand, panels, seconds))
    print("\n".join([*description, "", use.markdown(), "", load.markdown()]))
    return 0


def run(table: Table, column: str, measure: Callable[[], list[Figure]]) -> None:
    """Measures a column of a table."""
    print(column, file=sys.stderr, flush=True)
    table.add(column, measure())


if __name__ == "__main__":
    sys.exit(main())
