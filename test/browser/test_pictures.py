"""Pictures of all common encodings come out in their colours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from chromium import Tab, wait_for
from conftest import TabFactory
from ros_side import Peer

RED, BLUE, BLACK, WHITE = (255, 0, 0), (0, 0, 255), (0, 0, 0), (255, 255, 255)
# Rows of four pixels, two rows: what the left pixels are and what the right ones are; the bytes of a row or of both rows.
RED_YUV, BLUE_YUV = (76, 85, 255), (29, 255, 107)
UYVY = [RED_YUV[1], RED_YUV[0], RED_YUV[2], RED_YUV[0], BLUE_YUV[1], BLUE_YUV[0], BLUE_YUV[2], BLUE_YUV[0]]
YUYV = [RED_YUV[0], RED_YUV[1], RED_YUV[0], RED_YUV[2], BLUE_YUV[0], BLUE_YUV[1], BLUE_YUV[0], BLUE_YUV[2]]
RAW: dict[str, tuple[list[int], tuple[int, int, int], tuple[int, int, int]]] = {
    "rgb8": ([255, 0, 0] * 2 + [0, 0, 255] * 2, RED, BLUE),
    "bgr8": ([0, 0, 255] * 2 + [255, 0, 0] * 2, RED, BLUE),
    "rgba8": ([255, 0, 0, 9] * 2 + [0, 0, 255, 9] * 2, RED, BLUE),
    "bgra8": ([0, 0, 255, 9] * 2 + [255, 0, 0, 9] * 2, RED, BLUE),
    "mono8": ([10, 10, 200, 200], (10, 10, 10), (200, 200, 200)),
    # Numbers without a largest value are shown from the least to the most.
    "mono16": ([1, 0, 1, 0, 0, 2, 0, 2], BLACK, WHITE),
    "16UC1": ([232, 3, 232, 3, 136, 19, 136, 19], BLACK, WHITE),
    # 0.5 and 8 metres.
    "32FC1": ([0, 0, 0, 63] * 2 + [0, 0, 0, 65] * 2, BLACK, WHITE),
    "yuv422": (UYVY, RED, BLUE),
    "yuv422_yuy2": (YUYV, RED, BLUE),
}
# A square of four makes one colour.
BAYER = {
    "bayer_rggb8": ([255, 0, 0, 0], [0, 0, 0, 255]),
    "bayer_bggr8": ([0, 0, 0, 255], [255, 0, 0, 0]),
    "bayer_grbg8": ([0, 255, 0, 0], [0, 0, 255, 0]),
    "bayer_gbrg8": ([0, 0, 255, 0], [0, 255, 0, 0]),
}
COMPRESSED = ["jpeg", "png", "webp"]
PUBLISH = """
import io
from PIL import Image as Pillow
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CompressedImage, Image
latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
node.pictures = []
def publish(topic, message):
    node.pictures.append(node.create_publisher(type(message), topic, latched))
    node.pictures[-1].publish(message)
for encoding, rows in {raw}.items():
    publish("/raw_" + encoding.lower(), Image(height=2, width=4, encoding=encoding, step=len(rows) // 2, data=rows))
for format in {compressed}:
    picture = Pillow.new("RGB", (64, 32), (255, 0, 0))
    picture.paste((0, 0, 255), (32, 0, 64, 32))
    out = io.BytesIO()
    picture.save(out, format)
    publish("/compressed_" + format, CompressedImage(format=format, data=out.getvalue()))
depths = Pillow.new("I;16", (4, 2), 1000)
depths.paste(5000, (2, 0, 4, 2))
out = io.BytesIO()
depths.save(out, "PNG")
def publish_depths(topic, format, header):
    publish(topic, CompressedImage(format=format, data=bytes(header) + out.getvalue()))
publish_depths("/compressed_depth", "16UC1; png compressed", 0)
publish_depths("/compressed_depth_transport", "16UC1; compressedDepth png", 12)
result = len(node.pictures)
"""


ANNOTATED = """
from sensor_msgs.msg import CameraInfo, Image
from visualization_msgs.msg import ImageMarker
node.annotated = {name: node.create_publisher(kind, "/annotated/" + name, qos(1, latched=True))
                  for name, kind in {"image": Image, "marks": ImageMarker, "camera_info": CameraInfo}.items()}
node.annotated["image"].publish(Image(height=24, width=32, encoding="mono8", step=32, data=[80] * 768))
def mark(x, y):
    marker = ImageMarker(ns="detector", type=ImageMarker.CIRCLE, filled=1, scale=8.0)
    marker.position.x, marker.position.y = x, y
    marker.outline_color.r = marker.outline_color.a = marker.fill_color.r = marker.fill_color.a = 1.0
    node.annotated["marks"].publish(marker)
node.mark = mark
mark(20.0, 6.0)
"""
# The camera's own pictures are twice as large.
LARGER = """
node.annotated["camera_info"].publish(CameraInfo(width=64, height=48))
node.mark(20.0, 12.0)
"""


@pytest.fixture
def camera() -> Iterator[Peer]:
    """A process with a node."""
    peer = Peer("many_cameras")
    yield peer
    peer.kill()


def test_every_encoding_is_shown_in_its_colours(new_tab: TabFactory, camera: Peer) -> None:
    raw = {encoding: row * 2 for encoding, (row, _, _) in RAW.items()}
    for encoding, (red, blue) in BAYER.items():
        raw[encoding] = [*red[:2], *blue[:2], *red[2:], *blue[2:]]
    expected = {f"/raw_{encoding.lower()}": ends for encoding, (_, *ends) in RAW.items()}
    expected |= {f"/raw_{encoding}": [RED, BLUE] for encoding in BAYER}
    expected |= {f"/compressed_{each}": [RED, BLUE] for each in COMPRESSED}
    # Of their sixteen bits a browser would show the upper eight: nearly black.
    expected |= {f"/compressed_{each}": [BLACK, WHITE] for each in ("depth", "depth_transport")}
    assert camera.run(PUBLISH.format(raw=json.dumps(raw), compressed=COMPRESSED)) == len(expected)
    tab = new_tab(panels=[{"id": topic, "kind": "picture", "topic": topic} for topic in expected])
    tab.wait_live()

    def wrong() -> dict[str, list[list[int]]]:
        return {topic: found for topic, found in corners(tab).items() if not is_close(found, expected[topic])}

    wait_for(lambda: len(corners(tab)) == len(expected), "canvas for every topic", tab)
    wait_for(lambda: not wrong(), "right colours of all topics", tab)


def test_annotations_lie_over_what_they_mark(new_tab: TabFactory, camera: Peer, pictures: Path) -> None:
    camera.run(ANNOTATED)
    tab = new_tab(panels=[{"id": "annotated", "kind": "picture", "topic": "/annotated/image"}])
    tab.wait_live()
    panel = tab.panel("picture")
    wait_for(lambda: corners(tab).get("annotated") == [[80] * 3] * 2, "picture", tab)
    # Nobody says to which camera they belong.
    assert panel.locator("canvas.annotations").count() == 0
    panel.get_by_label("Choose topics").click()
    panel.get_by_label("/annotated/marks").check()
    panel.get_by_label("Choose topics").click()
    wait_for(lambda: marked(tab, 20, 6) == [255, 0, 0, 255], "mark", tab)
    assert marked(tab, 20, 12) == marked(tab, 10, 6) == [0, 0, 0, 0]
    panel.screenshot(path=pictures / "annotations.png")
    # They are on the screen where the picture is.
    boxes = [panel.locator("canvas").nth(number).bounding_box() for number in (0, 1)]
    assert boxes[0] == boxes[1]
    camera.run(LARGER)
    wait_for(lambda: marked(tab, 10, 6) == [255, 0, 0, 255], "mark in the smaller picture", tab)
    assert marked(tab, 20, 6) == [0, 0, 0, 0]


def marked(tab: Tab, x: int, y: int) -> list[int]:
    """The colour of the annotations at a place of the picture."""
    return (
        tab.panel("picture")
        .locator("canvas.annotations")
        .evaluate("(canvas, [x, y]) => [...canvas.getContext('2d').getImageData(x, y, 1, 1).data]", [x, y])
    )


def corners(tab: Tab) -> dict[str, list[list[int]]]:
    """The colours of the first and the last pixel of each topic's picture."""
    return tab.page.locator(".panel canvas").evaluate_all(
        """all => Object.fromEntries(all.map(canvas => [canvas.closest('.panel').id.slice('panel-'.length),
             [[0, 0], [canvas.width - 1, canvas.height - 1]].map(([x, y]) =>
               [...canvas.getContext('2d').getImageData(x, y, 1, 1).data].slice(0, 3))]))"""
    )


def is_close(found: list[list[int]], expected: list[tuple[int, int, int]]) -> bool:
    """Whether colours are the same but for what compression and rounding do to them."""
    return all(abs(a - b) <= 6 for one, other in zip(found, expected, strict=True) for a, b in zip(one, other, strict=True))
