"""The viewers of a run: participants on the real libwebrtc (Python) or on the Rust SDK."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from suite import places
from suite.links import Site
from suite.processes import BenchError, Child, Processes
from suite.server import Server
from suite.sides import Side

LISTEN_SECONDS = 60.0
PYTHON = "python"
RUST = "rust"


@dataclass(frozen=True)
class ViewerPlan:
    """How the viewers of a run behave."""

    kind: str = PYTHON
    confirm_port: int = 0
    # Prefix of the topics they subscribe to.
    channels: str = "/bench/"


@dataclass
class Viewer:
    """One started viewer."""

    child: Child
    report: dict[str, Any] = field(default_factory=dict)

    def wait_first(self, seconds: float, robot: Child) -> None:
        """Until its first message has arrived; an error when the robot ends before."""
        self.child.wait_for("first", seconds, needs=robot)

    def finish(self, seconds: float = 30.0) -> dict[str, Any]:
        """Ends it and keeps its report."""
        self.child.ask_to_end()
        self.report = self.child.wait_for("report", seconds)
        return self.report


def start_viewer(
    processes: Processes, server: Server, site: Site, side: Side, room: str, plan: ViewerPlan, number: int
) -> Viewer:
    """Starts a viewer at the server's end of the site."""
    identity = f"viewer-{number}"
    environment = places.plain_environment(LIVEKIT_TOKEN=server.credentials.mint(room, identity, side.viewer_attributes))
    program = [places.rust_viewer()] if plan.kind == RUST else [str(places.BENCH_PYTHON), "-m", side.viewer_module]
    arguments = side.viewer_arguments(server, site, plan.channels)
    if plan.confirm_port:
        arguments.append(f"--confirm-port={plan.confirm_port}")
    return Viewer(processes.start(f"viewer {number}", site.at_server([*program, *arguments]), environment))


def start_gateway(processes: Processes, server: Server, site: Site, room: str) -> tuple[Child, int]:
    """Starts the viewer gateway at the server's end of the site; also the port that it listens on."""
    port = places.free_port()
    credentials = server.credentials
    environment = places.plain_environment(
        LIVEKIT_URL=server.url, LIVEKIT_API_KEY=credentials.key, LIVEKIT_API_SECRET=credentials.secret
    )
    program = [places.viewer_gateway_executable(), f"--room={room}", f"--port={port}"]
    gateway = processes.start("viewer gateway", site.at_server(program), environment)
    deadline = time.monotonic() + LISTEN_SECONDS
    while not site.answers(port):
        gateway.check_alive()
        if time.monotonic() > deadline:
            raise BenchError(f"the viewer gateway does not listen\n{gateway.tail()}")
        time.sleep(0.05)
    return gateway, port
