"""The bridge is a ROS 2 node like any other: name, namespace, remapping, simulated time, parameters."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import rclpy
from rcl_interfaces.msg import ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters
from rosgraph_msgs.msg import Clock

from bridge_process import NO_CREDENTIALS, executable
from conftest import BridgeFactory, ViewerFactory
from processes import wait_until
from ros_side import Observer, Publisher

TOPIC = "/node_test"


def test_it_has_the_name_of_its_package(new_bridge: BridgeFactory, observer: Observer) -> None:
    new_bridge()
    observer.wait_node("remote_access_bridge")


def test_name_and_namespace_are_remapped(new_bridge: BridgeFactory, observer: Observer) -> None:
    new_bridge(ros_arguments=["-r", "__ns:=/robots/r2", "-r", "__node:=uplink"])
    observer.wait_node("uplink", "/robots/r2")


def test_a_topic_of_its_own_is_remapped(new_bridge: BridgeFactory, observer: Observer) -> None:
    # Others' topics are offered under their names on the graph, whatever the node's own remappings.
    new_bridge(ros_arguments=["-r", "/rosout:=/bridge_log"])
    wait_until(
        lambda: [i for i in observer.node.get_publishers_info_by_topic("/bridge_log") if i.node_name == "remote_access_bridge"],
        "publisher of /bridge_log",
    )


def ended(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the bridge without a server, which it must end by itself."""
    everything = {**os.environ, **NO_CREDENTIALS, "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s", **environment}
    return subprocess.run([executable(), *arguments], env=everything, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("given", ["argument", "file"])
def test_an_empty_list_is_a_list(given: str, new_bridge: BridgeFactory, observer: Observer, tmp_path: Path) -> None:
    arguments = ["-p", "topic_whitelist:=[]"]
    if given == "file":
        # The second is meant for another node.
        file = tmp_path / "parameters.yaml"
        file.write_text("/**:\n  ros__parameters:\n    topic_whitelist: []\n    plugins: []\n")
        arguments = ["--params-file", str(file)]
    bridge = new_bridge(ros_arguments=arguments)
    bridge.wait_output("joined the room")
    assert parameter(observer, "topic_whitelist").string_array_value == []
    assert ("plugins that this node does not have" in bridge.output()) == (given == "file")


def parameter(observer: Observer, name: str, node: str = "/remote_access_bridge") -> ParameterValue:
    """The value of a parameter of the running bridge."""
    values = observer.call(GetParameters, f"{node}/get_parameters", GetParameters.Request(names=[name]))
    return values.values[0]


def test_sections_and_arguments_count_as_in_rclcpp(new_bridge: BridgeFactory, observer: Observer, tmp_path: Path) -> None:
    file = tmp_path / "parameters.yaml"
    file.write_text(
        """
        /**/uplink: {ros__parameters: {max_qos_depth: 31, min_qos_depth: 2, max_subscriptions: 7}}
        /robots/r2/uplink: {ros__parameters: {min_qos_depth: 3, max_viewer_streams: 5}}
        /robots/r3/uplink: {ros__parameters: {min_qos_depth: 4, no_parameter: 4}}
        /*/uplink: {ros__parameters: {min_qos_depth: 5}}
        """
    )
    arguments = ["-r", "__ns:=/robots/r2", "-r", "__node:=uplink", "--params-file", str(file), "-p", "max_viewer_streams:=6"]
    new_bridge(ros_arguments=arguments)
    node = "/robots/r2/uplink"
    observer.wait_node("uplink", "/robots/r2")
    names = ["max_qos_depth", "min_qos_depth", "max_subscriptions", "max_viewer_streams"]
    assert [parameter(observer, name, node).integer_value for name in names] == [31, 3, 7, 6]


def test_a_number_may_be_a_text_and_a_text_a_list(new_bridge: BridgeFactory, observer: Observer) -> None:
    new_bridge({"name": "007", "topic_denylist": "/secret.*"})
    observer.wait_node("remote_access_bridge")
    assert parameter(observer, "name").string_value == "007"
    assert parameter(observer, "topic_denylist").string_array_value == ["/secret.*"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fly"], ["--fly", "--help"]),
        (["-p", "room:=a"], ["--ros-args"]),
        (["--ros-args", "--fly"], ["--fly"]),
        (["--ros-args", "-p", "topic_whitlist:=[]"], ["no parameter topic_whitlist (-p)", "is topic_whitelist meant?"]),
        (["--ros-args", "-p", "room:=a", "-p", "max_qos_depth:=0"], ["max_qos_depth", "from 1 to 10000", "given is 0 (-p)"]),
        (["--ros-args", "-p", "room:=a", "-p", "diagnostics:='true'"], ["diagnostics", "true or false", "'true'"]),
        (["--ros-args", "--params-file", "/nowhere.yaml"], ["/nowhere.yaml"]),
        (["--ros-args", "-p", "room:=''"], ["room"]),
        (["--ros-args", "-p", "room:=a", "-p", "capabilities:=fly"], ["capabilities", "fly"]),
        (["--ros-args", "-p", "room:=a", "-p", "metrics_address:=9464"], ["metrics_address", "127.0.0.1:9464"]),
        (["--ros-args", "-p", "room:=a", "-p", "service_timeouts:=x"], ["service_timeouts", "regex=milliseconds"]),
    ],
)
def test_a_wrong_configuration_has_an_exit_code_of_its_own(arguments: list[str], said: list[str]) -> None:
    result = ended(*arguments)
    assert result.returncode == 78, result.stderr
    assert len(result.stderr.splitlines()) == 1
    for text in said:
        assert text in result.stderr


def test_a_section_for_this_node_alone_has_no_unknown_parameters(tmp_path: Path) -> None:
    file = tmp_path / "parameters.yaml"
    file.write_text("remote_access_bridge:\n  ros__parameters:\n    rooms: a\n    qos_overrides: {/tf: {depth: 1}}\n")
    result = ended("--ros-args", "--params-file", str(file), "-p", "room:=a")
    assert result.returncode == 78
    assert f"no parameter rooms (section remote_access_bridge of {file}); is room meant?" in result.stderr


def test_messages_carry_simulated_time(
    new_bridge: BridgeFactory, publisher: Publisher, observer: Observer, new_viewer: ViewerFactory
) -> None:
    clock = observer.node.create_publisher(Clock, "/clock", 10)
    new_bridge({"use_sim_time": "true"})
    viewer = new_viewer()
    publisher.advertise(TOPIC, "std_msgs/msg/String")
    viewer.subscribe(TOPIC)
    publisher.match(TOPIC)
    wait_until(lambda: clock.get_subscription_count() > 0, "subscription on /clock")
    stamp = rclpy.time.Time(seconds=1234, nanoseconds=5).to_msg()

    def stamped() -> bool:
        clock.publish(Clock(clock=stamp))
        publisher.publish(TOPIC)
        return any(message.log_time == 1234 * 10**9 + 5 for message in viewer.messages(TOPIC))

    wait_until(stamped, "message with simulated time", pause=0.2)


def test_its_parameters_are_those_of_the_table(new_bridge: BridgeFactory, observer: Observer) -> None:
    new_bridge({"max_qos_depth": "17"})
    table = json.loads(subprocess.check_output([executable(), "--print-parameters"], text=True))
    names = [each["name"] for each in table]
    node = "/remote_access_bridge"
    listed = observer.call(ListParameters, f"{node}/list_parameters", ListParameters.Request())
    assert set(names) <= set(listed.result.names)
    described = observer.call(DescribeParameters, f"{node}/describe_parameters", DescribeParameters.Request(names=names))
    for each, descriptor in zip(table, described.descriptors, strict=True):
        assert descriptor.name == each["name"]
        assert descriptor.type != ParameterType.PARAMETER_NOT_SET
        if each["name"] != "use_sim_time":  # rclrs declares that one by itself
            assert descriptor.description == each["description"]
            assert descriptor.read_only == each["read_only"]
            assert ("restart the node" in descriptor.additional_constraints) == each["read_only"]
            assert len(descriptor.integer_range) == (each["type"] == "integer")
    values = observer.call(GetParameters, f"{node}/get_parameters", GetParameters.Request(names=["max_qos_depth"]))
    assert values.values[0].integer_value == 17


@pytest.mark.parametrize(
    ("name", "value"),
    [("topic_whitelist", '["("]'), ("max_qos_depth", "0"), ("max_qos_depth", "many"), ("min_qos_depth", "-1")],
)
def test_a_wrong_parameter_is_named(new_bridge: BridgeFactory, name: str, value: str) -> None:
    bridge = new_bridge({name: value})
    assert bridge.process.wait(60) not in (0, None)
    assert name in bridge.output()


@pytest.mark.parametrize("option", ["--help", "--version", "--print-parameters"])
def test_it_says_what_it_is(option: str) -> None:
    output = subprocess.check_output([executable(), option], text=True, timeout=60)
    assert "remote_access_bridge" in output or "topic_whitelist" in output
    # A reader that has seen enough is no error.
    reading, writing = os.pipe()
    os.close(reading)
    told = subprocess.run([executable(), option], stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writing)
    assert (told.returncode, told.stderr) == (0, b"")
