"""Cameras as H.264 video, encoded by the robot's bridge and decoded by the browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from chromium import Tab, colours, pixels, wait_for
from conftest import BridgeFactory
from free_port import free_port
from scraper import Scraper

DECODES = "VideoDecoder.isConfigSupported({codec: 'avc1.42E01F'}).then(({supported}) => supported)"


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


def test_a_small_panel_watches_the_small_video(own_bridge: BridgeFactory, own_tab: Tab, pictures: Path) -> None:
    port = free_port()
    own_bridge(metrics_address=f"127.0.0.1:{port}")
    own_tab.wait_live()
    if not own_tab.page.evaluate(DECODES):
        pytest.skip("this Chromium decodes no H.264: THE VIDEO WAS NOT TESTED")
    panel, metrics = own_tab.panel("picture"), Scraper(port)
    panel.get_by_label("Kind of pictures").select_option("video")
    size = panel.locator("[data-small]")

    def wait_watched(video: str, other: str) -> None:
        def viewers(name: str) -> float:
            return metrics.value("topic_viewers", topic=f"/camera/image/{name}") or 0

        wait_for(lambda: (viewers(video), viewers(other)) == (1, 0), f"{video} alone to be watched", own_tab)
        own_tab.wait_changing("picture", times=3)

    own_tab.page.set_viewport_size({"width": 2400, "height": 1800})
    wait_watched("video", "video_small")
    assert size.get_attribute("data-small") == "false"
    own_tab.page.set_viewport_size({"width": 400, "height": 800})
    wait_watched("video_small", "video")
    assert size.get_attribute("title") == "Small video: the panel is small"
    panel.screenshot(path=pictures / "video-small.png")
    own_tab.page.set_viewport_size({"width": 2400, "height": 1800})
    wait_watched("video", "video_small")
