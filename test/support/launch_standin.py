"""Runs a Python launch file without ROS 2's launch packages, which no package registry has.

Small stand-ins take their places: enough to declare arguments, resolve them and make nodes.
"""

from __future__ import annotations

import logging
import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch


@dataclass
class LaunchContext:
    """The values of the arguments."""

    launch_configurations: dict[str, str]
    is_shutdown: bool = False


@dataclass
class LaunchDescription:
    """What a launch file returns."""

    entities: list[Any]


@dataclass
class DeclareLaunchArgument:
    """An argument."""

    name: str
    default_value: str
    description: str


@dataclass
class OpaqueFunction:
    """A function that makes further entities when the arguments are known."""

    function: Callable[[LaunchContext], list[Any]]


@dataclass
class TimerAction:
    """Further entities after some seconds."""

    period: float
    actions: list[Any]


@dataclass
class ProcessExited:
    """The end of a process."""

    returncode: int


@dataclass
class LaunchConfiguration:
    """A reference to an argument."""

    name: str

    def perform(self, context: LaunchContext) -> str:
        """Resolves it."""
        return context.launch_configurations[self.name]


@dataclass
class ParameterValue:
    """A parameter's value with its type."""

    value: Any
    value_type: type


@dataclass
class Node:
    """A node to start."""

    package: str
    executable: str
    name: str
    namespace: str
    parameters: list[Any]
    output: str
    on_exit: Callable[[ProcessExited, LaunchContext], list[TimerAction]] | None
    arguments: list[str]


def load(path: Path) -> LaunchDescription:
    """Runs a launch file and returns its description."""
    modules = {
        "launch": [LaunchContext, LaunchDescription],
        "launch.actions": [DeclareLaunchArgument, OpaqueFunction, TimerAction],
        "launch.events": [],
        "launch.events.process": [ProcessExited],
        "launch.logging": [],
        "launch.substitutions": [LaunchConfiguration],
        "launch_ros": [],
        "launch_ros.actions": [Node],
        "launch_ros.parameter_descriptions": [ParameterValue],
    }
    made = {}
    for name, contents in modules.items():
        made[name] = ModuleType(name)
        for each in contents:
            setattr(made[name], each.__name__, each)
    made["launch.logging"].get_logger = logging.getLogger
    with patch.dict(sys.modules, made):
        return runpy.run_path(str(path))["generate_launch_description"]()


def declared(description: LaunchDescription) -> dict[str, DeclareLaunchArgument]:
    """The arguments by name."""
    return {each.name: each for each in description.entities if isinstance(each, DeclareLaunchArgument)}


def start(description: LaunchDescription, **given: str) -> Node:
    """The node that the launch file starts with these arguments."""
    values = {name: argument.default_value for name, argument in declared(description).items()}
    (function,) = [each for each in description.entities if isinstance(each, OpaqueFunction)]
    (node,) = function.function(LaunchContext({**values, **given}))
    return node
