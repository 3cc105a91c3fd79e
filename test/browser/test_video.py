"""Cameras as H.264 video, encoded by the robot's bridge and decoded by the browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from chromium import Tab, colours, pixels, wait_for
from conftest import BridgeFactory
from free_port import free_port
from livekit_server import LiveKitServer
from page_server import PageServer
from ros_side import Peer
from scraper import Scraper

DECODES = "VideoDecoder.isConfigSupported({codec: 'avc1.42E01F'}).then(({supported}) => supported)"

PUBLISH = """
import array
import numpy as np
from sensor_msgs.msg import Image
publisher = node.create_publisher(Image, "/large/image", 10)
pixels = np.zeros((480, 640, 3), np.uint8)
count = 0
def publish():
    global count
    pixels[:, :, 0] = np.arange(640) * 3 + 20 * count
    message = Image(height=480, width=640, encoding="rgb8", step=1920, data=array.array("B", pixels.tobytes()))
    message.header.stamp = node.get_clock().now().to_msg()
    publisher.publish(message)
    count += 1
node.create_timer(0.2, publish)
"""


def test_a_camera_moves_as_video(tab: Tab, pictures: Path) -> None:
    tab.wait_live()
    if not tab.page.evaluate(DECODES):
        pytest.skip("this Chromium decodes no H.264: THE VIDEO WAS NOT TESTED")
    kinds = tab.panel("picture").get_by_label("Kind of pictures")
    wait_for(lambda: kinds.locator("option").all_inner_texts()[:1] == ["video"], "video among the camera's topics", tab)
    kinds.select_option("video")
    tab.wait_changing("picture", times=5)
    assert "160 \u00d7 120" in tab.panel("picture").inner_text()
    assert colours(pixels(tab.canvas("picture"))) > 20
    tab.panel("picture").screenshot(path=pictures / "video.png")


@pytest.fixture
def camera() -> Iterator[Peer]:
    """A node whose camera has pictures of 640 x 480, which the small video halves."""
    peer = Peer("large_camera")
    peer.run(PUBLISH)
    yield peer
    peer.close()


def test_a_small_panel_watches_the_small_video(
    own_bridge: BridgeFactory, chromium: Browser, server: LiveKitServer, site: PageServer, room: str, camera: Peer
) -> None:
    port = free_port()
    own_bridge(metrics_address=f"127.0.0.1:{port}")
    tab = Tab(chromium, [{"id": "camera", "kind": "picture", "topic": "/large/image/video"}])
    tab.open(site.url, server.url, Tab.token(server, room, "operator")).wait_live()
    if not tab.page.evaluate(DECODES):
        pytest.skip("this Chromium decodes no H.264: THE VIDEO WAS NOT TESTED")
    metrics = Scraper(port)

    def wait_watched(video: str, other: str, size: str) -> None:
        def viewers(name: str) -> float:
            return metrics.value("topic_viewers", topic=f"/large/image/{name}") or 0

        def is_shown() -> bool:
            alone = (viewers(video), viewers(other)) == (1, 0)
            return alone and size in tab.panel("picture").inner_text()

        wait_for(is_shown, f"{video} alone, in its size", tab)

    wait_watched("video", "video_small", "640 \u00d7 480")
    tab.page.set_viewport_size({"width": 300, "height": 700})
    wait_watched("video_small", "video", "320 \u00d7 240")
    tab.page.set_viewport_size({"width": 1400, "height": 900})
    wait_watched("video", "video_small", "640 \u00d7 480")
    tab.close()
    assert tab.errors == []
