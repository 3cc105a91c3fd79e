"""`ros2 launch` itself: that of the sourced ROS 2, or one made of its sources.

No package registry has launch. With checkouts of ros2/launch, ros2/launch_ros and ros2/ros2cli in one
directory, ROS_LAUNCH_SOURCES names that directory.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bridge_process import NO_CREDENTIALS, executable
from processes import ROOT, ChildProcess

PACKAGE = "remote_access_bridge"
SOURCES = ["launch/launch", "launch/launch_xml", "launch/launch_yaml", "launch_ros/launch_ros", "launch_ros/ros2launch"]
SOURCES += ["ros2cli/ros2cli", "ros2cli/ros2pkg"]
# What launch_ros imports for kinds of nodes that are not started here, and has no package either.
UNUSED_MESSAGES = ["composition_interfaces", "lifecycle_msgs"]
UNUSED = "from unittest.mock import MagicMock\n\n\ndef __getattr__(name):\n    return MagicMock()\n"


class RealLaunch:
    """Starts launch files of the package with `ros2 launch`."""

    def __init__(self, directory: Path, sources: Path | None) -> None:
        prefixes, modules = [self._install_package(directory / "prefix")], []
        if sources is not None:
            launch = directory / "launch"
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", launch]
            subprocess.run([*pip, *(sources / each for each in SOURCES), "osrf-pycommon"], check=True)
            for package in UNUSED_MESSAGES:
                (launch / package).mkdir()
                for module in ("__init__", "msg", "srv"):
                    (launch / package / f"{module}.py").write_text(UNUSED)
            prefixes.append(launch)
            modules.append(launch)
        self._directory = directory
        self._ros2 = str(modules[0] / "bin/ros2") if modules else "ros2"
        self._environment = {
            **NO_CREDENTIALS,
            "AMENT_PREFIX_PATH": ":".join([*map(str, prefixes), os.environ["AMENT_PREFIX_PATH"]]),
            "PYTHONPATH": ":".join([*map(str, modules), os.environ.get("PYTHONPATH", "")]).strip(":"),
            "ROS_LOG_DIR": str(directory / "log"),
        }

    @staticmethod
    def _install_package(prefix: Path) -> Path:
        share, library = prefix / f"share/{PACKAGE}", prefix / f"lib/{PACKAGE}"
        for name in ("launch", "config"):
            shutil.copytree(ROOT / name, share / name)
        index = prefix / "share/ament_index/resource_index/packages"
        index.mkdir(parents=True)
        (index / PACKAGE).touch()
        library.mkdir(parents=True)
        (library / PACKAGE).symlink_to(executable())
        return prefix

    def start(self, kind: str, *arguments: str, **environment: str) -> ChildProcess:
        """Starts the launch file of a kind: py or xml."""
        command = [self._ros2, "launch", PACKAGE, f"{PACKAGE}.launch.{kind}", *arguments]
        number = len(list(self._directory.glob("launch-*.log")))
        return ChildProcess("launch", command, self._directory / f"launch-{number}.log", {**self._environment, **environment})

    def run(self, kind: str, *arguments: str, **environment: str) -> str:
        """Runs a launch file that ends by itself; returns what it said."""
        process = self.start(kind, *arguments, **environment)
        try:
            process.wait(60)
        finally:
            process.stop()
        return process.output()
