"""The table of parameters, the YAML file, both launch files and docs/parameters.md say the same."""

from __future__ import annotations

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ET
from typing import Any

import pytest
import yaml

import launch_standin
from bridge_process import executable
from launch_standin import LaunchContext, ParameterValue, ProcessExited
from processes import ROOT

PACKAGE = "remote_access_bridge"
PYTHON_LAUNCH = ROOT / f"launch/{PACKAGE}.launch.py"
XML_LAUNCH = ROOT / f"launch/{PACKAGE}.launch.xml"
# What the launch files ask for beside the parameters.
STARTING = ["node_name", "namespace", "params_file", "respawn", "respawn_delay", "end_with_launch"]


@pytest.fixture(scope="module")
def table() -> list[dict[str, Any]]:
    """The parameters as the node declares them."""
    return json.loads(subprocess.check_output([executable(), "--print-parameters"], text=True))


@pytest.fixture(scope="module")
def defaults(table: list[dict[str, Any]]) -> dict[str, Any]:
    """Each parameter's default."""
    return {each["name"]: each["default"] for each in table}


def test_the_table_is_complete(table: list[dict[str, Any]]) -> None:
    names = [each["name"] for each in table]
    assert len(set(names)) == len(names)
    assert {"room", "livekit_url", "topic_whitelist", "use_sim_time"} <= set(names)
    for each in table:
        assert each["type"], each
        assert len(each["description"]) > 10, each
        assert not re.search("secret|password|api_key", each["name"]), "a secret never is a parameter"


def test_the_yaml_file_has_every_parameter_with_its_default(defaults: dict[str, Any]) -> None:
    path = ROOT / f"config/{PACKAGE}.yaml"
    assert yaml.safe_load(path.read_text()) == {"/**": {"ros__parameters": defaults}}
    lines = path.read_text().splitlines()
    for name in defaults:
        (number,) = [n for n, line in enumerate(lines) if line.strip().startswith(f"{name}:")]
        assert lines[number - 1].strip().startswith("#"), f"{name} has no comment"


def test_the_node_takes_the_yaml_file(new_bridge: Any) -> None:
    bridge = new_bridge(ros_arguments=["--params-file", str(ROOT / f"config/{PACKAGE}.yaml")])
    bridge.wait_output("joined the room")


def test_the_python_launch_file_has_every_parameter(table: list[dict[str, Any]]) -> None:
    arguments = launch_standin.declared(launch_standin.load(PYTHON_LAUNCH))
    assert list(arguments) == [each["name"] for each in table] + STARTING
    for each in table:
        argument = arguments[each["name"]]
        description, _, shown = argument.description.rpartition(" Default: ")
        found = shown.removeprefix("empty") if each["type"] == "string" else yaml.safe_load(shown)
        assert found == each["default"], each["name"]
        assert description == each["description"]


def test_the_python_launch_file_passes_on_what_was_given(table: list[dict[str, Any]]) -> None:
    description = launch_standin.load(PYTHON_LAUNCH)
    assert launch_standin.start(description).parameters == []
    node = launch_standin.start(
        description,
        room="42",
        topic_whitelist='["/camera/.*", "/tf"]',
        include_hidden="true",
        params_file=str(ROOT / f"config/{PACKAGE}.yaml"),
        namespace="r2",
        node_name="uplink",
        topic_denylist="[]",
    )
    assert node.parameters == [
        str(ROOT / f"config/{PACKAGE}.yaml"),
        {
            "room": ParameterValue("42", value_type=str),
            "topic_whitelist": ["/camera/.*", "/tf"],
            "topic_denylist": [""],
            "include_hidden": True,
        },
    ]
    assert (node.package, node.executable) == (PACKAGE, PACKAGE)
    assert (node.namespace, node.name, node.on_exit) == ("r2", "uplink", None)


def test_the_node_is_started_again_if_asked_but_not_with_a_wrong_configuration() -> None:
    node = launch_standin.start(launch_standin.load(PYTHON_LAUNCH), respawn="true", respawn_delay="0.5", room="a")
    running = LaunchContext({})
    for code in (0, 1, -9):
        (timer,) = node.on_exit(ProcessExited(code), running)
        assert timer.period == 0.5
        (again,) = timer.actions
        assert again.parameters == node.parameters
        assert again.on_exit is not None
    assert node.on_exit(ProcessExited(78), running) == []
    assert node.on_exit(ProcessExited(1), LaunchContext({}, is_shutdown=True)) == []


def test_an_argument_that_is_given_counts_even_if_it_is_the_default() -> None:
    description = launch_standin.load(PYTHON_LAUNCH)
    node = launch_standin.start(description, room="", topic_whitelist="['.*']", min_qos_depth="1")
    assert node.parameters == [{"room": ParameterValue("", value_type=str), "topic_whitelist": [".*"], "min_qos_depth": 1}]


def test_a_parameter_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError, match=r"/nowhere/robot\.yaml"):
        launch_standin.start(launch_standin.load(PYTHON_LAUNCH), params_file="/nowhere/robot.yaml")


def test_an_argument_that_is_no_yaml_is_named() -> None:
    with pytest.raises(ValueError, match=r"topic_whitelist: '\[/tf' is not a YAML value"):
        launch_standin.start(launch_standin.load(PYTHON_LAUNCH), topic_whitelist="[/tf")


def test_a_misspelled_argument_causes_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    launch_standin.start(launch_standin.load(PYTHON_LAUNCH), topic_whitlist="[/tf]", use_simulator="true", robot="a")
    assert caplog.messages == ["there is no argument topic_whitlist; did you mean topic_whitelist?"]


def test_the_node_ends_with_launch_if_asked() -> None:
    description = launch_standin.load(PYTHON_LAUNCH)
    assert launch_standin.start(description).arguments == []
    assert launch_standin.start(description, end_with_launch="true").arguments == ["--end-with-parent"]


def test_the_xml_launch_file_is_the_python_one() -> None:
    (include,) = ET.parse(XML_LAUNCH).getroot()
    assert include.attrib == {"file": f"$(find-pkg-share {PACKAGE})/launch/{PACKAGE}.launch.py"}
    # Arguments that it named would hide those that it forgot.
    assert list(include) == []


def test_the_reference_is_that_of_the_node(table: list[dict[str, Any]]) -> None:
    environment = {**os.environ, "BRIDGE_EXECUTABLE": str(executable())}
    check = ["scripts/docs", "--check"]
    told = subprocess.run(check, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    # Which parameters can be changed is said in words.
    (said,) = re.findall(r"^(.*) can be changed while the node runs", (ROOT / "docs/parameters.md").read_text(), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", said)) == {each["name"] for each in table if not each["read_only"]}
