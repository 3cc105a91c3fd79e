"""Builds the package in a colcon workspace of its own and starts what colcon installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Protocol

PACKAGE = "remote_access_bridge"
INSTALLED = [
    f"lib/{PACKAGE}/{PACKAGE}",
    f"share/{PACKAGE}/package.xml",
    f"share/{PACKAGE}/launch/{PACKAGE}.launch.py",
    f"share/{PACKAGE}/launch/{PACKAGE}.launch.xml",
    f"share/{PACKAGE}/config/{PACKAGE}.yaml",
    f"share/ament_index/resource_index/packages/{PACKAGE}",
]


class Command(Protocol):
    """Runs a program and raises if it fails."""

    def __call__(self, *arguments: str, **environment: str) -> None:
        """Runs it."""


def colcon_check(root: Path, command: Command) -> None:
    """Copies the repository into a new workspace, builds it with colcon, and starts the node from there."""
    with tempfile.TemporaryDirectory(prefix="colcon-") as name:
        workspace = Path(name)
        source = workspace / "src" / PACKAGE
        _copy_repository(root, source)
        _share_target_directory(root, source)
        command(
            "colcon",
            "--log-base",
            str(workspace / "log"),
            "build",
            "--base-paths",
            str(workspace / "src"),
            "--build-base",
            str(workspace / "build"),
            "--install-base",
            str(workspace / "install"),
            "--packages-select",
            PACKAGE,
            "--event-handlers",
            "console_direct+",
            "--cargo-args",
            "--release",
            # The flags that colcon-cargo-ros2 writes would compile every dependency once more.
            RUSTFLAGS="",
        )
        prefix = workspace / "install" / PACKAGE
        for path in INSTALLED:
            assert (prefix / path).exists(), f"colcon did not install {path}"
        _start_installed(workspace)


def _copy_repository(root: Path, to: Path) -> None:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    for name in subprocess.check_output(listed, cwd=root, text=True).split("\0"):
        if name and (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            # Copies that keep their times are taken for built by the shared target directory. The
            # sources of the package itself are new, so that colcon really compiles it.
            copy = shutil.copy if name.startswith("src/") else shutil.copy2
            copy(root / name, to / name)


def _share_target_directory(root: Path, source: Path) -> None:
    """Lets cargo find the dependencies that the other checks compiled."""
    target = os.environ.get("CARGO_TARGET_DIR", str(root / "target"))
    configuration = source / ".cargo/config.toml"
    configuration.parent.mkdir(exist_ok=True)
    configuration.write_text(f'[build]\ntarget-dir = "{target}"\n')


def _start_installed(workspace: Path) -> None:
    """Starts the node in the environment of the workspace; without access to a server it must say so and end."""
    script = f"""
        . {workspace}/install/local_setup.bash
        set -eu
        executable={workspace}/install/{PACKAGE}/lib/{PACKAGE}/{PACKAGE}
        "$executable" --help
        unset LIVEKIT_TOKEN LIVEKIT_API_KEY LIVEKIT_API_SECRET
        said=$("$executable" --ros-args -r __ns:=/colcon 2>&1) && exit 1
        echo "$said"
        echo "$said" | grep -q LIVEKIT_TOKEN
    """
    subprocess.run(["bash", "-c", script], check=True)
