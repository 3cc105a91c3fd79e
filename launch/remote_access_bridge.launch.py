"""Starts the bridge. Every parameter of the node is an argument; `--show-args` lists them.

What decides, from weak to strong: the node's defaults, the parameter file, the arguments that
are given, whatever their values. The secrets are no arguments: LIVEKIT_URL, LIVEKIT_TOKEN,
LIVEKIT_API_KEY and LIVEKIT_API_SECRET come from the environment.
"""

from pathlib import Path

import yaml
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, TimerAction
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

# The node's parameters: name, default, description.
PARAMETERS = [
    ("livekit_url", "", "URL of the LiveKit server. Empty: the environment's LIVEKIT_URL, else ws://localhost:7880."),
    ("room", "", "Room to join. Needed with LIVEKIT_API_KEY; a LIVEKIT_TOKEN names its room itself."),
    ("identity", "", "The node's identity in the room, with LIVEKIT_API_KEY. Empty: the host name and a fixed number."),
    ("name", "", "The robot's name, shown to viewers. Empty: the host name."),
    ("topic_whitelist", [".*"], "Regular expressions of the topics to offer; one must match the full name."),
    ("topic_denylist", [""], "Regular expressions of topics that are never offered."),
    ("include_hidden", False, "Also offer hidden topics, whose name has a part that begins with an underscore."),
    ("min_qos_depth", 1, "Smallest history depth of a ROS subscription."),
    ("max_qos_depth", 25, "Largest history depth of a ROS subscription."),
    (
        "best_effort_qos_topic_whitelist",
        [""],
        "Regular expressions of topics that are subscribed best effort, whatever their publishers offer.",
    ),
    ("message_backlog_size", 1024, "Most messages that wait for one viewer on one topic; the oldest is dropped."),
    ("message_queue_bytes", 134217728, "Most bytes of messages that wait for all viewers together."),
    (
        "max_message_age_ms",
        2000,
        "Age in milliseconds at which a waiting message is dropped; never of latched or small reliable topics.",
    ),
    ("latched_bytes", 67108864, "Most bytes of latched (transient local) messages kept for later viewers."),
    ("unacknowledged_viewer_rate", 250000, "Bytes per second to a viewer that never acknowledges what it gets."),
    (
        "topic_message_rates",
        [""],
        "Messages per second of topics, as '/camera/.*=5'; the first expression that matches counts. Not of latched topics.",
    ),
    ("topic_byte_rates", [""], "Bytes per second of topics, as '/camera/.*=500000'; otherwise as topic_message_rates."),
    ("viewer_rate", 0, "Most bytes per second to one viewer; 0 for no limit."),
    ("uplink_rate", 0, "Most bytes per second to all viewers together, without the headers of the transport; 0 for no limit."),
    ("control_queue_bytes", 33554432, "Most bytes of control messages that wait for one viewer; with more it is started anew."),
    ("max_subscriptions", 2048, "Most topics that one viewer may subscribe to."),
    ("max_total_subscriptions", 16384, "Most subscriptions of all viewers together."),
    ("max_viewer_streams", 8, "Most streams that one viewer may have open to the robot."),
    (
        "viewer_inbound_rate",
        8000000,
        "Bytes per second that one viewer may send, eight seconds' worth at once; with more its stream is ended.",
    ),
    ("inbound_bytes", 134217728, "Most bytes of unfinished messages from all viewers together; one viewer may have 16 MiB."),
    (
        "stream_rotate_bytes",
        4000000000,
        "Bytes after which a byte stream is replaced by a new one; receivers end one at 5,000,000,000.",
    ),
    (
        "capabilities",
        ["connectionGraph", "parametersSubscribe", "time"],
        "What viewers may do: clientPublish, services, parameters (to set), parametersSubscribe, connectionGraph, assets, time.",
    ),
    ("client_topic_whitelist", [".*"], "Regular expressions of the topics that viewers may publish on."),
    ("max_client_channels", 64, "Most topics that one viewer may publish on."),
    (
        "command_topics",
        [".*/cmd_vel([_/].*)?"],
        "Regular expressions of topics that drive the robot: one viewer at a time, and a stop when it leaves or is silent.",
    ),
    ("command_timeout_ms", 500, "Milliseconds without a message after which a stop is published on a command topic."),
    (
        "command_max_age_ms",
        500,
        "Milliseconds on the way after which a command is not obeyed; only of those that tell when they were sent.",
    ),
    (
        "emergency_stop",
        "",
        "Service (Trigger, SetBool, Empty) or topic (Bool, Empty) that STOP on the web page uses as well. Empty: none.",
    ),
    ("service_whitelist", [".*"], "Regular expressions of the services to offer."),
    ("service_timeout_ms", 10000, "Milliseconds until a service call fails that is not answered."),
    ("service_timeouts", [""], "Milliseconds for some services, as '/slow/.*=60000'; the first expression that matches counts."),
    ("max_service_calls", 32, "Most service calls that one viewer may wait for at once."),
    ("param_whitelist", [".*"], "Regular expressions of the parameters to offer, as /node.parameter."),
    ("parameter_timeout_ms", 2000, "Milliseconds until a node that does not answer about its parameters is set aside."),
    (
        "asset_uri_allowlist",
        ["^package://(?:[-\\w%]+/)*[-\\w%.]+\\.(?:dae|fbx|glb|gltf|jpeg|jpg|mtl|obj|png|stl|tif|tiff|urdf|webp|xacro)$"],
        "Regular expressions of the files that viewers may fetch.",
    ),
    (
        "diagnostics",
        False,
        "Publish /diagnostics once a second, and the viewers and what they do on the latched topic ~/viewers.",
    ),
    (
        "metrics_address",
        "",
        "Address and port of metrics for Prometheus, as 127.0.0.1:9464; empty for none. There is no password.",
    ),
    ("use_sim_time", False, "Take the time of messages from the topic /clock."),
]

# How the node is started: name, default, description.
STARTING = [
    ("node_name", "remote_access_bridge", "name of the node"),
    ("namespace", "", "namespace of the node"),
    ("params_file", "", "YAML file with parameters, such as config/remote_access_bridge.yaml; empty: none"),
    ("respawn", "false", "starts the node again when it ended, unless its configuration is wrong (exit code 78)"),
    ("respawn_delay", "2.0", "seconds until it is started again"),
    ("log_level", "info", "least severity that the node logs: debug, info, warn, error"),
]

# The value of an argument for a parameter that is not given: no parameter could want this text.
NOT_GIVEN = "not-given"

# The node's exit code when starting it again would not help (EX_CONFIG).
WRONG_CONFIGURATION = 78


def as_text(value: object) -> str:
    """The text of an argument that stands for a parameter's value."""
    return value if isinstance(value, str) else yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()


def as_parameter(given: str, default: object) -> object:
    """The value that launch passes on for an argument."""
    if isinstance(default, str):
        # A text such as "42" would be taken for a number if its type were not named.
        return ParameterValue(given, value_type=str)
    # launch has no empty lists; to the node a list of an empty text is the same.
    return [""] if (value := yaml.safe_load(given)) == [] else value


def start_node(context: LaunchContext) -> list[Node]:
    """Makes the node from the arguments as they were given."""
    given = {name: LaunchConfiguration(name).perform(context) for name, _, _ in PARAMETERS + STARTING}
    overrides = {name: as_parameter(given[name], default) for name, default, _ in PARAMETERS if given[name] != NOT_GIVEN}
    if given["params_file"] and not Path(given["params_file"]).is_file():
        raise FileNotFoundError(f"params_file: there is no file {given['params_file']}")
    parameters = [given["params_file"]] if given["params_file"] else []
    if overrides:
        parameters.append(overrides)

    def start_again(event: ProcessExited, context: LaunchContext) -> list[TimerAction]:
        # launch's own respawn would start it for ever with the same mistake.
        if context.is_shutdown or event.returncode == WRONG_CONFIGURATION:
            return []
        return [TimerAction(period=float(given["respawn_delay"]), actions=[node()])]

    def node() -> Node:
        return Node(
            package="remote_access_bridge",
            executable="remote_access_bridge",
            name=given["node_name"],
            namespace=given["namespace"],
            parameters=parameters,
            output="screen",
            on_exit=start_again if yaml.safe_load(given["respawn"]) else None,
            ros_arguments=["--log-level", given["log_level"]],
        )

    return [node()]


def generate_launch_description() -> LaunchDescription:
    """Declares the arguments and starts the node."""
    arguments = [
        DeclareLaunchArgument(name, default_value=NOT_GIVEN, description=f"{description} Default: {as_text(default) or 'empty'}")
        for name, default, description in PARAMETERS
    ]
    arguments += [
        DeclareLaunchArgument(name, default_value=default, description=description) for name, default, description in STARTING
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=start_node)])
