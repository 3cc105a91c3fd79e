"""The robot's side of a test: publishers in processes of their own, and an observer of the graph."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rclpy
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo

from messages import message_class
from processes import wait_until
from spinning import SpinThread

OBSERVER = "test_observer"


class Publisher:
    """A process with a ROS node that publishes on command."""

    def __init__(self, prefix: list[str] | None = None) -> None:
        self._process = subprocess.Popen(
            [*(prefix or []), sys.executable, str(Path(__file__).with_name("publisher.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._types: dict[str, str] = {}
        self._read()

    def advertise(self, topic: str, type_name: str, *, reliable: bool = True, latched: bool = False, depth: int = 10) -> None:
        """Makes a publisher on a topic."""
        self._types[topic] = type_name
        self._do("advertise", topic=topic, type_name=type_name, reliable=reliable, latched=latched, depth=depth)

    def withdraw(self, topic: str) -> None:
        """Destroys the publisher of a topic."""
        self._do("withdraw", topic=topic)

    def publish(self, topic: str, first: int = 0, count: int = 1) -> None:
        """Publishes the messages numbered from `first`."""
        self._do("publish", topic=topic, type_name=self._types[topic], first=first, count=count)

    def match(self, topic: str, count: int = 1) -> None:
        """Waits until so many subscriptions are matched with the publisher."""
        self._do("match", topic=topic, count=count)

    def close(self) -> None:
        """Ends the process as a node ends that is shut down."""
        if self._process.poll() is None:
            self._process.communicate(timeout=30)

    def kill(self) -> None:
        """Ends the process at once."""
        self._process.kill()
        self._process.communicate()

    def _do(self, what: str, **arguments: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, **arguments}) + "\n")
        self._process.stdin.flush()
        self._read()

    def _read(self) -> None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the publisher process ended with {self._process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])


class Peer:
    """A process with a ROS node that runs the code it is sent; what that assigns to `result` comes back."""

    def __init__(self, name: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("ros_peer.py")), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, code: str) -> Any:
        """Runs Python code in the process, where `node` is the node."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(textwrap.dedent(code)) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the peer ended with {self._process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["ok"]

    def signal(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self._process.send_signal(number)

    def close(self) -> None:
        """Ends the process as a node ends that is shut down."""
        if self._process.poll() is None:
            self._process.communicate(timeout=30)

    def kill(self) -> None:
        """Ends the process at once."""
        self._process.kill()
        self._process.communicate()


class Observer:
    """A node of the test's own process that watches the graph and can subscribe to raw messages."""

    def __init__(self) -> None:
        self._context = rclpy.Context()
        self._context.init()
        self.node = rclpy.create_node(OBSERVER, context=self._context)
        self._spinning = SpinThread(self.node, self._context)

    def subscribe_raw(self, topic: str, type_name: str, profile: QoSProfile) -> list[bytes]:
        """Subscribes; the list grows with the serialized messages."""
        received: list[bytes] = []
        self.node.create_subscription(message_class(type_name), topic, received.append, profile, raw=True)
        return received

    def create_subscription(
        self, topic: str, type_name: str, callback: Callable[[Any], None], *, raw: bool = False
    ) -> Subscription:
        """Subscribes to whole messages, or to serialized ones."""
        return self.node.create_subscription(message_class(type_name), topic, callback, 10, raw=raw)

    def subscriptions(self, topic: str) -> list[TopicEndpointInfo]:
        """The subscriptions on a topic that are not the observer's own."""
        infos = self.node.get_subscriptions_info_by_topic(topic)
        return [info for info in infos if info.node_name != OBSERVER]

    def wait_subscriptions(self, topic: str, count: int, seconds: float = 60.0) -> list[TopicEndpointInfo]:
        """Waits until a topic has so many subscriptions."""
        wait_until(lambda: len(self.subscriptions(topic)) == count, f"count of {count} subscriptions on {topic}", seconds)
        return self.subscriptions(topic)

    def wait_node(self, name: str, namespace: str = "/") -> None:
        """Waits until a node is on the graph."""
        wait_until(lambda: (name, namespace) in self.node.get_node_names_and_namespaces(), f"node {namespace} {name}")

    def call(self, service_type: type, name: str, request: object) -> Any:
        """Calls a service and returns the response."""
        client = self.node.create_client(service_type, name)
        assert client.wait_for_service(60)
        future = client.call_async(request)
        wait_until(future.done, f"response of {name}")
        self.node.destroy_client(client)
        return future.result()

    def set_parameter(self, name: str, value: object, node: str = "/remote_access_bridge") -> str:
        """Sets a parameter of a node; returns why it refused, or an empty text."""
        request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
        (result,) = self.call(SetParameters, f"{node}/set_parameters", request).results
        assert result.successful == (result.reason == "")
        return result.reason

    def close(self) -> None:
        """Leaves the graph."""
        self._spinning.close()
        self.node.destroy_node()
        self._context.try_shutdown()
