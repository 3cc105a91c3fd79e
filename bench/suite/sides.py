"""The two sides of the comparison: how each starts its robot and what its viewers must say."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from suite import places
from suite.links import Site
from suite.load import Load
from suite.processes import Child, Processes
from suite.server import Server

START_SECONDS = 40.0


@dataclass(frozen=True)
class Robot:
    """A started robot. `process` is what is measured; `producer` may be the same process."""

    process: Child
    producer: Child


class Side(ABC):
    """One column of the table."""

    name: ClassVar[str]
    stream_topic: ClassVar[str]
    viewer_attributes: ClassVar[dict[str, str]] = {}
    viewer_options: ClassVar[tuple[str, ...]] = ()
    viewer_module: ClassVar[str] = "programs.livekit_viewer"

    @abstractmethod
    def start(self, processes: Processes, server: Server, site: Site, room: str, load: Load, confirm_port: int) -> Robot:
        """Starts the robot; its producer is ready when this returns, its connection perhaps not yet."""

    def viewer_arguments(self, server: Server, site: Site, channels: str) -> list[str]:
        """What a viewer is told, apart from its token; `channels` is the prefix of the topics it subscribes to."""
        return [f"--url={server.url}", f"--topic={self.stream_topic}", f"--channels={channels}", *self.viewer_options]


class Bridge(Side):
    """Our side: a ROS 2 publisher and the bridge as two processes."""

    name = "bridge"
    stream_topic = "ws-protocol"
    # What the repository's own viewers do: many streams, a ping every 100 ms.
    viewer_options = ("--many", "--ping=0.1")

    def __init__(self, **parameters: object) -> None:
        self._parameters = parameters

    def start(self, processes: Processes, server: Server, site: Site, room: str, load: Load, confirm_port: int) -> Robot:
        """The publisher first, so that discovery is not part of what is measured."""
        environment = self.environment(
            LIVEKIT_URL=server.url,
            LIVEKIT_API_KEY=server.credentials.key,
            LIVEKIT_API_SECRET=server.credentials.secret,
        )
        publisher = ["python3", *self.publisher(load, confirm_port)]
        producer = processes.start("ROS publisher", site.at_robot(publisher), environment)
        producer.wait_for("ready", START_SECONDS)
        command = [places.bridge_executable(), "--ros-args", "-p", f"room:={room}"]
        if load.idle_services:
            command += ["-p", "capabilities:=[services]", "-p", "viewer_default_rights:=[all]"]
        for name, value in self._parameters.items():
            command += ["-p", f"{name}:={value}"]
        bridge = processes.start("bridge", site.at_robot(command), environment)
        return Robot(bridge, producer)

    def publisher(self, load: Load, confirm_port: int) -> list[str]:
        """The arguments for Python that start the publisher."""
        return ["-m", "programs.ros_publisher", *load.arguments(confirm_port)]

    def environment(self, **extra: str) -> dict[str, str]:
        """For the processes of a run."""
        return places.ros_environment(random.randint(1, 100), **extra)


class Peer(Side):
    """The peer: the vendor's gateway, with a stand-in for the vendor's API."""

    name = "peer"
    stream_topic = "control"
    viewer_attributes: ClassVar = {"protocolVersion": "2.3.0"}

    def start(self, processes: Processes, server: Server, site: Site, room: str, load: Load, confirm_port: int) -> Robot:
        """The stand-in API answers before the gateway asks."""
        port = places.free_port()
        python = str(places.BENCH_PYTHON)
        environment = places.plain_environment(LIVEKIT_TOKEN=server.credentials.mint(room, "robot"))
        api = ["-m", "programs.vendor_api", f"--port={port}", f"--room={room}", f"--livekit-url={server.url}"]
        processes.start("vendor API", site.at_robot([python, *api]), environment)
        gateway = [*self.gateway(load, confirm_port), f"--api-url=http://127.0.0.1:{port}"]
        robot = processes.start("peer gateway", site.at_robot([python, *gateway]), self.environment())
        robot.wait_for("ready", START_SECONDS)
        return Robot(robot, robot)

    def gateway(self, load: Load, confirm_port: int) -> list[str]:
        """The arguments for Python that start the gateway."""
        lossy = [f"--lossy={load.lossy_topic}"] if load.lossy_topic else []
        return ["-m", "programs.peer_gateway", *load.arguments(confirm_port), *lossy]

    def environment(self) -> dict[str, str]:
        """For the gateway."""
        return places.plain_environment()


SIDES: dict[str, Side] = {"bridge": Bridge(), "peer": Peer()}
