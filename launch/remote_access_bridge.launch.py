"""Starts the bridge. Every parameter of the node is an argument; `--show-args` lists them.

What decides, from weak to strong: the node's defaults, the parameter file, the arguments that
differ from their defaults. The secrets are no arguments: LIVEKIT_URL, LIVEKIT_TOKEN,
LIVEKIT_API_KEY and LIVEKIT_API_SECRET come from the environment.
"""

import yaml
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

# The node's parameters: name, default, description.
PARAMETERS = [
    ("livekit_url", "", "address of the LiveKit server (ws:// or wss://); empty: LIVEKIT_URL of the environment"),
    ("room", "", "room to join; may be empty only where the token names it"),
    ("identity", "", "identity in the room; empty: the host name and a random part"),
    ("name", "", "what viewers see as the robot's name; empty: the host name"),
    ("topic_whitelist", [".*"], "regular expressions; a topic is offered if one matches its whole name"),
    ("include_hidden", False, "offers topics too that have a part beginning with an underscore"),
    ("min_qos_depth", 1, "least depth of a subscription's history, in messages"),
    ("max_qos_depth", 25, "greatest depth of a subscription's history, in messages"),
    ("best_effort_qos_topic_whitelist", [""], "regular expressions; topics that are subscribed best effort in any case"),
    ("use_sim_time", False, "takes the time from /clock"),
]

# How the node is started: name, default, description.
STARTING = [
    ("node_name", "remote_access_bridge", "name of the node"),
    ("namespace", "", "namespace of the node"),
    ("params_file", "", "YAML file with parameters, such as config/remote_access_bridge.yaml; empty: none"),
    ("respawn", "true", "starts the node again when it ended"),
    ("respawn_delay", "2.0", "seconds until it is started again"),
    ("log_level", "info", "least severity that the node logs: debug, info, warn, error"),
]


def as_text(value: object) -> str:
    """The text of an argument that stands for a parameter's value."""
    return value if isinstance(value, str) else yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()


def start_node(context: LaunchContext) -> list[Node]:
    """Makes the node from the arguments as they were given."""
    given = {name: LaunchConfiguration(name).perform(context) for name, _, _ in PARAMETERS + STARTING}
    overrides = {
        # A text such as "42" would be taken for a number if its type were not named.
        name: ParameterValue(given[name], value_type=str) if isinstance(default, str) else yaml.safe_load(given[name])
        for name, default, _ in PARAMETERS
        if given[name] != as_text(default)
    }
    parameters = [given["params_file"]] if given["params_file"] else []
    if overrides:
        parameters.append(overrides)
    return [
        Node(
            package="remote_access_bridge",
            executable="remote_access_bridge",
            name=given["node_name"],
            namespace=given["namespace"],
            parameters=parameters,
            output="screen",
            respawn=yaml.safe_load(given["respawn"]),
            respawn_delay=float(given["respawn_delay"]),
            ros_arguments=["--log-level", given["log_level"]],
        )
    ]


def generate_launch_description() -> LaunchDescription:
    """Declares the arguments and starts the node."""
    arguments = [
        DeclareLaunchArgument(name, default_value=as_text(default), description=description)
        for name, default, description in PARAMETERS + STARTING
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=start_node)])
