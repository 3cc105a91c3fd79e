"""Builds the package as README says, in a colcon workspace of its own, and starts what colcon installed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Protocol

PACKAGE = "remote_access_bridge"
INSTALLED = [
    f"lib/{PACKAGE}/{PACKAGE}",
    f"lib/{PACKAGE}/{PACKAGE}_node",
    f"share/{PACKAGE}/package.xml",
    f"share/{PACKAGE}/launch/{PACKAGE}.launch.py",
    f"share/{PACKAGE}/launch/{PACKAGE}.launch.xml",
    f"share/{PACKAGE}/config/{PACKAGE}.yaml",
    f"share/{PACKAGE}/config/fastdds_large_messages.xml",
    f"share/ament_index/resource_index/packages/{PACKAGE}",
]
# What a later compilation reads of an earlier one.
COMPILED = {".rlib", ".rmeta", ".so"}

# Where scripts/setup has a colcon with colcon-cargo and colcon-ros-cargo. They exclude colcon-cargo-ros2, which is in the PATH.
OTHER_PLUGINS = ".deps/colcon-ros-cargo/bin"
CARGO_ARGUMENTS = "--cargo-args --release --locked"
# Without them cargo would choose other features of the dependencies than the other checks do, and compile
# each once more: ten minutes.
SHARE = f"--workspace --bin {PACKAGE} --bin {PACKAGE}_node"


class Command(Protocol):
    """Runs a program and raises if it fails."""

    def __call__(self, *arguments: str, **environment: str) -> None:
        """Runs it."""


def colcon_check(root: Path, command: Command) -> None:
    """Runs README's commands in a new workspace with ROS 2 sourced and nothing else, with either set of plugins."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", root / "target")).resolve()
    # On the file system of what is compiled, which may be linked then.
    with tempfile.TemporaryDirectory(prefix="colcon-", dir=target) as name:
        workspace = Path(name) / "workspace"
        source = workspace / "src" / PACKAGE
        _copy_repository(root, source)
        _copy_compiled(target / "release", source / "target/release")
        environment = _sourced_ros(root, workspace)
        lock = (source / "Cargo.lock").read_bytes()
        lines = [line.replace(CARGO_ARGUMENTS, f"{CARGO_ARGUMENTS} {SHARE}") for line in _readme_commands(root)]
        (build,) = [line for line in lines if line.startswith("colcon build")]
        forgotten = WITHOUT_CRATES.format(build=build) if os.environ.get("_RAB_ROS") == "wheels" else ""

        def run(commands: str) -> None:
            script = f"set -e\ncd {workspace}\nset -x\n{commands}\n{{ set +x; }} 2>/dev/null\n{START}"
            command("env", "-i", *(f"{name}={value}" for name, value in environment.items()), "bash", "-c", script)
            for path in INSTALLED:
                assert (workspace / "install" / PACKAGE / path).exists(), f"colcon did not install {path}"
            assert (source / "Cargo.lock").read_bytes() == lock, "the build changed Cargo.lock"

        run(forgotten + "\n".join(lines))
        # The other plugins compile in a directory of colcon's. They get what was compiled, and nothing else of the first build.
        for directory in ("build", "install", "log", ".cargo"):
            shutil.rmtree(workspace / directory, ignore_errors=True)
        (workspace / "build").mkdir()
        (source / "target").rename(workspace / "build" / PACKAGE)
        environment["PATH"] = f"{root / OTHER_PLUGINS}:{environment['PATH']}"
        # docs/install.md says why there has to be a terminal. Among the wheels' packages are the first plugins.
        in_terminal = f"env -u PYTHONPATH script -qec {shlex.quote(build)} /dev/null"
        run("\n".join(in_terminal if line == build else line for line in lines))


# Whoever forgets the interface crates, which the wheels lack, reads one sentence and no errors of rclrs.
WITHOUT_CRATES = """{{ set +x; }} 2>/dev/null
said=$({build} 2>&1) && exit 1
if ! grep 'lacks the Rust crates' <<<"$said" || grep 'could not compile' <<<"$said"; then
  echo "$said"
  exit 1
fi
set -x
"""

# Without access to a server the node must say so and end.
START = f"""
executable=install/{PACKAGE}/lib/{PACKAGE}/{PACKAGE}
"$executable" --help | head -n 3
code=0
said=$("$executable" --ros-args -r __ns:=/colcon 2>&1) || code=$?
echo "$said"
test "$code" -eq 78
grep -q LIVEKIT_TOKEN <<<"$said"
"""


def _readme_commands(root: Path) -> list[str]:
    """The commands that install the package, but that which gets the sources."""
    _, _, section = (root / "README.md").read_text().partition("## Install on a robot\n")
    block = re.search(r"(?:^    .+\n)+", section, re.MULTILINE)
    assert block is not None, "README.md has no commands under 'Install on a robot'"
    clone, *commands = (line.strip() for line in block[0].splitlines())
    assert clone.startswith("git clone"), clone
    assert commands[-1] == ". install/setup.bash", commands
    assert any(line.endswith(CARGO_ARGUMENTS) for line in commands), commands
    return commands


def _sourced_ros(root: Path, workspace: Path) -> dict[str, str]:
    """The environment of a user who has sourced ROS 2, and has nothing of this repository's."""
    kept = re.compile(r"HOME|PATH|LANG|TERM|TMPDIR|CARGO_HOME|RUSTUP_\w+|(?i:https?|no)_proxy|ROS_\w+|RMW_\w+|\w+_PREFIX_PATH")
    environment = {name: value for name, value in os.environ.items() if kept.fullmatch(name) or name == "LD_LIBRARY_PATH"}
    overlay = root / f".deps/ros-rust-{environment['ROS_DISTRO']}"
    prefixes = [prefix for prefix in environment["AMENT_PREFIX_PATH"].split(":") if Path(prefix).resolve() != overlay.resolve()]
    environment["AMENT_PREFIX_PATH"] = ":".join(prefixes)
    # Where scripts/rust_interfaces writes to unless told otherwise.
    environment["XDG_DATA_HOME"] = str(workspace.parent / "data")
    if os.environ.get("_RAB_ROS") == "wheels":
        # The wheels lack librmw_implementation.so, which every other ROS 2 has.
        environment["LIBRARY_PATH"] = str(overlay / "lib")
        environment["PYTHONPATH"] = ":".join(map(str, Path(prefixes[0]).glob("lib/python3*/site-packages")))
    return environment


def _copy_repository(root: Path, to: Path) -> None:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    for name in subprocess.check_output(listed, cwd=root, text=True).split("\0"):
        if name and (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            # Copies that keep their times are taken for compiled. The sources of the package itself
            # are new, so that colcon really compiles it.
            copy = shutil.copy if name.startswith("src/") else shutil.copy2
            copy(root / name, to / name)


def _copy_compiled(release: Path, to: Path) -> None:
    """Gives cargo the dependencies that the other checks compiled, and takes nothing back: rclrs is compiled anew."""
    for directory in (".fingerprint", "build"):
        if (release / directory).is_dir():
            shutil.copytree(release / directory, to / directory, symlinks=True, copy_function=shutil.copy2)
    (to / "deps").mkdir(parents=True, exist_ok=True)
    for path in (release / "deps").glob("*"):
        if path.suffix in COMPILED:
            # A compiler replaces such a file and never writes into it.
            _link_or_copy(path, to / "deps" / path.name)
        elif path.suffix == ".d":
            shutil.copy2(path, to / "deps" / path.name)


def _link_or_copy(path: Path, to: Path) -> None:
    try:
        to.hardlink_to(path)
    except OSError:
        shutil.copy2(path, to)
