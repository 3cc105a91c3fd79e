"""Packages of interfaces in prefixes of their own, beside the installation."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

LOG_LINES = 3000


def build_overlay(package: str, folders: pytest.TempPathFactory) -> Path:
    """Builds a package that lies beside this file; returns the prefix that it is installed in."""
    source = Path(__file__).with_name(package)
    build, prefix = folders.mktemp("build"), folders.mktemp("overlay")
    commands = [
        ["cmake", "-S", source, "-B", build, f"-DCMAKE_INSTALL_PREFIX={prefix}", f"-DPython3_EXECUTABLE={sys.executable}"],
        ["cmake", "--build", build, "--parallel", str(os.cpu_count())],
        ["cmake", "--install", build],
    ]
    for command in commands:
        result = subprocess.run([str(each) for each in command], capture_output=True, text=True, check=False)
        assert result.returncode == 0, (result.stdout + result.stderr)[-LOG_LINES:]
    return prefix


def source_overlay(overlay: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test starts from now on has the overlay in its environment."""
    packages = sysconfig.get_path("purelib", vars={"base": str(overlay)})
    added = {"AMENT_PREFIX_PATH": overlay, "LD_LIBRARY_PATH": overlay / "lib", "PYTHONPATH": packages}
    for name, first in added.items():
        monkeypatch.setenv(name, f"{first}:{os.environ.get(name, '')}".rstrip(":"))
