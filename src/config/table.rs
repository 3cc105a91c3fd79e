//! The table of parameters: what the node declares, the documentation shows and the launch files
//! offer.

use serde::Serialize;

use super::error::ConfigError;
use super::kinds::{Flag, Key, Kind, KindInfo, Number, Text, Texts};
use super::overrides::Overrides;
use crate::ros::Parameters;

/// One row of the table.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ParameterInfo {
    name: &'static str,
    #[serde(flatten)]
    kind: KindInfo,
    description: &'static str,
    read_only: bool,
}

/// A parameter of whatever kind.
pub(super) trait Row: Sync {
    /// Row for the documentation.
    fn info(&self) -> ParameterInfo;
    /// Declares it on the node with the value that is given or its default.
    fn declare(&self, given: &Overrides, node: &mut Parameters) -> Result<(), ConfigError>;
}

impl<K: Kind + Sync> Row for Key<K> {
    fn info(&self) -> ParameterInfo {
        ParameterInfo {
            name: self.name,
            kind: self.kind.info(),
            description: self.description,
            read_only: !LIVE.contains(&self.name),
        }
    }

    fn declare(&self, given: &Overrides, node: &mut Parameters) -> Result<(), ConfigError> {
        let value = self.value(given)?;
        self.kind
            .declare(self.name, value, self.description, node)?;
        Ok(())
    }
}

/// The assets that foxglove_bridge offers by default: meshes, images and robot descriptions.
const DEFAULT_ASSETS: &str = r"^package://(?:[-\w%]+/)*[-\w%.]+\.(?:dae|fbx|glb|gltf|jpeg|jpg|mtl|obj|png|stl|tif|tiff|urdf|webp|xacro)$";

macro_rules! parameters {
    ($($key:ident: $kind:ty = $name:literal, $value:expr, $description:literal;)*) => {
        $(pub(super) static $key: Key<$kind> = Key {
            name: $name,
            kind: $value,
            description: $description,
        };)*
        /// All parameters of the node.
        pub(super) static ROWS: &[&dyn Row] = &[$(&$key),*];
    };
}

parameters! {
    LIVEKIT_URL: Text = "livekit_url", Text(""), "URL of the LiveKit server. Empty: LIVEKIT_URL from the environment, else ws://localhost:7880.";
    ROOM: Text = "room", Text(""), "Room to join. Required with LIVEKIT_API_KEY; a LIVEKIT_TOKEN already names its room.";
    IDENTITY: Text = "identity", Text(""), "The bridge's identity in the room, unless a LIVEKIT_TOKEN names it. Empty: the host name with a constant suffix.";
    NETWORK_INTERFACES: Texts = "network_interfaces", Texts(&[""]), "Network interfaces to connect over: regular expressions. Empty: all but the bridges of containers.";
    NETWORK_INTERFACE_DENYLIST: Texts = "network_interface_denylist", Texts(&[""]), "Network interfaces never to connect over: regular expressions.";
    NAME: Text = "name", Text(""), "The robot's name as viewers see it. Empty: the host name.";
    TOPIC_WHITELIST: Texts = "topic_whitelist", Texts(&[".*"]), "Topics to offer: regular expressions that match the full name.";
    TOPIC_DENYLIST: Texts = "topic_denylist", Texts(&[""]), "Topics never to offer, even if topic_whitelist matches: regular expressions.";
    INCLUDE_HIDDEN: Flag = "include_hidden", Flag(false), "Also offer hidden topics and services: those with a part of the name that begins with an underscore.";
    MIN_QOS_DEPTH: Number = "min_qos_depth", Number(1, 1..=1_000), "Minimum history depth of a ROS subscription.";
    MAX_QOS_DEPTH: Number = "max_qos_depth", Number(25, 1..=10_000), "Maximum history depth of a ROS subscription.";
    BEST_EFFORT_QOS_TOPIC_WHITELIST: Texts = "best_effort_qos_topic_whitelist", Texts(&[""]), "Topics to subscribe to as best effort whatever their publishers offer: regular expressions.";
    MESSAGE_BACKLOG_SIZE: Number = "message_backlog_size", Number(1_024, 1..=1_000_000), "Maximum number of messages queued per viewer and topic; the oldest is dropped.";
    MESSAGE_QUEUE_BYTES: Number = "message_queue_bytes", Number(134_217_728, 1_048_576..=17_179_869_184), "Maximum bytes of queued messages for all viewers together.";
    MAX_MESSAGE_AGE_MS: Number = "max_message_age_ms", Number(2_000, 10..=3_600_000), "Age in milliseconds at which a queued message is dropped. Latched and small reliable topics are exempt.";
    LATCHED_BYTES: Number = "latched_bytes", Number(67_108_864, 0..=17_179_869_184), "Maximum bytes of latched (transient local) messages kept for viewers that subscribe later.";
    UNACKNOWLEDGED_VIEWER_RATE: Number = "unacknowledged_viewer_rate", Number(250_000, 1_000..=1_000_000_000), "Bytes per second to a viewer that never acknowledges anything.";
    TOPIC_MESSAGE_RATES: Texts = "topic_message_rates", Texts(&[""]), "Maximum messages per second by topic, as '/camera/.*=5'; the first match applies. Latched topics are exempt.";
    TOPIC_BYTE_RATES: Texts = "topic_byte_rates", Texts(&[""]), "Maximum bytes per second by topic, as '/camera/.*=500000'; the first match applies. Latched topics are exempt.";
    CAMERA_TOPICS: Texts = "camera_topics", Texts(&[".*"]), "Image topics to offer encoded as well, as TOPIC/video, TOPIC/jpeg …: regular expressions.";
    CAMERA_TOPIC_DENYLIST: Texts = "camera_topic_denylist", Texts(&[""]), "Image topics, or encoded ones, never to offer encoded: regular expressions.";
    CAMERA_LOSSLESS_TOPICS: Texts = "camera_lossless_topics", Texts(&[".*(depth|disparity|label|mask|segment).*"]), "Image topics of measurements, to offer as TOPIC/png without loss and in no other way: regular expressions.";
    CAMERA_CODECS: Texts = "camera_codecs", Texts(&["jpeg", "video", "video_small", "png"]), "Codecs for image topics: jpeg, video (H.264), video_small, png (for camera_lossless_topics).";
    CAMERA_MAX_WIDTH: Number = "camera_max_width", Number(640, 16..=4_096), "Maximum width of encoded images in pixels; larger ones are reduced by an integer factor.";
    CAMERA_MAX_HEIGHT: Number = "camera_max_height", Number(480, 16..=4_096), "Maximum height of encoded images in pixels; larger ones are reduced by an integer factor.";
    CAMERA_SMALL_MAX_WIDTH: Number = "camera_small_max_width", Number(480, 16..=4_096), "Maximum width of a small video in pixels; larger images are reduced by an integer factor.";
    CAMERA_SMALL_MAX_HEIGHT: Number = "camera_small_max_height", Number(360, 16..=4_096), "Maximum height of a small video in pixels; larger images are reduced by an integer factor.";
    CAMERA_MAX_RATE: Number = "camera_max_rate", Number(30, 0..=1_000), "Maximum encoded images per second and topic; 0: unlimited.";
    CAMERA_JPEG_QUALITY: Number = "camera_jpeg_quality", Number(60, 1..=100), "JPEG quality in percent.";
    CAMERA_MIN_BIT_RATE: Number = "camera_min_bit_rate", Number(150_000, 50_000..=100_000_000), "Minimum bits per second of a video, however slow the link.";
    CAMERA_MAX_BIT_RATE: Number = "camera_max_bit_rate", Number(1_500_000, 50_000..=100_000_000), "Maximum bits per second of a video.";
    CAMERA_SMALL_MAX_BIT_RATE: Number = "camera_small_max_bit_rate", Number(400_000, 50_000..=100_000_000), "Maximum bits per second of a small video.";
    CAMERA_KEY_FRAME_INTERVAL_MS: Number = "camera_key_frame_interval_ms", Number(5_000, 100..=600_000), "Maximum milliseconds between two key frames of a video.";
    CAMERA_ENCODER_COMMAND: Texts = "camera_encoder_command", Texts(&[""]), "Program that encodes video instead of the bridge, and its arguments (docs/cameras.md).";
    CLOUD_TOPICS: Texts = "cloud_topics", Texts(&[".*"]), "Point cloud topics to offer encoded as well, as TOPIC/reduced and TOPIC/draco: regular expressions.";
    CLOUD_CODECS: Texts = "cloud_codecs", Texts(&["reduced", "draco"]), "Codecs for point cloud topics: reduced (fewer points), draco (compressed).";
    CLOUD_FIELDS: Texts = "cloud_fields", Texts(&["intensity", "rgb", "rgba"]), "Fields that encoded point clouds keep beside x, y and z.";
    CLOUD_VOXEL_MM: Number = "cloud_voxel_mm", Number(100, 0..=100_000), "Voxel size in millimetres of reduced point clouds, one point per voxel; 0: keep all.";
    CLOUD_MAX_POINTS: Number = "cloud_max_points", Number(20_000, 1..=100_000_000), "Maximum points of a reduced cloud; of more every n-th is kept.";
    CLOUD_MAX_RATE: Number = "cloud_max_rate", Number(5, 0..=1_000), "Maximum reduced clouds per second and topic; 0: unlimited.";
    CLOUD_DRACO_MM: Number = "cloud_draco_mm", Number(10, 1..=10_000), "Step in millimetres that coordinates of a Draco cloud are rounded to; they are off by at most half of it.";
    CLOUD_DRACO_MAX_POINTS: Number = "cloud_draco_max_points", Number(100_000, 1..=100_000_000), "Maximum points of a Draco cloud; of more every n-th is kept.";
    CLOUD_DRACO_MAX_RATE: Number = "cloud_draco_max_rate", Number(10, 0..=1_000), "Maximum Draco clouds per second and topic; 0: unlimited.";
    VIEWER_RATE: Number = "viewer_rate", Number(0, 0..=10_000_000_000), "Maximum bytes per second to one viewer; 0: unlimited.";
    UPLINK_RATE: Number = "uplink_rate", Number(0, 0..=10_000_000_000), "Maximum bytes per second to all viewers together, without transport overhead; 0: unlimited.";
    CONTROL_QUEUE_BYTES: Number = "control_queue_bytes", Number(33_554_432, 65_536..=1_073_741_824), "Maximum bytes of control messages queued for one viewer; beyond that it is resynced.";
    MAX_SUBSCRIPTIONS: Number = "max_subscriptions", Number(2_048, 1..=1_000_000), "Maximum number of topics that one viewer may subscribe to.";
    MAX_TOTAL_SUBSCRIPTIONS: Number = "max_total_subscriptions", Number(16_384, 1..=10_000_000), "Maximum number of subscriptions of all viewers together.";
    MAX_VIEWER_STREAMS: Number = "max_viewer_streams", Number(8, 1..=1_000), "Maximum number of streams that one viewer may have open to the robot.";
    VIEWER_INBOUND_RATE: Number = "viewer_inbound_rate", Number(8_000_000, 1_000..=1_000_000_000), "Bytes per second that one viewer may send, after a burst of eight seconds' worth; beyond that its stream is closed.";
    INBOUND_BYTES: Number = "inbound_bytes", Number(134_217_728, 1_048_576..=17_179_869_184), "Maximum bytes of incomplete messages from all viewers together; one viewer may have 16 MiB.";
    STREAM_ROTATE_BYTES: Number = "stream_rotate_bytes", Number(4_000_000_000, 1_000..=4_900_000_000), "Bytes after which the bridge replaces a byte stream; receivers end one at 5,000,000,000.";
    CAPABILITIES: Texts = "capabilities", Texts(&["connectionGraph", "parametersSubscribe", "time"]), "What viewers may do at most: clientPublish, services, parameters, parametersSubscribe, connectionGraph, assets, time.";
    VIEWER_DEFAULT_RIGHTS: Texts = "viewer_default_rights", Texts(&["watch"]), "Rights of a viewer without a grant, within capabilities: watch, all, none, drive, or as 'see=/camera/.*'.";
    GRANT_PUBLIC_KEY: Text = "grant_public_key", Text(""), "Public key (Ed25519, base64) that grants are verified with, for a robot without LIVEKIT_API_SECRET. Empty: none.";
    LANE_SHARING: Flag = "lane_sharing", Flag(true), "Send a message for several viewers with the same rights once. false: a stream of its own for each viewer.";
    CLIENT_TOPIC_WHITELIST: Texts = "client_topic_whitelist", Texts(&[".*"]), "Topics that viewers may publish on: regular expressions.";
    MAX_CLIENT_CHANNELS: Number = "max_client_channels", Number(64, 1..=10_000), "Maximum number of channels that one viewer may publish on.";
    COMMAND_TOPICS: Texts = "command_topics", Texts(&[".*/cmd_vel([_/].*)?"]), "Topics that drive the robot: regular expressions. One driver at a time; a stop when it leaves or falls silent.";
    COMMAND_TIMEOUT_MS: Number = "command_timeout_ms", Number(500, 50..=3_600_000), "Milliseconds without a command after which a stop is published.";
    COMMAND_MAX_AGE_MS: Number = "command_max_age_ms", Number(500, 50..=3_600_000), "Maximum delay in milliseconds of a timestamped command, relative to the viewer's fastest recent message.";
    EMERGENCY_STOP: Text = "emergency_stop", Text(""), "Service (Trigger, SetBool, Empty) or topic (Bool, Empty) that STOP on the web page also triggers. Empty: none.";
    SERVICE_WHITELIST: Texts = "service_whitelist", Texts(&[".*"]), "Services to offer: regular expressions.";
    SERVICE_TIMEOUT_MS: Number = "service_timeout_ms", Number(10_000, 1..=86_400_000), "Milliseconds after which an unanswered service call fails.";
    SERVICE_TIMEOUTS: Texts = "service_timeouts", Texts(&[""]), "Timeouts in milliseconds by service, as '/slow/.*=60000'; the first match applies.";
    MAX_SERVICE_CALLS: Number = "max_service_calls", Number(32, 1..=256), "Maximum number of pending service calls per viewer.";
    PARAM_WHITELIST: Texts = "param_whitelist", Texts(&[".*"]), "Parameters to offer: regular expressions that match /node.parameter.";
    PARAMETER_TIMEOUT_MS: Number = "parameter_timeout_ms", Number(2_000, 10..=60_000), "Milliseconds without an answer after which a node's parameters are skipped for a while.";
    ASSET_URI_ALLOWLIST: Texts = "asset_uri_allowlist", Texts(&[DEFAULT_ASSETS]), "URIs of the files that viewers may fetch: regular expressions.";
    DIAGNOSTICS: Flag = "diagnostics", Flag(false), "Publish /diagnostics and the connection (~/connection) once a second, and the viewers and their activity on ~/viewers.";
    AUDIT_TOPIC: Flag = "audit_topic", Flag(false), "Publish what viewers do to the robot, and what they are refused, on the hidden topic ~/_audit, as the log has it.";
    METRICS_ADDRESS: Text = "metrics_address", Text(""), "Address and port of the Prometheus endpoint, for example 127.0.0.1:9464; empty: none. It has no authentication.";
    LOG_LEVEL: Text = "log_level", Text(""), "Minimum severity that the node logs: debug, info, warn, error. Empty: what --log-level and RUST_LOG say.";
    USE_SIM_TIME: Flag = "use_sim_time", Flag(false), "Take message times from the topic /clock.";
}

/// The parameters that may be changed while the node runs.
const LIVE: [&str; 5] = [
    UPLINK_RATE.name,
    VIEWER_RATE.name,
    TOPIC_MESSAGE_RATES.name,
    TOPIC_BYTE_RATES.name,
    LOG_LEVEL.name,
];

/// All parameters of the node, for the documentation.
#[must_use]
pub fn parameter_table() -> Vec<ParameterInfo> {
    ROWS.iter().map(|row| row.info()).collect()
}

/// Names of all parameters.
pub(super) fn names() -> Vec<&'static str> {
    ROWS.iter().map(|row| row.info().name).collect()
}

/// Declares every read-only parameter, but that which rclrs declares itself.
pub(super) fn declare(given: &Overrides, node: &mut Parameters) -> Result<(), ConfigError> {
    let is_own = |info: ParameterInfo| info.read_only && info.name != USE_SIM_TIME.name;
    let mut own = ROWS.iter().filter(|row| is_own(row.info()));
    own.try_for_each(|row| row.declare(given, node))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_defaults_are_in_range() {
        let mut names = BTreeSet::new();
        for row in parameter_table() {
            assert!(names.insert(row.name), "{}", row.name);
            if let KindInfo::Integer { default, min, max } = row.kind {
                assert!((min..=max).contains(&default), "{}", row.name);
                assert!(i64::try_from(max).is_ok(), "{}", row.name);
            }
        }
    }
}
