"""What every run of tests has: a ROS domain and a LiveKit server of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from livekit_server import LiveKitServer
from robot_network import RobotNetwork
from ros_domain import free_domain


@pytest.fixture(scope="session", autouse=True)
def _own_domain() -> None:
    """Keeps the run, or each of the processes that share it, apart from every other one on this machine."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    os.environ["ROS_DOMAIN_ID"] = str(free_domain(worker, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))))
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    """The LiveKit server of the run."""
    server = LiveKitServer(tmp_path_factory.mktemp("livekit"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def network() -> Iterator[RobotNetwork]:
    """The robot's network, a namespace of its own; TURN servers relay to no loopback address."""
    network = RobotNetwork()
    yield network
    network.close()
