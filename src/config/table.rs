//! The table of parameters: what the node declares, the documentation shows and the launch files
//! offer.

use serde::Serialize;

use super::kinds::{Flag, Key, Kind, KindInfo, Number, Text, Texts};
use super::overrides::Overrides;
use super::ConfigError;
use crate::ros::Parameters;

/// One row of the table. All parameters are read once, at the start.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ParameterInfo {
    pub(super) name: &'static str,
    #[serde(flatten)]
    kind: KindInfo,
    description: &'static str,
    read_only: bool,
}

/// A parameter of whatever kind.
pub(super) trait Row: Sync {
    /// What the documentation shows.
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
            read_only: true,
        }
    }

    fn declare(&self, given: &Overrides, node: &mut Parameters) -> Result<(), ConfigError> {
        let value = self.value(given)?;
        self.kind
            .declare(self.name, value, self.description, node)?;
        Ok(())
    }
}

/// The assets that foxglove_bridge offers by default: meshes, pictures and robot descriptions.
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
    LIVEKIT_URL: Text = "livekit_url", Text(""), "URL of the LiveKit server. Empty: the environment's LIVEKIT_URL, else ws://localhost:7880.";
    ROOM: Text = "room", Text(""), "Room to join. Needed with LIVEKIT_API_KEY; a LIVEKIT_TOKEN names its room itself.";
    IDENTITY: Text = "identity", Text(""), "The node's identity in the room, with LIVEKIT_API_KEY. Empty: the host name and a fixed number.";
    NAME: Text = "name", Text(""), "The robot's name, shown to viewers. Empty: the host name.";
    TOPIC_WHITELIST: Texts = "topic_whitelist", Texts(&[".*"]), "Regular expressions of the topics to offer; one must match the full name.";
    TOPIC_DENYLIST: Texts = "topic_denylist", Texts(&[""]), "Regular expressions of topics that are never offered.";
    INCLUDE_HIDDEN: Flag = "include_hidden", Flag(false), "Also offer hidden topics, whose name has a part that begins with an underscore.";
    MIN_QOS_DEPTH: Number = "min_qos_depth", Number(1, 1..=1_000), "Smallest history depth of a ROS subscription.";
    MAX_QOS_DEPTH: Number = "max_qos_depth", Number(25, 1..=10_000), "Largest history depth of a ROS subscription.";
    BEST_EFFORT_QOS_TOPIC_WHITELIST: Texts = "best_effort_qos_topic_whitelist", Texts(&[""]), "Regular expressions of topics that are subscribed best effort, whatever their publishers offer.";
    MESSAGE_BACKLOG_SIZE: Number = "message_backlog_size", Number(1_024, 1..=1_000_000), "Most messages that wait for one viewer on one topic; the oldest is dropped.";
    MESSAGE_QUEUE_BYTES: Number = "message_queue_bytes", Number(134_217_728, 1_048_576..=17_179_869_184), "Most bytes of messages that wait for all viewers together.";
    MAX_MESSAGE_AGE_MS: Number = "max_message_age_ms", Number(2_000, 10..=3_600_000), "Age in milliseconds at which a waiting message is dropped; never of latched or small reliable topics.";
    LATCHED_BYTES: Number = "latched_bytes", Number(67_108_864, 0..=17_179_869_184), "Most bytes of latched (transient local) messages kept for later viewers.";
    UNACKNOWLEDGED_VIEWER_RATE: Number = "unacknowledged_viewer_rate", Number(250_000, 1_000..=1_000_000_000), "Bytes per second to a viewer that never acknowledges what it gets.";
    TOPIC_MESSAGE_RATES: Texts = "topic_message_rates", Texts(&[""]), "Messages per second of topics, as '/camera/.*=5'; the first expression that matches counts. Not of latched topics.";
    TOPIC_BYTE_RATES: Texts = "topic_byte_rates", Texts(&[""]), "Bytes per second of topics, as '/camera/.*=500000'; otherwise as topic_message_rates.";
    VIEWER_RATE: Number = "viewer_rate", Number(0, 0..=10_000_000_000), "Most bytes per second to one viewer; 0 for no limit.";
    UPLINK_RATE: Number = "uplink_rate", Number(0, 0..=10_000_000_000), "Most bytes per second to all viewers together, without the headers of the transport; 0 for no limit.";
    CONTROL_QUEUE_BYTES: Number = "control_queue_bytes", Number(33_554_432, 65_536..=1_073_741_824), "Most bytes of control messages that wait for one viewer; with more it is started anew.";
    MAX_SUBSCRIPTIONS: Number = "max_subscriptions", Number(2_048, 1..=1_000_000), "Most topics that one viewer may subscribe to.";
    MAX_TOTAL_SUBSCRIPTIONS: Number = "max_total_subscriptions", Number(16_384, 1..=10_000_000), "Most subscriptions of all viewers together.";
    MAX_VIEWER_STREAMS: Number = "max_viewer_streams", Number(8, 1..=1_000), "Most streams that one viewer may have open to the robot.";
    VIEWER_INBOUND_RATE: Number = "viewer_inbound_rate", Number(8_000_000, 1_000..=1_000_000_000), "Bytes per second that one viewer may send, eight seconds' worth at once; with more its stream is ended.";
    INBOUND_BYTES: Number = "inbound_bytes", Number(134_217_728, 1_048_576..=17_179_869_184), "Most bytes of unfinished messages from all viewers together; one viewer may have 16 MiB.";
    STREAM_ROTATE_BYTES: Number = "stream_rotate_bytes", Number(4_000_000_000, 1_000..=4_900_000_000), "Bytes after which a byte stream is replaced by a new one; receivers end one at 5,000,000,000.";
    CAPABILITIES: Texts = "capabilities", Texts(&["connectionGraph", "parametersSubscribe", "time"]), "What viewers may do: clientPublish, services, parameters (to set), parametersSubscribe, connectionGraph, assets, time.";
    CLIENT_TOPIC_WHITELIST: Texts = "client_topic_whitelist", Texts(&[".*"]), "Regular expressions of the topics that viewers may publish on.";
    MAX_CLIENT_CHANNELS: Number = "max_client_channels", Number(64, 1..=10_000), "Most topics that one viewer may publish on.";
    COMMAND_TOPICS: Texts = "command_topics", Texts(&[".*/cmd_vel([_/].*)?"]), "Regular expressions of topics that drive the robot: one viewer at a time, and a stop when it leaves or is silent.";
    COMMAND_TIMEOUT_MS: Number = "command_timeout_ms", Number(500, 50..=3_600_000), "Milliseconds without a message after which a stop is published on a command topic.";
    COMMAND_MAX_AGE_MS: Number = "command_max_age_ms", Number(500, 50..=3_600_000), "Milliseconds on the way after which a command is not obeyed; only of those that tell when they were sent.";
    EMERGENCY_STOP: Text = "emergency_stop", Text(""), "Service (Trigger, SetBool, Empty) or topic (Bool, Empty) that STOP on the web page uses as well. Empty: none.";
    SERVICE_WHITELIST: Texts = "service_whitelist", Texts(&[".*"]), "Regular expressions of the services to offer.";
    SERVICE_TIMEOUT_MS: Number = "service_timeout_ms", Number(10_000, 1..=86_400_000), "Milliseconds until a service call fails that is not answered.";
    SERVICE_TIMEOUTS: Texts = "service_timeouts", Texts(&[""]), "Milliseconds for some services, as '/slow/.*=60000'; the first expression that matches counts.";
    MAX_SERVICE_CALLS: Number = "max_service_calls", Number(32, 1..=256), "Most service calls that one viewer may wait for at once.";
    PARAM_WHITELIST: Texts = "param_whitelist", Texts(&[".*"]), "Regular expressions of the parameters to offer, as /node.parameter.";
    PARAMETER_TIMEOUT_MS: Number = "parameter_timeout_ms", Number(2_000, 10..=60_000), "Milliseconds until a node that does not answer about its parameters is set aside.";
    ASSET_URI_ALLOWLIST: Texts = "asset_uri_allowlist", Texts(&[DEFAULT_ASSETS]), "Regular expressions of the files that viewers may fetch.";
    DIAGNOSTICS: Flag = "diagnostics", Flag(false), "Publish /diagnostics once a second, and the viewers and what they do on the latched topic ~/viewers.";
    METRICS_ADDRESS: Text = "metrics_address", Text(""), "Address and port of metrics for Prometheus, as 127.0.0.1:9464; empty for none. There is no password.";
    USE_SIM_TIME: Flag = "use_sim_time", Flag(false), "Take the time of messages from the topic /clock.";
}

/// All parameters of the node, for the documentation.
#[must_use]
pub fn parameter_table() -> Vec<ParameterInfo> {
    ROWS.iter().map(|row| row.info()).collect()
}

/// Declares every parameter, but that which rclrs declares itself.
pub(super) fn declare(given: &Overrides, node: &mut Parameters) -> Result<(), ConfigError> {
    let mut own = ROWS
        .iter()
        .filter(|row| row.info().name != USE_SIM_TIME.name);
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
