"""The LiveKit server of a run: one process, ports and keys of its own."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass

from suite import places
from suite.links import Site
from suite.processes import BenchError, Child, Processes
from suite.tokens import Credentials

START_SECONDS = 20.0


@dataclass(frozen=True)
class Server:
    """A running server."""

    child: Child
    url: str
    credentials: Credentials


def start_server(processes: Processes, site: Site) -> Server:
    """Starts a server at the site's server end and waits until it answers."""
    credentials = Credentials("bench", secrets.token_hex(24))
    port = places.free_port()
    config = {
        "port": port,
        "bind_addresses": [site.server_address],
        "rtc": {
            "udp_port": places.free_port(),
            "tcp_port": places.free_port(),
            "node_ip": site.server_address,
            "use_external_ip": False,
            "enable_loopback_candidate": site.server_address.startswith("127."),
        },
        "keys": {credentials.key: credentials.secret},
        "logging": {"level": "warn"},
    }
    # JSON is YAML too.
    environment = places.plain_environment(LIVEKIT_CONFIG=json.dumps(config))
    child = processes.start("livekit-server", site.at_server([places.livekit_server()]), environment)
    deadline = time.monotonic() + START_SECONDS
    while not site.answers(port):
        if child.process.poll() is not None or time.monotonic() > deadline:
            raise BenchError(f"livekit-server does not answer\n{child.tail()}")
        time.sleep(0.05)
    return Server(child, f"ws://{site.server_address}:{port}", credentials)
