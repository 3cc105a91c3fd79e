"""Runs the programs with --check."""

from __future__ import annotations

import os
import subprocess

from bridge_process import NO_CREDENTIALS
from bridge_process import executable as bridge_executable
from viewer_gateway import executable as gateway_executable

PROGRAMS = ["bridge", "gateway"]


def check(program: str, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a program with --check."""
    bridge = [bridge_executable(), "--check", "--ros-args", "-p", "room:=checked", *arguments]
    gateway = [gateway_executable(), "--check", "--room", "checked", *arguments]
    command = bridge if program == "bridge" else gateway
    everything = {**os.environ, **NO_CREDENTIALS, "LIVEKIT_PAGE_TOKENS": "", **environment}
    return subprocess.run(command, env=everything, capture_output=True, text=True, timeout=120, check=False)
