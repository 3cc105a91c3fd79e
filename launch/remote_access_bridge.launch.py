"""Starts the bridge. Every parameter of the node is a launch argument; `--show-args` lists them.

Arguments that are given take precedence over the parameter file, which takes precedence over the
node's defaults. Secrets come from the environment and are not arguments: LIVEKIT_TOKEN, or
LIVEKIT_API_KEY and LIVEKIT_API_SECRET.
"""

from difflib import get_close_matches
from pathlib import Path

import yaml
from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, TimerAction
from launch.events.process import ProcessExited
from launch.logging import get_logger
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

# The node's parameters: name, default, description.
PARAMETERS = [
    ("livekit_url", "", "URL of the LiveKit server. Empty: LIVEKIT_URL from the environment, else ws://localhost:7880."),
    ("room", "", "Room to join. Required with LIVEKIT_API_KEY; a LIVEKIT_TOKEN already names its room."),
    (
        "identity",
        "",
        "The bridge's identity in the room, unless a LIVEKIT_TOKEN names it. Empty: the host name with a constant suffix.",
    ),
    (
        "network_interfaces",
        [""],
        "Network interfaces to connect over: regular expressions. Empty: all but the bridges of containers.",
    ),
    ("network_interface_denylist", [""], "Network interfaces never to connect over: regular expressions."),
    ("name", "", "The robot's name as viewers see it. Empty: the host name."),
    ("topic_whitelist", [".*"], "Topics to offer: regular expressions that match the full name."),
    ("topic_denylist", [""], "Topics never to offer, even if topic_whitelist matches: regular expressions."),
    (
        "include_hidden",
        False,
        "Also offer hidden topics and services: those with a part of the name that begins with an underscore.",
    ),
    ("min_qos_depth", 1, "Minimum history depth of a ROS subscription."),
    ("max_qos_depth", 25, "Maximum history depth of a ROS subscription."),
    (
        "best_effort_qos_topic_whitelist",
        [""],
        "Topics to subscribe to as best effort whatever their publishers offer: regular expressions.",
    ),
    ("message_backlog_size", 1024, "Maximum number of messages queued per viewer and topic; the oldest is dropped."),
    ("message_queue_bytes", 134217728, "Maximum bytes of queued messages for all viewers together."),
    (
        "max_message_age_ms",
        2000,
        "Age in milliseconds at which a queued message is dropped. Latched and small reliable topics are exempt.",
    ),
    ("latched_bytes", 67108864, "Maximum bytes of latched (transient local) messages kept for viewers that subscribe later."),
    ("unacknowledged_viewer_rate", 250000, "Bytes per second to a viewer that never acknowledges anything."),
    (
        "topic_message_rates",
        [""],
        "Maximum messages per second by topic, as '/camera/.*=5'; the first match applies. Latched topics are exempt.",
    ),
    (
        "topic_byte_rates",
        [""],
        "Maximum bytes per second by topic, as '/camera/.*=500000'; the first match applies. Latched topics are exempt.",
    ),
    ("camera_topics", [".*"], "Image topics to offer encoded as well, as TOPIC/video, TOPIC/jpeg …: regular expressions."),
    ("camera_topic_denylist", [""], "Image topics, or encoded ones, never to offer encoded: regular expressions."),
    (
        "camera_lossless_topics",
        [".*(depth|disparity|label|mask|segment).*"],
        "Image topics of measurements, to offer as TOPIC/png without loss and in no other way: regular expressions.",
    ),
    (
        "camera_codecs",
        ["jpeg", "video", "video_small", "png"],
        "Codecs for image topics: jpeg, video (H.264), video_small, png (for camera_lossless_topics).",
    ),
    ("camera_max_width", 640, "Maximum width of encoded images in pixels; larger ones are reduced by an integer factor."),
    ("camera_max_height", 480, "Maximum height of encoded images in pixels; larger ones are reduced by an integer factor."),
    (
        "camera_small_max_width",
        480,
        "Maximum width of a small video in pixels; larger images are reduced by an integer factor.",
    ),
    (
        "camera_small_max_height",
        360,
        "Maximum height of a small video in pixels; larger images are reduced by an integer factor.",
    ),
    ("camera_max_rate", 30, "Maximum encoded images per second and topic; 0: unlimited."),
    ("camera_jpeg_quality", 60, "JPEG quality in percent."),
    ("camera_min_bit_rate", 150000, "Minimum bits per second of a video, however slow the link."),
    ("camera_max_bit_rate", 1500000, "Maximum bits per second of a video."),
    ("camera_small_max_bit_rate", 400000, "Maximum bits per second of a small video."),
    ("camera_key_frame_interval_ms", 5000, "Maximum milliseconds between two key frames of a video."),
    ("camera_encoder_command", [""], "Program that encodes video instead of the bridge, and its arguments (docs/cameras.md)."),
    (
        "cloud_topics",
        [".*"],
        "Point cloud topics to offer encoded as well, as TOPIC/reduced and TOPIC/draco: regular expressions.",
    ),
    ("cloud_codecs", ["reduced", "draco"], "Codecs for point cloud topics: reduced (fewer points), draco (compressed)."),
    ("cloud_fields", ["intensity", "rgb", "rgba"], "Fields that encoded point clouds keep beside x, y and z."),
    ("cloud_voxel_mm", 100, "Voxel size in millimetres of reduced point clouds, one point per voxel; 0: keep all."),
    ("cloud_max_points", 20000, "Maximum points of a reduced cloud; of more every n-th is kept."),
    ("cloud_max_rate", 5, "Maximum reduced clouds per second and topic; 0: unlimited."),
    (
        "cloud_draco_mm",
        10,
        "Step in millimetres that coordinates of a Draco cloud are rounded to; they are off by at most half of it.",
    ),
    ("cloud_draco_max_points", 100000, "Maximum points of a Draco cloud; of more every n-th is kept."),
    ("cloud_draco_max_rate", 10, "Maximum Draco clouds per second and topic; 0: unlimited."),
    ("viewer_rate", 0, "Maximum bytes per second to one viewer; 0: unlimited."),
    ("uplink_rate", 0, "Maximum bytes per second to all viewers together, without transport overhead; 0: unlimited."),
    ("control_queue_bytes", 33554432, "Maximum bytes of control messages queued for one viewer; beyond that it is resynced."),
    ("max_subscriptions", 2048, "Maximum number of topics that one viewer may subscribe to."),
    ("max_total_subscriptions", 16384, "Maximum number of subscriptions of all viewers together."),
    ("max_viewer_streams", 8, "Maximum number of streams that one viewer may have open to the robot."),
    (
        "viewer_inbound_rate",
        8000000,
        "Bytes per second that one viewer may send, after a burst of eight seconds' worth; beyond that its stream is closed.",
    ),
    ("inbound_bytes", 134217728, "Maximum bytes of incomplete messages from all viewers together; one viewer may have 16 MiB."),
    (
        "stream_rotate_bytes",
        4000000000,
        "Bytes after which the bridge replaces a byte stream; receivers end one at 5,000,000,000.",
    ),
    (
        "capabilities",
        ["connectionGraph", "parametersSubscribe", "time"],
        "What viewers may do at most: clientPublish, services, parameters, parametersSubscribe, connectionGraph, assets, time.",
    ),
    (
        "viewer_default_rights",
        ["watch"],
        "Rights of a viewer without a grant, within capabilities: watch, all, none, drive, or as 'see=/camera/.*'.",
    ),
    (
        "grant_public_key",
        "",
        "Public key (Ed25519, base64) that grants are verified with, for a robot without LIVEKIT_API_SECRET. Empty: none.",
    ),
    (
        "lane_sharing",
        True,
        "Send a message for several viewers with the same rights once. false: a stream of its own for each viewer.",
    ),
    ("client_topic_whitelist", [".*"], "Topics that viewers may publish on: regular expressions."),
    ("max_client_channels", 64, "Maximum number of channels that one viewer may publish on."),
    (
        "command_topics",
        [".*/cmd_vel([_/].*)?"],
        "Topics that drive the robot: regular expressions. One driver at a time; a stop when it leaves or falls silent.",
    ),
    ("command_timeout_ms", 500, "Milliseconds without a command after which a stop is published."),
    (
        "command_max_age_ms",
        500,
        "Maximum delay in milliseconds of a timestamped command, relative to the viewer's fastest recent message.",
    ),
    (
        "emergency_stop",
        "",
        "Service (Trigger, SetBool, Empty) or topic (Bool, Empty) that STOP on the web page also triggers. Empty: none.",
    ),
    ("service_whitelist", [".*"], "Services to offer: regular expressions."),
    ("service_timeout_ms", 10000, "Milliseconds after which an unanswered service call fails."),
    (
        "service_timeouts",
        [""],
        "Timeouts in milliseconds by service, as '/slow/.*=60000'; the first match applies.",
    ),
    ("max_service_calls", 32, "Maximum number of pending service calls per viewer."),
    ("param_whitelist", [".*"], "Parameters to offer: regular expressions that match /node.parameter."),
    ("parameter_timeout_ms", 2000, "Milliseconds without an answer after which a node's parameters are skipped for a while."),
    (
        "asset_uri_allowlist",
        ["^package://(?:[-\\w%]+/)*[-\\w%.]+\\.(?:dae|fbx|glb|gltf|jpeg|jpg|mtl|obj|png|stl|tif|tiff|urdf|webp|xacro)$"],
        "URIs of the files that viewers may fetch: regular expressions.",
    ),
    (
        "diagnostics",
        False,
        "Publish /diagnostics and the connection (~/connection) once a second, and the viewers and their activity on ~/viewers.",
    ),
    (
        "audit_topic",
        False,
        "Publish what viewers do to the robot, and what they are refused, on the hidden topic ~/_audit, as the log has it.",
    ),
    (
        "metrics_address",
        "",
        "Address and port of the Prometheus endpoint, for example 127.0.0.1:9464; empty: none. It has no authentication.",
    ),
    ("log_level", "", "Minimum severity that the node logs: debug, info, warn, error. Empty: what --log-level and RUST_LOG say."),
    ("use_sim_time", False, "Take message times from the topic /clock."),
]

# Arguments about the process: name, default, description.
STARTING = [
    ("node_name", "remote_access_bridge", "name of the node"),
    ("namespace", "", "namespace of the node"),
    ("params_file", "", "YAML file with parameters, for example config/remote_access_bridge.yaml; empty: none"),
    ("respawn", "false", "restart the node when it exits, except after a configuration error (exit code 78)"),
    ("respawn_delay", "2.0", "seconds before a restart"),
    ("end_with_launch", "false", "end the node when launch ends, even if launch is killed"),
]

# Default of every argument for a parameter. It means "not given"; no parameter takes it as a value.
NOT_GIVEN = "not-given"

# The node's exit code after a configuration error (EX_CONFIG): a restart does not help.
WRONG_CONFIGURATION = 78


def as_text(value: object) -> str:
    """Writes a parameter's value as the text of a launch argument."""
    return value if isinstance(value, str) else yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()


def as_value(name: str, given: str) -> object:
    """Reads the text of a launch argument as YAML."""
    try:
        return yaml.safe_load(given)
    except yaml.YAMLError:
        raise ValueError(f"{name}: {given!r} is not a YAML value, such as 5, true or \"['/tf', '/camera/.*']\"") from None


def as_parameter(name: str, given: str, default: object) -> object:
    """Converts the text of a launch argument to the value for the node."""
    if isinstance(default, str):
        # Without the type, launch would turn a string such as "42" into a number.
        return ParameterValue(given, value_type=str)
    # launch cannot pass an empty list; the node treats a list of one empty string the same.
    return [""] if (value := as_value(name, given)) == [] else value


def warn_of_misspelled(given: list[str]) -> None:
    """Warns of arguments that look like misspelled ones: launch ignores those that nobody declares."""
    known = [name for name, _, _ in PARAMETERS + STARTING]
    for name in given:
        # Others may be those of a launch file that includes this one.
        similar = [] if name in known else get_close_matches(name, known, 1, 0.85)
        if similar:
            get_logger("remote_access_bridge").warning(f"there is no argument {name}; did you mean {similar[0]}?")


def start_node(context: LaunchContext) -> list[Node]:
    """Builds the node action from the given arguments."""
    warn_of_misspelled(list(context.launch_configurations))
    given = {name: LaunchConfiguration(name).perform(context) for name, _, _ in PARAMETERS + STARTING}
    overrides = {name: as_parameter(name, given[name], default) for name, default, _ in PARAMETERS if given[name] != NOT_GIVEN}
    if given["params_file"] and not Path(given["params_file"]).is_file():
        raise FileNotFoundError(f"params_file: there is no file {given['params_file']}")
    parameters = [given["params_file"]] if given["params_file"] else []
    if overrides:
        parameters.append(overrides)

    def start_again(event: ProcessExited, context: LaunchContext) -> list[TimerAction]:
        # launch's own respawn would restart it for ever after a configuration error.
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
            on_exit=start_again if as_value("respawn", given["respawn"]) else None,
            arguments=["--end-with-parent"] if as_value("end_with_launch", given["end_with_launch"]) else [],
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
