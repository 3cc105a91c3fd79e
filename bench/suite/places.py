"""Where the parts are: programs, environments and free ports."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
from functools import cache
from pathlib import Path

from suite.processes import BenchError

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"
# Where the benchmark's own modules are, and those of the demo that it uses.
MODULES = f"{BENCH}:{ROOT / 'demo'}"
BENCH_PYTHON = ROOT / ".deps/bench/bin/python"


def free_port(address: str = "127.0.0.1") -> int:
    """A port that neither TCP nor UDP uses at this moment."""
    for _ in range(50):
        # Below the range the system hands out by itself, so that nobody gets it meanwhile.
        port = random.randint(15_000, 30_000)
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind((address, port))
        except OSError:
            continue
        return port
    raise BenchError("no free port found")


def livekit_server() -> str:
    """The server's executable: `LIVEKIT_SERVER`, from PATH, or built by scripts/setup."""
    built = ROOT / ".deps/bin/livekit-server"
    found = os.environ.get("LIVEKIT_SERVER") or shutil.which("livekit-server")
    if found:
        return found
    if built.exists():
        return str(built)
    raise BenchError("livekit-server is not here: run scripts/setup")


def bridge_executable() -> str:
    """The bridge: `BRIDGE_EXECUTABLE` or the release build."""
    given = os.environ.get("BRIDGE_EXECUTABLE")
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = Path(given) if given else target / "release/remote_access_bridge"
    if not path.exists():
        raise BenchError(f"{path.name} is not built: cargo build --release")
    return str(path)


def rust_viewer() -> str:
    """The viewer on the Rust LiveKit SDK: `BENCH_VIEWER` or the release build."""
    return _built("BENCH_VIEWER", "bench_viewer")


def viewer_gateway_executable() -> str:
    """The viewer gateway: `VIEWER_GATEWAY_EXECUTABLE` or the release build."""
    return _built("VIEWER_GATEWAY_EXECUTABLE", "remote_access_viewer")


def _built(variable: str, name: str) -> str:
    given = os.environ.get(variable)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = Path(given) if given else target / "release" / name
    if not path.exists():
        raise BenchError(f"{path.name} is not built: cargo build --release -p {name}")
    return str(path)


def plain_environment(**extra: str) -> dict[str, str]:
    """For the programs on the benchmark's own Python."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME", "LANG", "TMPDIR") or name.startswith("MALLOC_")
    }
    return {**kept, "PYTHONPATH": MODULES, "PYTHONWARNINGS": "ignore", **extra}


@cache
def _ros_variables() -> dict[str, str]:
    script = os.environ.get("BENCH_ROS_ENV", str(ROOT / "scripts/env"))
    result = subprocess.run(["bash", "-c", f". '{script}' >&2 && env -0"], capture_output=True, text=True, cwd=ROOT, timeout=60)
    if result.returncode != 0:
        raise BenchError(f"no ROS environment: {result.stderr.strip()[-500:]}")
    return dict(line.split("=", 1) for line in result.stdout.split("\0") if "=" in line)


def large_messages() -> dict[str, str]:
    """The variable with which Fast DDS hands on raw images; its name is of the distribution."""
    old = _ros_variables().get("ROS_DISTRO") in ("humble", "jazzy")
    name = "FASTRTPS_DEFAULT_PROFILES_FILE" if old else "FASTDDS_DEFAULT_PROFILES_FILE"
    return {name: str(ROOT / "config/fastdds_large_messages.xml")}


def ros_environment(domain: int, **extra: str) -> dict[str, str]:
    """For ROS processes: the variables of scripts/env, a ROS domain of the run's own, loopback only."""
    variables = dict(_ros_variables())
    old = variables.get("PYTHONPATH")
    variables["PYTHONPATH"] = f"{MODULES}:{old}" if old else MODULES
    variables["ROS_DOMAIN_ID"] = str(domain)
    variables["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    return {**variables, **extra}
