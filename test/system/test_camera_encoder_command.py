"""Videos that a program beside the bridge encodes."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import pytest

from camera_scene import CAMERA, picture
from conftest import BridgeFactory, ViewerFactory
from decoding import decode, video_pictures
from processes import wait_until
from ros_side import Observer, Peer
from scenes import likeness, luma

JPEG, VIDEO = f"{CAMERA}/jpeg", f"{CAMERA}/video"
# As docs/cameras.md has it.
FFMPEG = (
    "-loglevel error -probesize 32 -f rawvideo -pixel_format yuv420p"
    " -video_size {width}x{height} -framerate {frame_rate} -i -"
    " -c:v libx264 -preset superfast -tune zerolatency -profile:v baseline -threads 1"
    " -b:v {bit_rate} -maxrate {bit_rate} -bufsize {bit_rate} -g {key_frame_frames} -f h264 -flush_packets 1 -"
)


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], list[str]]:
    """Makes a command of a Python script; `log` is a file that it may write to."""

    def make(text: str) -> list[str]:
        file = tmp_path / "encoder.py"
        head = f"import os, sys, time\nlog = open({str(tmp_path / 'log')!r}, 'a', buffering=1)\n"
        file.write_text(head + textwrap.dedent(text))
        return [sys.executable, str(file)]

    return make


def given(command: list[str]) -> dict[str, str]:
    """The parameter."""
    return {"camera_encoder_command": json.dumps(command)}


def ffmpeg() -> list[str]:
    """The command of the documentation."""
    return [imageio_ffmpeg.get_ffmpeg_exe(), *FFMPEG.split()]


def running(command: list[str]) -> list[int]:
    """The processes that run a command."""

    def is_one(process: Path) -> bool:
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            return False
        return words[: len(command[:2])] == command[:2]

    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit() and is_one(each)]


def test_ffmpeg_encodes_each_picture_with_its_own_stamp(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, camera: Peer, observer: Observer
) -> None:
    command = ffmpeg()
    bridge = new_bridge(given(command))
    viewers = [new_viewer(), new_viewer("later")]
    for viewer in viewers:
        viewer.subscribe(VIDEO)
        messages = viewer.wait_messages(VIDEO, 40)
        coded = [decode(viewer.channels()[VIDEO], message.data) for message in messages]
        # One that comes later begins with a key frame, too.
        assert b"\x00\x00\x01\x67" in bytes(coded[0].data)[:8]
        for each, shown in zip(coded, video_pictures(coded), strict=True):
            assert likeness(luma(shown), luma(picture(each.timestamp.sec))) > 0.85
    assert running(command)
    for viewer in viewers:
        viewer.unsubscribe(VIDEO)
    observer.wait_subscriptions(CAMERA, 0)
    wait_until(lambda: not running(command), "end of the program")
    assert "camera_encoder_command" not in bridge.output()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sys.exit('no such device')", "it ended with exit status: 1: no such device"),
        ("print('usage: encode', flush=True); time.sleep(600)", "the stream is not H.264"),
        ("time.sleep(600)", "it has written no frame for 10 s"),
        (None, '"/no/such/program" cannot be started'),
    ],
    ids=["ends", "no video", "stalls", "missing"],
)
def test_a_program_that_fails_is_told_and_started_anew(
    new_bridge: BridgeFactory,
    new_viewer: ViewerFactory,
    camera: Peer,
    script: Callable[[str], list[str]],
    tmp_path: Path,
    text: str | None,
    reason: str,
) -> None:
    command = ["/no/such/program"] if text is None else script(f"log.write('begun\\n')\n{text}")
    bridge = new_bridge(given(command))
    viewer = new_viewer()
    viewer.subscribe(VIDEO, JPEG)
    problem = viewer.wait_status(f"{VIDEO} is not encoded: camera_encoder_command: ")
    assert reason in problem
    # Again and again, and the other sibling is not concerned.
    if text is not None:
        wait_until(lambda: (tmp_path / "log").read_text().count("begun") >= 3, "third start of the program")
    viewer.wait_messages(JPEG, len(viewer.messages(JPEG)) + 10)
    assert not viewer.messages(VIDEO)
    bridge.stop()
    assert not running(command)


def test_a_program_does_not_get_the_keys_of_the_room(
    new_bridge: BridgeFactory, new_viewer: ViewerFactory, camera: Peer, script: Callable[[str], list[str]], tmp_path: Path
) -> None:
    new_bridge(given(script("log.write(' '.join(os.environ) + chr(10))")))
    viewer = new_viewer()
    viewer.subscribe(VIDEO)
    viewer.wait_status(VIDEO)
    names = (tmp_path / "log").read_text().split()
    assert "PATH" in names
    assert not [name for name in names if name.startswith("LIVEKIT")]


def test_what_a_program_started_ends_with_it(new_bridge: BridgeFactory, new_viewer: ViewerFactory, camera: Peer) -> None:
    encoder = ffmpeg()
    # This one does not end with its input.
    other = ["sleep", "612345"]
    new_bridge(given(["sh", "-c", f"{' '.join(other)} & '{encoder[0]}' {' '.join(encoder[1:])}"]))
    viewer = new_viewer()
    viewer.subscribe(VIDEO)
    viewer.wait_messages(VIDEO, 5)
    assert running(encoder)
    assert running(other)
    viewer.unsubscribe(VIDEO)
    wait_until(lambda: not running(encoder) and not running(other), "end of what the shell started")
