"""The sides of `bench/camera_link`: four ways to show a robot's cameras to somebody far away."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from programs.pacing import Stream
from suite import places
from suite.links import Site
from suite.load import Load
from suite.processes import Processes
from suite.server import Server
from suite.sides import START_SECONDS, Bridge, Peer, Robot, Side

STATE = Stream("/bench/state", 200, 20.0)
CAMERA = "/bench/camera"
JPEG_QUALITY = 75
SUPPORT = places.ROOT / "test/support"


@dataclass(frozen=True)
class Scenery:
    """What the robot looks at, and the directory for pictures and video."""

    directory: Path
    cameras: int = 1
    rate: float = 30.0
    # Whether the middleware is set up for messages of this size.
    large_messages: bool = True
    # The bridge's parameters, where they are not the defaults.
    parameters: tuple[tuple[str, object], ...] = ()

    @cached_property
    def topics(self) -> list[str]:
        """Those of the raw images."""
        return [f"{CAMERA}{number}" for number in range(self.cameras)]

    @property
    def scene(self) -> Path:
        """The file for the pictures."""
        return self.directory / "scene.npy"

    @property
    def video(self) -> Path:
        """The file for the first video, as its viewer got it."""
        return self.directory / "video"

    def arguments(self) -> list[str]:
        """The robot's command line."""
        state = f"--state={STATE.topic}:{STATE.size}:{STATE.rate}"
        cameras = [f"--camera={topic}" for topic in self.topics]
        return [f"--rate={self.rate}", f"--scene={self.scene}", state, *cameras]

    def watched(self, suffix: str = "") -> list[str]:
        """What the viewer is told: state and cameras, whose topics end so."""
        wanted = ",".join([STATE.topic, *(topic + suffix for topic in self.topics)])
        return [f"--only={wanted}", f"--header-stamps={CAMERA}"]


class BridgeCameras(Bridge):
    """The bridge beside a publisher of raw images; watched is what the suffix names."""

    def __init__(self, scenery: Scenery, suffix: str, **parameters: object) -> None:
        super().__init__(**dict(scenery.parameters), **parameters)
        self._scenery = scenery
        self.suffix = suffix
        self.viewer_options = (
            *Bridge.viewer_options,
            *scenery.watched(suffix),
            f"--keep={scenery.topics[0]}{suffix}:{scenery.video}",
        )

    def publisher(self, load: Load, confirm_port: int) -> list[str]:
        """The cameras."""
        return ["-m", "programs.camera_publisher", *self._scenery.arguments()]

    def environment(self, **extra: str) -> dict[str, str]:
        """With the scene, and with a middleware that carries it."""
        if self._scenery.large_messages:
            extra |= places.large_messages()
        environment = super().environment(**extra)
        environment["PYTHONPATH"] += f":{SUPPORT}"
        return environment


class WebSocketCameras(Side):
    """foxglove-sdk's WebSocket server on the robot, with raw or JPEG images, reached as through a VPN."""

    name = "websocket"
    stream_topic = ""
    viewer_module = "programs.websocket_viewer"

    def __init__(self, scenery: Scenery, quality: int = 0) -> None:
        self._scenery = scenery
        self._quality = quality
        self._port = places.free_port()

    def start(self, processes: Processes, server: Server, site: Site, room: str, load: Load, confirm_port: int) -> Robot:
        """One process is the whole robot."""
        options = [f"--host={site.robot_address}", f"--port={self._port}", f"--jpeg={self._quality}"]
        program = [str(places.BENCH_PYTHON), "-m", "programs.camera_robot", *self._scenery.arguments(), *options]
        robot = processes.start("WebSocket server", site.at_robot(program), _sdk_environment())
        robot.wait_for("ready", START_SECONDS)
        return Robot(robot, robot)

    def viewer_arguments(self, server: Server, site: Site, channels: str) -> list[str]:
        """The robot's address, instead of the server's."""
        return [f"--url=ws://{site.robot_address}:{self._port}", *self._scenery.watched()]


class PeerCameras(Peer):
    """The peer's gateway, which makes video tracks of the images."""

    name = "peer-video"
    viewer_options: ClassVar[tuple[str, ...]] = ()

    def __init__(self, scenery: Scenery) -> None:
        self._scenery = scenery
        self.viewer_options = tuple(scenery.watched())

    def gateway(self, load: Load, confirm_port: int) -> list[str]:
        """The gateway with the cameras inside."""
        return ["-m", "programs.camera_robot", *self._scenery.arguments()]

    def environment(self) -> dict[str, str]:
        """With the scene."""
        return _sdk_environment()


def _sdk_environment() -> dict[str, str]:
    return places.plain_environment(PYTHONPATH=f"{places.MODULES}:{SUPPORT}")
