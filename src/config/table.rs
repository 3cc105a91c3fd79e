//! The table of parameters: what the node declares, the documentation shows and the launch files
//! offer.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::ros::{Parameters, RosError};

/// A parameter's type, default and range.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Kind {
    String { default: &'static str },
    StringArray { default: &'static [&'static str] },
    Bool { default: bool },
    Integer { default: i64, min: i64, max: i64 },
}

/// One row of the table. All parameters are read once, at the start.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ParameterInfo {
    name: &'static str,
    #[serde(flatten)]
    kind: Kind,
    description: &'static str,
    read_only: bool,
}

const fn string(
    name: &'static str,
    default: &'static str,
    description: &'static str,
) -> ParameterInfo {
    let kind = Kind::String { default };
    row(name, kind, description)
}

const fn strings(
    name: &'static str,
    default: &'static [&'static str],
    description: &'static str,
) -> ParameterInfo {
    row(name, Kind::StringArray { default }, description)
}

const fn boolean(name: &'static str, default: bool, description: &'static str) -> ParameterInfo {
    row(name, Kind::Bool { default }, description)
}

const fn integer(
    name: &'static str,
    default: i64,
    min: i64,
    max: i64,
    description: &'static str,
) -> ParameterInfo {
    row(name, Kind::Integer { default, min, max }, description)
}

const fn row(name: &'static str, kind: Kind, description: &'static str) -> ParameterInfo {
    ParameterInfo {
        name,
        kind,
        description,
        read_only: true,
    }
}

/// The assets that foxglove_bridge offers by default: meshes, pictures and robot descriptions.
const DEFAULT_ASSETS: &str = r"^package://(?:[-\w%]+/)*[-\w%.]+\.(?:dae|fbx|glb|gltf|jpeg|jpg|mtl|obj|png|stl|tif|tiff|urdf|webp|xacro)$";

/// The parameter that rclrs declares itself.
const USE_SIM_TIME: &str = "use_sim_time";

/// All parameters of the node.
pub const PARAMETERS: &[ParameterInfo] = &[
    string("livekit_url", "", "URL of the LiveKit server. Empty: the environment's LIVEKIT_URL, else ws://localhost:7880."),
    string("room", "", "Room to join. Needed with LIVEKIT_API_KEY; a LIVEKIT_TOKEN names its room itself."),
    string("identity", "", "The node's identity in the room, with LIVEKIT_API_KEY. Empty: the host name and a fixed number."),
    string("name", "", "The robot's name, shown to viewers. Empty: the host name."),
    strings("topic_whitelist", &[".*"], "Regular expressions of the topics to offer; one must match the full name."),
    strings("topic_denylist", &[""], "Regular expressions of topics that are never offered."),
    boolean("include_hidden", false, "Also offer hidden topics, whose name has a part that begins with an underscore."),
    integer("min_qos_depth", 1, 1, 1_000, "Smallest history depth of a ROS subscription."),
    integer("max_qos_depth", 25, 1, 10_000, "Largest history depth of a ROS subscription."),
    strings("best_effort_qos_topic_whitelist", &[""], "Regular expressions of topics that are subscribed best effort, whatever their publishers offer."),
    integer("message_backlog_size", 1_024, 1, 1_000_000, "Most messages that wait for one viewer on one topic; the oldest is dropped."),
    integer("message_queue_bytes", 134_217_728, 1_048_576, 17_179_869_184, "Most bytes of messages that wait for all viewers together."),
    integer("max_message_age_ms", 2_000, 10, 3_600_000, "Age in milliseconds at which a waiting message is dropped; never of latched or small reliable topics."),
    integer("latched_bytes", 67_108_864, 0, 17_179_869_184, "Most bytes of latched (transient local) messages kept for later viewers."),
    integer("unacknowledged_viewer_rate", 250_000, 1_000, 1_000_000_000, "Bytes per second to a viewer that never acknowledges what it gets."),
    strings("topic_message_rates", &[""], "Messages per second of topics, as '/camera/.*=5'; the first expression that matches counts. Not of latched topics."),
    strings("topic_byte_rates", &[""], "Bytes per second of topics, as '/camera/.*=500000'; otherwise as topic_message_rates."),
    integer("viewer_rate", 0, 0, 10_000_000_000, "Most bytes per second to one viewer; 0 for no limit."),
    integer("uplink_rate", 0, 0, 10_000_000_000, "Most bytes per second to all viewers together, without the headers of the transport; 0 for no limit."),
    integer("control_queue_bytes", 33_554_432, 65_536, 1_073_741_824, "Most bytes of control messages that wait for one viewer; with more it is started anew."),
    integer("max_subscriptions", 2_048, 1, 1_000_000, "Most topics that one viewer may subscribe to."),
    integer("max_total_subscriptions", 16_384, 1, 10_000_000, "Most subscriptions of all viewers together."),
    integer("max_viewer_streams", 8, 1, 1_000, "Most streams that one viewer may have open to the robot."),
    integer("viewer_inbound_rate", 8_000_000, 1_000, 1_000_000_000, "Bytes per second that one viewer may send, eight seconds' worth at once; with more its stream is ended."),
    integer("inbound_bytes", 134_217_728, 1_048_576, 17_179_869_184, "Most bytes of unfinished messages from all viewers together; one viewer may have 16 MiB."),
    integer("stream_rotate_bytes", 4_000_000_000, 1_000, 4_900_000_000, "Bytes after which a byte stream is replaced by a new one; receivers end one at 5,000,000,000."),
    strings("capabilities", &["connectionGraph", "parametersSubscribe", "time"], "What viewers may do: clientPublish, services, parameters (to set), parametersSubscribe, connectionGraph, assets, time."),
    strings("client_topic_whitelist", &[".*"], "Regular expressions of the topics that viewers may publish on."),
    integer("max_client_channels", 64, 1, 10_000, "Most topics that one viewer may publish on."),
    strings("command_topics", &[".*/cmd_vel([_/].*)?"], "Regular expressions of topics that drive the robot: one viewer at a time, and a stop when it leaves or is silent."),
    integer("command_timeout_ms", 500, 50, 3_600_000, "Milliseconds without a message after which a stop is published on a command topic."),
    integer("command_max_age_ms", 500, 50, 3_600_000, "Milliseconds on the way after which a command is not obeyed; only of those that tell when they were sent."),
    string("emergency_stop", "", "Service (Trigger, SetBool, Empty) or topic (Bool, Empty) that STOP on the web page uses as well. Empty: none."),
    strings("service_whitelist", &[".*"], "Regular expressions of the services to offer."),
    integer("service_timeout_ms", 10_000, 1, 86_400_000, "Milliseconds until a service call fails that is not answered."),
    strings("service_timeouts", &[""], "Milliseconds for some services, as '/slow/.*=60000'; the first expression that matches counts."),
    integer("max_service_calls", 32, 1, 256, "Most service calls that one viewer may wait for at once."),
    strings("param_whitelist", &[".*"], "Regular expressions of the parameters to offer, as /node.parameter."),
    integer("parameter_timeout_ms", 2_000, 10, 60_000, "Milliseconds until a node that does not answer about its parameters is set aside."),
    strings("asset_uri_allowlist", &[DEFAULT_ASSETS], "Regular expressions of the files that viewers may fetch."),
    boolean("diagnostics", false, "Publish /diagnostics once a second, and the viewers and what they do on the latched topic ~/viewers."),
    string("metrics_address", "", "Address and port of metrics for Prometheus, as 127.0.0.1:9464; empty for none. There is no password."),
    boolean(USE_SIM_TIME, false, "Take the time of messages from the topic /clock."),
];

enum Value {
    String(String),
    Strings(Vec<String>),
    Bool(bool),
    Integer(i64),
}

/// The values of all parameters.
pub(super) struct Values(BTreeMap<&'static str, Value>);

impl Values {
    /// Declares every parameter of the table, but that which rclrs declares.
    pub fn declare(parameters: &mut Parameters) -> Result<Self, RosError> {
        let mut values = BTreeMap::new();
        for row in PARAMETERS.iter().filter(|row| row.name != USE_SIM_TIME) {
            let value = match row.kind {
                Kind::String { default } => {
                    Value::String(parameters.string(row.name, default, row.description)?)
                }
                Kind::StringArray { default } => {
                    Value::Strings(parameters.strings(row.name, default, row.description)?)
                }
                Kind::Bool { default } => {
                    Value::Bool(parameters.boolean(row.name, default, row.description)?)
                }
                Kind::Integer { default, min, max } => Value::Integer(parameters.integer(
                    row.name,
                    default,
                    min..=max,
                    row.description,
                )?),
            };
            values.insert(row.name, value);
        }
        Ok(Self(values))
    }

    pub fn string(&self, name: &str) -> String {
        match self.0.get(name) {
            Some(Value::String(value)) => value.clone(),
            _ => String::new(),
        }
    }

    pub fn strings(&self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            Some(Value::Strings(values)) => values.clone(),
            _ => Vec::new(),
        }
    }

    pub fn boolean(&self, name: &str) -> bool {
        matches!(self.0.get(name), Some(Value::Bool(true)))
    }

    /// A number that is at least 0 by its range.
    pub fn size(&self, name: &str) -> usize {
        match self.0.get(name) {
            Some(&Value::Integer(value)) => usize::try_from(value).unwrap_or(0),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_defaults_are_in_range() {
        let mut names = BTreeSet::new();
        for row in PARAMETERS {
            assert!(names.insert(row.name), "{}", row.name);
            if let Kind::Integer { default, min, max } = row.kind {
                assert!((min..=max).contains(&default) && min >= 0, "{}", row.name);
            }
        }
    }
}
