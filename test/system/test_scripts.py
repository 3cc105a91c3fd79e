"""The scripts that people type: they work from anywhere, twice, and say what is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from processes import ROOT

# What scripts/env leaves in the environment of this very run must not be taken for an installation.
BARE = {name: os.environ[name] for name in ("PATH", "HOME", "ROS_WHEELS_DISTRO") if name in os.environ}


def run(*arguments: str, at: Path = ROOT, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a command without the environment of the test run."""
    return subprocess.run(
        arguments, cwd=at, env={**BARE, **(environment or {})}, text=True, capture_output=True, timeout=300, check=False
    )


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_environment_is_set_from_anywhere_and_twice(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    script = f"""
        set -eu
        . {ROOT}/scripts/env; once="$AMENT_PREFIX_PATH $PATH $LD_LIBRARY_PATH"
        . {ROOT}/scripts/env; twice="$AMENT_PREFIX_PATH $PATH $LD_LIBRARY_PATH"
        [ "$once" = "$twice" ]
        python3 -c 'import rclpy, livekit.rtc'
        command -v livekit-server
    """
    result = run(shell, "-c", script, at=tmp_path)
    assert result.returncode == 0, result.stderr


def test_an_environment_that_is_not_set_up_says_so_and_leaves_the_shell_alone(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/env", tmp_path / "scripts/env")
    result = run("bash", "-c", ". scripts/env; echo still here", at=tmp_path)
    assert "run scripts/setup first" in result.stderr
    assert "still here" in result.stdout


def test_a_missing_compiler_is_named(tmp_path: Path) -> None:
    # A machine without Rust and without anything else that is not in the base system.
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "mkdir", "cat", "sed", "env", "flock"):
        found = shutil.which(name)
        if found:
            (tools / name).symlink_to(found)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    result = run(str(tools / "bash"), "scripts/setup", at=tmp_path, environment={"PATH": str(tools)})
    assert result.returncode != 0
    assert "The Rust toolchain is missing" in result.stderr


@pytest.mark.parametrize("script", ["setup", "demo", "test"])
def test_a_script_tells_how_it_is_used(script: str, tmp_path: Path) -> None:
    result = run(str(ROOT / "scripts" / script), "--help", at=tmp_path)
    assert result.returncode == 0
    assert len(result.stdout) > 100


def test_the_checks_are_listed_and_an_unknown_one_is_refused() -> None:
    assert "system" in run("scripts/test", "--list").stdout
    result = run("scripts/test", "--only", "nothing")
    assert result.returncode != 0
    assert "nothing" in result.stderr


def test_every_mutation_of_the_session_still_fits_the_code() -> None:
    result = run(str(ROOT / "scripts/mutate"), "--check")
    assert result.returncode == 0, result.stdout + result.stderr
