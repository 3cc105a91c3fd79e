"""A camera whose driver publishes video itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from camera_scene import picture
from conftest import BridgeFactory, PeerFactory, ViewerFactory
from decoding import decode, video_pictures
from overlays import build_overlay, source_overlay
from scenes import likeness, luma

VIDEO = "/front/h264"
IDR = b"\x00\x00\x01\x65"
# A key frame every three seconds.
CAMERA = f"""
    import fractions
    import av
    from foxglove_msgs.msg import CompressedVideo
    from camera_scene import HEIGHT, WIDTH, picture

    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.gop_size = WIDTH, HEIGHT, "yuv420p", 45
    encoder.time_base = fractions.Fraction(1, 15)
    encoder.options = {{"tune": "zerolatency", "preset": "ultrafast", "x264-params": "repeat-headers=1:scenecut=0"}}
    publisher = node.create_publisher(CompressedVideo, "{VIDEO}", 10)
    count = 0

    def publish():
        global count
        frame = av.VideoFrame.from_ndarray(picture(count), format="rgb24")
        frame.pts = count
        for packet in encoder.encode(frame):
            message = CompressedVideo(format="h264", data=bytes(packet))
            message.timestamp.sec = count
            publisher.publish(message)
        count += 1

    node.create_timer(1 / 15, publish)
"""


@pytest.fixture(scope="module")
def overlay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of the message."""
    return build_overlay("foxglove_msgs", tmp_path_factory)


def test_each_viewer_begins_with_a_key_frame(
    overlay: Path,
    monkeypatch: pytest.MonkeyPatch,
    new_bridge: BridgeFactory,
    new_viewer: ViewerFactory,
    new_peer: PeerFactory,
) -> None:
    source_overlay(overlay, monkeypatch)
    new_bridge()
    new_peer("front").run(CAMERA)
    for name in ("first", "second", "third"):
        viewer = new_viewer(name)
        viewer.subscribe(VIDEO)
        messages = viewer.wait_messages(VIDEO, 10)
        coded = [decode(viewer.channels()[VIDEO], message.data) for message in messages]
        assert IDR in bytes(coded[0].data)
        for each, shown in zip(coded, video_pictures(coded), strict=True):
            assert likeness(luma(shown), luma(picture(each.timestamp.sec))) > 0.85
