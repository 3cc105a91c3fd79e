"""Cameras as H.264 video, encoded by the robot's bridge and decoded by the browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from chromium import Tab, colours, pixels, wait_for

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
