"""The robot's satellite position lies over the map of a server that the user names, and of nobody else's."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chromium import Tab, pixels, wait_for
from conftest import TabFactory
from messages import message_class
from ros_side import Observer

FIX = {"id": "fix", "kind": "fix"}
# A place in Berlin, and the tile that it lies in at the level nearest to the panel's 4 pixels per metre.
LATITUDE, LONGITUDE = 52.5, 13.4
TILE = "/19/281659/171990.png"
COLOUR = (0, 160, 60)


class TileServer:
    """A tile server whose tiles are all of one colour."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str | None]] = []
        picture = io.BytesIO()
        Image.new("RGB", (256, 256), COLOUR).save(picture, "PNG")
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requests.append((self.path, self.headers["Referer"]))
                self.send_response(200)
                self.send_header("Content-Type", "image/png")
                self.end_headers()
                self.wfile.write(picture.getvalue())

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class names it so
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.template = f"http://127.0.0.1:{self._server.server_port}/{{z}}/{{x}}/{{y}}.png"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def tiles() -> Iterator[TileServer]:
    """The server that the user names."""
    server = TileServer()
    yield server
    server.close()


def coloured(tab: Tab) -> int:
    """How many pixels of the panel the tiles have."""
    near = np.abs(np.asarray(pixels(tab.canvas("fix"))).astype(int) - COLOUR).max(axis=2) < 12
    return int(np.count_nonzero(near))


def test_the_map_is_that_of_the_server_that_the_user_names(
    new_tab: TabFactory, observer: Observer, tiles: TileServer, pictures: Path
) -> None:
    fix = message_class("sensor_msgs/msg/NavSatFix")
    publisher = observer.node.create_publisher(fix, "/fix", 1)
    message = fix(latitude=LATITUDE, longitude=LONGITUDE)
    message.status.status = 0
    timer = observer.node.create_timer(0.2, lambda: publisher.publish(message))
    tab = new_tab(panels=(FIX,))
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    tab.wait_live()
    panel = tab.panel("fix")
    panel.get_by_text(re.compile(r"52\.500000\u00b0, 13\.400000\u00b0")).wait_for()
    assert coloured(tab) == 0
    assert not [url for url in asked if url.endswith(".png")]
    panel.get_by_text("Map tiles").click()
    field = panel.get_by_label("Tile server")
    field.fill("tiles.example.com")
    panel.get_by_role("button", name="Use").click()
    panel.get_by_role("status").filter(has_text="{z}/{x}/{y}").wait_for()
    field.fill(tiles.template)
    panel.get_by_role("button", name="Use").click()
    panel.get_by_text("Map tiles").click()
    box = tab.canvas("fix").bounding_box()
    assert box is not None
    wait_for(lambda: coloured(tab) > 0.8 * box["width"] * box["height"], "map below the robot", tab)
    panel.screenshot(path=pictures / "tiles.png")
    paths = [path for path, _ in tiles.requests]
    assert TILE in paths
    # Each once, and the server is not told whose page asks.
    assert len(paths) == len(set(paths))
    assert {referer for _, referer in tiles.requests} == {None}
    timer.cancel()
