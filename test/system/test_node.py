"""The bridge is a ROS 2 node like any other: name, namespace, remapping, simulated time, parameters."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import rclpy
from rcl_interfaces.msg import ParameterType
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters
from rosgraph_msgs.msg import Clock

from bridge_process import executable
from conftest import BridgeFactory, ViewerFactory
from processes import wait_until
from ros_side import Observer, Publisher

TOPIC = "/node_test"


def call(observer: Observer, service_type: type, name: str, request: object) -> object:
    """Calls a service and returns the response."""
    client = observer.node.create_client(service_type, name)
    assert client.wait_for_service(60)
    future = client.call_async(request)
    wait_until(future.done, f"response of {name}")
    observer.node.destroy_client(client)
    return future.result()


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


@pytest.mark.parametrize("given", ["argument", "file"])
def test_an_empty_list_ends_the_start_with_the_cure(given: str, tmp_path: Path) -> None:
    arguments = ["-p", "topic_whitelist:=[]"]
    if given == "file":
        # Meant for any node, and no parameter of the bridge.
        file = tmp_path / "parameters.yaml"
        file.write_text("/**:\n  ros__parameters:\n    plugins: []\n")
        arguments = ["--params-file", str(file)]
    # A bridge that hangs hears no signal but SIGKILL, which a time limit of `run` sends.
    ended = subprocess.run([executable(), "--ros-args", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "write [''] instead" in ended.stderr


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
    listed = call(observer, ListParameters, f"{node}/list_parameters", ListParameters.Request())
    assert set(names) <= set(listed.result.names)
    described = call(observer, DescribeParameters, f"{node}/describe_parameters", DescribeParameters.Request(names=names))
    for each, descriptor in zip(table, described.descriptors, strict=True):
        assert descriptor.name == each["name"]
        assert descriptor.type != ParameterType.PARAMETER_NOT_SET
        if each["name"] != "use_sim_time":  # rclrs declares that one by itself
            assert descriptor.description == each["description"]
            assert descriptor.read_only == each["read_only"]
    values = call(observer, GetParameters, f"{node}/get_parameters", GetParameters.Request(names=["max_qos_depth"]))
    assert values.values[0].integer_value == 17


@pytest.mark.parametrize(
    ("name", "value"),
    [("topic_whitelist", '["("]'), ("max_qos_depth", "0"), ("max_qos_depth", "many"), ("min_qos_depth", "-1")],
)
def test_a_wrong_parameter_is_named(new_bridge: BridgeFactory, name: str, value: str) -> None:
    bridge = new_bridge({name: value})
    assert bridge.process.wait(60) not in (0, None)
    assert name in bridge.output()


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_it_says_what_it_is(option: str) -> None:
    output = subprocess.check_output([executable(), option], text=True, timeout=60)
    assert "remote_access_bridge" in output
