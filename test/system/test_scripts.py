"""The scripts that people type: they work from anywhere, twice, and say what is wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bridge_process import executable
from processes import ROOT

# What scripts/env leaves in the environment of this very run must not be taken for an installation.
BARE = {name: os.environ[name] for name in ("PATH", "HOME", "ROS_WHEELS_DISTRO") if name in os.environ}
DISTRO = os.environ["ROS_DISTRO"]


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


def test_without_ros_the_bridge_says_what_to_source(tmp_path: Path) -> None:
    bridge = str(executable())
    helped = run(bridge, "--help", at=tmp_path)
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "--ros-args" in helped.stdout
    assert run(bridge, "--version", at=tmp_path).stdout.startswith("remote_access_bridge ")
    for arguments in (["--check"], ["--ros-args", "-p", "room:=a"], []):
        result = run(bridge, *arguments, at=tmp_path)
        assert result.returncode == 78
        (line,) = result.stderr.splitlines()
        assert "ROS 2 is not sourced" in line
        assert "setup.bash" in line
    # Sourced, but without what the node links.
    result = run(bridge, at=tmp_path, environment={"ROS_DISTRO": "other"})
    assert result.returncode == 78
    assert "built for another ROS 2" in result.stderr


def test_a_build_without_interface_crates_names_them_and_the_command_that_makes_them(tmp_path: Path) -> None:
    build_script = tmp_path / "build"
    subprocess.run(["rustc", "--edition=2021", "-o", build_script, ROOT / "build.rs"], check=True)
    # What is sourced, but nothing that was made for the tests.
    sourced = [prefix for prefix in os.environ["AMENT_PREFIX_PATH"].split(":") if not prefix.endswith(f"ros-rust-{DISTRO}")]

    def said(*prefixes: str, first: str = "") -> str:
        environment = {"ROS_DISTRO": DISTRO, "AMENT_PREFIX_PATH": ":".join(prefixes), "CARGO_MANIFEST_DIR": str(ROOT)}
        result = run("bash", "-c", f"set -e; {first}\n{build_script}", at=tmp_path, environment=environment)
        assert result.returncode == 0, result.stderr
        return "".join(line for line in result.stdout.splitlines(keepends=True) if line.startswith("cargo::error="))

    assert "no ROS 2 is sourced" in said()
    (error,) = said(str(tmp_path)).splitlines()
    assert "of action_msgs, builtin_interfaces, rcl_interfaces, rosgraph_msgs, unique_identifier_msgs;" in error
    command = error.partition("then build again: ")[2].replace("rust_interfaces", f"rust_interfaces {tmp_path}/crates")
    assert said(*sourced, first=command) == ""


@pytest.mark.parametrize(
    "script",
    [
        "setup",
        "demo",
        "test",
        "mutate",
        "release",
        "livekit-tests",
        "official-api",
        "newer-server",
        "docs",
        "deb",
        "arm64",
        "rust_interfaces",
    ],
)
def test_a_script_tells_how_it_is_used(script: str, tmp_path: Path) -> None:
    result = run(str(ROOT / "scripts" / script), "--help", at=tmp_path)
    assert result.returncode == 0
    assert len(result.stdout) > 100


def test_colcon_takes_the_package_and_none_of_the_crates_in_it() -> None:
    # colcon-cargo makes a package of each, in an order that the circles among their tests do not have.
    told = run("cargo", "metadata", "--no-deps", "--offline", "--format-version=1").stdout
    directories = [Path(package["manifest_path"]).parent for package in json.loads(told)["packages"]]
    assert len(directories) > 10
    assert [each for each in directories if not (each / "COLCON_IGNORE").exists()] == [ROOT]


def test_the_checks_are_listed_and_an_unknown_one_is_refused() -> None:
    assert "system" in run("scripts/test", "--list").stdout
    result = run("scripts/test", "--only", "nothing")
    assert result.returncode != 0
    assert "nothing" in result.stderr


def test_every_mutation_still_fits_the_code() -> None:
    result = run(str(ROOT / "scripts/mutate"), "--check")
    assert result.returncode == 0, result.stdout + result.stderr


def release_clone(path: Path) -> Path:
    """A clone with a name to commit under, on which a release can be made."""
    clone = path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    for key, value in (("user.name", "Releaser"), ("user.email", "releaser@example.com")):
        subprocess.run(["git", "config", key, value], cwd=clone, check=True)
    package = clone / "package.xml"
    package.write_text(re.sub('<maintainer email="[^"]+"', '<maintainer email="anna@robots.test"', package.read_text()))
    subprocess.run(["git", "commit", "--quiet", "--all", "--message", "Name the maintainer"], cwd=clone, check=True)
    return clone


def test_a_release_sets_the_version_everywhere_and_dates_the_changelog(tmp_path: Path) -> None:
    clone = release_clone(tmp_path)
    result = run("scripts/release", "7.8.9", at=clone)
    assert result.returncode == 0, result.stderr
    assert "<version>7.8.9</version>" in (clone / "package.xml").read_text()
    lock = (clone / "Cargo.lock").read_text()
    assert 'name = "remote_access_session"\nversion = "7.8.9"' in lock
    assert "## [Unreleased]\n\n## [7.8.9] - 20" in (clone / "CHANGELOG.md").read_text()
    rst = (clone / "CHANGELOG.rst").read_text()
    assert "\n7.8.9 (20" in rst
    assert "* Added: " in rst
    assert "Forthcoming" not in rst
    assert not run("git", "status", "--porcelain", at=clone).stdout
    assert run("git", "describe", at=clone).stdout.strip() == "7.8.9"


@pytest.mark.parametrize(("version", "reason"), [("v1", "MAJOR.MINOR.PATCH"), ("7.8.9", "uncommitted changes")])
def test_a_release_that_cannot_be_made_says_why_and_changes_nothing(version: str, reason: str, tmp_path: Path) -> None:
    clone = release_clone(tmp_path)
    (clone / "stray").touch()
    result = run("scripts/release", version, at=clone)
    assert result.returncode == 1
    assert reason in result.stderr
    assert run("git", "status", "--porcelain", at=clone).stdout == "?? stray\n"


def test_a_release_needs_a_maintainer_who_can_be_reached(tmp_path: Path) -> None:
    clone = release_clone(tmp_path)
    package = clone / "package.xml"
    package.write_text(package.read_text().replace("anna@robots.test", "maintainer@example.org"))
    result = run("scripts/release", "7.8.9", at=clone)
    assert result.returncode == 1
    assert "maintainer" in result.stderr
