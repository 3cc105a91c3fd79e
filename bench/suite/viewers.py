"""The viewers of a run: participants on the real libwebrtc (Python) or on the Rust SDK."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from suite import places
from suite.links import Site
from suite.processes import Child, Processes
from suite.server import Server
from suite.sides import Side

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
