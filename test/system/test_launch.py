"""Both launch files with `ros2 launch` itself, where there is one; test_parameters.py reads them everywhere."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rcl_interfaces.msg import ParameterValue
from rcl_interfaces.srv import GetParameters

from bridge_process import Bridge, runs
from livekit_server import LiveKitServer
from processes import ROOT, ChildProcess, wait_until
from real_launch import RealLaunch
from ros_side import Observer

PARAMETERS = ROOT / "config/remote_access_bridge.yaml"
# Starts a launch file that does not end by itself.
Start = Callable[..., ChildProcess]

pytestmark = pytest.mark.skipif(
    shutil.which("ros2") is None and not os.environ.get("ROS_LAUNCH_SOURCES"),
    reason="there is no `ros2 launch`, and ROS_LAUNCH_SOURCES names no sources of it",
)


@pytest.fixture(scope="module")
def launch(tmp_path_factory: pytest.TempPathFactory) -> RealLaunch:
    """`ros2 launch`, which finds the package."""
    sources = os.environ.get("ROS_LAUNCH_SOURCES")
    return RealLaunch(tmp_path_factory.mktemp("launch"), Path(sources) if sources else None)


@pytest.fixture
def start(launch: RealLaunch, server: LiveKitServer, room: str) -> Iterator[Start]:
    """Starts bridges by a launch file. In the end launch must stop them."""
    started: list[ChildProcess] = []

    def start(kind: str, *arguments: str) -> ChildProcess:
        process = launch.start(kind, f"room:={room}", *arguments, **Bridge.credentials(server))
        started.append(process)
        wait_until(lambda: "joined the room" in process.output() or process.exit_code() is not None, "the bridge in the room")
        assert process.exit_code() is None, process.output()
        return process

    yield start
    for process in started:
        process.stop()
        assert not any(runs(pid) for pid in bridges(process)), process.output()


def bridges(launch: ChildProcess) -> list[int]:
    """The process ids of the bridges that launch started, in order."""
    return [int(pid) for pid in re.findall(r"process started with pid \[(\d+)\]", launch.output())]


def parameters(observer: Observer, node: str, *names: str) -> list[ParameterValue]:
    """Parameters of the running bridge."""
    return observer.call(GetParameters, f"{node}/get_parameters", GetParameters.Request(names=names)).values


@pytest.mark.parametrize("kind", ["py", "xml"])
def test_arguments_of_every_kind_reach_the_node(kind: str, start: Start, observer: Observer, tmp_path: Path) -> None:
    file = tmp_path / "robot.yaml"
    file.write_text("/**: {ros__parameters: {capabilities: [clientPublish], max_qos_depth: 3, max_subscriptions: 7, name: file}}")
    start(
        kind,
        f"params_file:={file}",
        "name:=7",
        "topic_whitelist:=[]",
        "topic_denylist:=/secret.*",
        "include_hidden:=true",
        "max_qos_depth:=17",
        # The default of the node, which the file changes.
        "capabilities:=[connectionGraph, parametersSubscribe, time]",
        "namespace:=/robots/r2",
        "node_name:=uplink",
    )
    node = "/robots/r2/uplink"
    observer.wait_node("uplink", "/robots/r2")
    name, whitelist, denylist, hidden, depth, capabilities, subscriptions = parameters(
        observer,
        node,
        "name",
        "topic_whitelist",
        "topic_denylist",
        "include_hidden",
        "max_qos_depth",
        "capabilities",
        "max_subscriptions",
    )
    assert name.string_value == "7"
    # launch passes no empty list; this one means the same.
    assert list(whitelist.string_array_value) == [""]
    assert list(denylist.string_array_value) == ["/secret.*"]
    assert hidden.bool_value
    assert depth.integer_value == 17
    assert list(capabilities.string_array_value) == ["connectionGraph", "parametersSubscribe", "time"]
    assert subscriptions.integer_value == 7


def test_the_parameter_file_of_the_package_is_taken(start: Start, observer: Observer) -> None:
    start("xml", f"params_file:={PARAMETERS}")
    observer.wait_node("remote_access_bridge")


@pytest.mark.parametrize("kind", ["py", "xml"])
@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("params_file:=/nowhere/robot.yaml", "params_file: there is no file /nowhere/robot.yaml"),
        ("topic_whitelist:=[/tf", "topic_whitelist: '[/tf' is not a YAML value"),
        ("max_qos_depth:=0", "parameter max_qos_depth must be a whole number from 1 to 10000"),
        ("max_qos_depth:=many", "parameter max_qos_depth must be a whole number from 1 to 10000"),
        ("capabilities:=fly", "fly"),
        ("topic_whitlist:=[]", "did you mean topic_whitelist?"),
    ],
)
def test_what_is_wrong_is_said_and_the_node_is_not_started_again(
    kind: str, argument: str, said: str, launch: RealLaunch, server: LiveKitServer
) -> None:
    # With a misspelled argument the node would run, if it had a room.
    room = [] if argument.startswith("topic_whitlist") else ["room:=a"]
    arguments = [*room, argument, "respawn:=true", "respawn_delay:=0.1"]
    output = launch.run(kind, *arguments, **Bridge.credentials(server))
    assert said in output
    assert output.count("process started") <= 1


def test_a_killed_node_is_started_again_if_asked(start: Start) -> None:
    launch = start("xml", "respawn:=true", "respawn_delay:=0.1")
    (first,) = bridges(launch)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: launch.output().count("joined the room") == 2, "a second start")
    assert len(bridges(launch)) == 2


def test_a_killed_node_is_not_started_again_unless_asked(start: Start) -> None:
    launch = start("py")
    os.kill(bridges(launch)[0], signal.SIGKILL)
    # With nothing left to run, launch ends.
    launch.wait(60)
    assert len(bridges(launch)) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_node_ends_with_launch_if_asked(number: signal.Signals, start: Start) -> None:
    asked, not_asked = start("xml", "end_with_launch:=true"), start("xml", "node_name:=other", "identity:=other")
    (ends,), (stays,) = bridges(asked), bridges(not_asked)
    for launch in (asked, not_asked):
        launch.send_signal(number)
        launch.wait(60)
    wait_until(lambda: not runs(ends), "the end of the node")
    # This is why one asks.
    assert runs(stays)
    os.kill(stays, signal.SIGKILL)
    wait_until(lambda: not runs(stays), "the end of the other node")
