//! Messages from the robot to a viewer.

mod binary;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::capability::Capability;
use crate::frame::{self, Opcode, FRAME_HEADER_SIZE, MAX_PAYLOAD_SIZE};
use crate::parameter::Parameter;
use crate::service::Service;
use crate::{CallId, ChannelId, ServiceId};

pub use binary::BinaryMessage;

use binary::OP_MESSAGE_DATA;

/// Fields of MessageData before the message: opcode, channel id, log time.
const MESSAGE_DATA_FIELDS: usize = 1 + 8 + 8;

/// Bytes before the message in a framed MessageData.
pub const MESSAGE_DATA_HEADER_SIZE: usize = FRAME_HEADER_SIZE + MESSAGE_DATA_FIELDS;

/// Longest message that fits a MessageData frame, in bytes.
pub const MAX_MESSAGE_SIZE: usize = MAX_PAYLOAD_SIZE - MESSAGE_DATA_FIELDS;

/// The frame header and the MessageData fields that precede a message of `length` bytes.
///
/// The message itself follows untouched. Returns `None` if it is longer than
/// [`MAX_MESSAGE_SIZE`]. `log_time` is in nanoseconds since the epoch of the robot's clock.
pub fn message_data_header(
    channel: ChannelId,
    log_time: u64,
    length: usize,
) -> Option<[u8; MESSAGE_DATA_HEADER_SIZE]> {
    let frame_header = frame::header(Opcode::Binary, MESSAGE_DATA_FIELDS.checked_add(length)?)?;
    let mut header = [0; MESSAGE_DATA_HEADER_SIZE];
    header[..5].copy_from_slice(&frame_header);
    header[5] = OP_MESSAGE_DATA;
    header[6..14].copy_from_slice(&channel.0.to_le_bytes());
    header[14..].copy_from_slice(&log_time.to_le_bytes());
    Some(header)
}

/// A message of a channel as a MessageData frame, for those that may copy it; see
/// [`message_data_header`].
pub fn message_data(channel: ChannelId, log_time: u64, message: &[u8]) -> Option<Bytes> {
    let header = message_data_header(channel, log_time, message.len())?;
    Some([header.as_slice(), message].concat().into())
}

/// A JSON message from the robot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase")]
pub enum ServerMessage {
    /// The first message on a participant's first stream.
    #[serde(rename_all = "camelCase")]
    ServerInfo {
        /// The robot's name, shown to people.
        name: String,
        /// Capabilities of the robot beyond sending data.
        capabilities: Vec<Capability>,
        /// Encodings that a viewer may publish with.
        supported_encodings: Vec<String>,
        /// Facts about the robot, for example its ROS distribution.
        metadata: BTreeMap<String, String>,
        /// Changes when the robot's process restarts.
        session_id: String,
    },
    /// New channels.
    Advertise {
        /// The channels, each with its schema.
        channels: Vec<Channel>,
    },
    /// Channels that exist no more.
    #[serde(rename_all = "camelCase")]
    Unadvertise {
        /// Their ids.
        channel_ids: Vec<ChannelId>,
    },
    /// Something that the viewer's user should know.
    Status {
        /// Severity.
        level: StatusLevel,
        /// Plain text.
        message: String,
        /// With an id, a later status of the same id replaces this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// What the text tells of the wheel of a command topic. Foxglove's clients leave it out of account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wheel: Option<Wheel>,
    },
    /// Statuses that are over.
    #[serde(rename_all = "camelCase")]
    RemoveStatus {
        /// The ids of the statuses.
        status_ids: Vec<String>,
    },
    /// Values of parameters: an answer, or what has changed.
    ParameterValues {
        /// The parameters. Those that are not set are left out of an answer for all.
        parameters: Vec<Parameter>,
        /// The id of the request that this answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// New services.
    AdvertiseServices {
        /// The services, each with its schemas.
        services: Vec<Service>,
    },
    /// Services that exist no more.
    #[serde(rename_all = "camelCase")]
    UnadvertiseServices {
        /// Their ids.
        service_ids: Vec<ServiceId>,
    },
    /// A service call has failed.
    #[serde(rename_all = "camelCase")]
    ServiceCallFailure {
        /// The service.
        service_id: ServiceId,
        /// The call.
        call_id: CallId,
        /// Why, in plain text.
        message: String,
    },
    /// The connection graph, or what has changed in it.
    ConnectionGraphUpdate(GraphUpdate),
}

/// Changes of the connection graph. The first one a viewer gets has the whole graph.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GraphUpdate {
    /// Topics with new or other publishers, each with all of them.
    pub published_topics: Vec<PublishedTopic>,
    /// Topics with new or other subscribers, each with all of them.
    pub subscribed_topics: Vec<SubscribedTopic>,
    /// Services with new or other providers, each with all of them.
    pub advertised_services: Vec<ProvidedService>,
    /// Topics that have neither publishers nor subscribers any more.
    pub removed_topics: Vec<String>,
    /// Services that have no providers any more.
    pub removed_services: Vec<String>,
}

/// A topic and its publishers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishedTopic {
    /// The topic.
    pub name: String,
    /// The publishers, for ROS the names of their nodes.
    pub publisher_ids: Vec<String>,
}

/// A topic and its subscribers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscribedTopic {
    /// The topic.
    pub name: String,
    /// The subscribers, for ROS the names of their nodes.
    pub subscriber_ids: Vec<String>,
}

/// A service and its providers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProvidedService {
    /// The service.
    pub name: String,
    /// The providers, for ROS the names of their nodes.
    pub provider_ids: Vec<String>,
}

impl ServerMessage {
    /// The message as a text frame, or `None` if it is longer than a frame may be.
    pub fn frame(&self) -> Option<Bytes> {
        frame::text(&serde_json::to_string(self).ok()?)
    }
}

/// Severity of a [`ServerMessage::Status`]. On the wire: 0, 1, 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum StatusLevel {
    /// Good to know.
    Info,
    /// Something is not as the viewer asked.
    Warning,
    /// Something failed.
    Error,
}

impl From<StatusLevel> for u8 {
    fn from(level: StatusLevel) -> Self {
        match level {
            StatusLevel::Info => 0,
            StatusLevel::Warning => 1,
            StatusLevel::Error => 2,
        }
    }
}

/// A number that is no level of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown status level {0}, expected 0 to 2")]
pub struct UnknownStatusLevel(pub u8);

impl TryFrom<u8> for StatusLevel {
    type Error = UnknownStatusLevel;

    fn try_from(level: u8) -> Result<Self, UnknownStatusLevel> {
        match level {
            0 => Ok(Self::Info),
            1 => Ok(Self::Warning),
            2 => Ok(Self::Error),
            other => Err(UnknownStatusLevel(other)),
        }
    }
}

/// Who has the wheel of a command topic, or asks for it, by the names that viewers see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum Wheel {
    /// Somebody drives.
    Driven {
        /// Who does.
        driver: String,
        /// Whether a command of the viewer that is told takes the wheel.
        may_take: bool,
    },
    /// It was handed over, and nobody else may drive for now.
    Handed {
        /// To whom.
        heir: String,
    },
    /// The viewer that drives is asked for it.
    Asked {
        /// By whom.
        asker: String,
    },
}

/// A channel as the robot advertises it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    /// The channel's id.
    pub id: ChannelId,
    /// The topic, for ROS the fully qualified name.
    pub topic: String,
    /// Encoding of the messages: `cdr` for ROS 2.
    pub encoding: String,
    /// Name of the schema: for ROS 2 `package/msg/Type`.
    pub schema_name: String,
    /// Encoding of the schema: `ros2msg` or `ros2idl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_encoding: Option<String>,
    /// The definition with all that it depends on.
    pub schema: String,
    /// More about the channel.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

impl Channel {
    /// A channel of ROS 2 messages in CDR. `definition` is the text of the `.msg` file with all that
    /// it depends on.
    #[must_use]
    pub fn ros2(id: ChannelId, topic: &str, type_name: &str, definition: &str) -> Self {
        Self {
            id,
            topic: topic.to_owned(),
            encoding: "cdr".to_owned(),
            schema_name: type_name.to_owned(),
            schema_encoding: Some("ros2msg".to_owned()),
            schema: definition.to_owned(),
            metadata: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::FrameDecoder;
    use crate::service::ServiceSchema;
    use serde_json::json;

    #[test]
    fn a_message_data_frame_has_the_layout_of_the_protocol() {
        let message = [0, 1, 0, 0, 42];
        let mut bytes = message_data_header(ChannelId(0x0102), 0x0304, message.len())
            .unwrap()
            .to_vec();
        bytes.extend_from_slice(&message);
        assert_eq!(bytes[..6], [2, 22, 0, 0, 0, 1]);
        assert_eq!(bytes[6..14], 0x0102u64.to_le_bytes());
        assert_eq!(bytes[14..22], 0x0304u64.to_le_bytes());
        let mut decoder = FrameDecoder::default();
        decoder.push(&bytes);
        assert_eq!(
            decoder.next_frame().unwrap().unwrap().payload[17..],
            message
        );
    }

    #[test]
    fn a_message_over_the_limit_gets_no_header() {
        assert!(message_data_header(ChannelId(1), 0, MAX_MESSAGE_SIZE).is_some());
        assert!(message_data_header(ChannelId(1), 0, MAX_MESSAGE_SIZE + 1).is_none());
        assert!(message_data_header(ChannelId(1), 0, usize::MAX).is_none());
    }

    fn service() -> Service {
        let schema = |name: &str| ServiceSchema {
            encoding: "cdr".into(),
            schema_name: name.into(),
            schema_encoding: "ros2msg".into(),
            schema: String::new(),
        };
        Service {
            id: ServiceId(2),
            name: "/s".into(),
            service_type: "std_srvs/srv/Empty".into(),
            request: schema("std_srvs/srv/Empty_Request"),
            response: schema("std_srvs/srv/Empty_Response"),
        }
    }

    fn of_wheel(wheel: Wheel) -> ServerMessage {
        ServerMessage::Status {
            level: StatusLevel::Info,
            message: "m".into(),
            id: None,
            wheel: Some(wheel),
        }
    }

    #[test]
    fn json_has_the_names_of_the_protocol() {
        let channel = Channel {
            id: ChannelId(3),
            topic: "/a".into(),
            encoding: "cdr".into(),
            schema_name: "std_msgs/msg/String".into(),
            schema_encoding: Some("ros2msg".into()),
            schema: "string data".into(),
            metadata: BTreeMap::new(),
        };
        let cases = [
            (
                ServerMessage::Advertise {
                    channels: vec![channel],
                },
                json!({"op": "advertise", "channels": [{"id": 3, "topic": "/a", "encoding": "cdr",
                    "schemaName": "std_msgs/msg/String", "schemaEncoding": "ros2msg",
                    "schema": "string data"}]}),
            ),
            (
                ServerMessage::Unadvertise {
                    channel_ids: vec![ChannelId(3)],
                },
                json!({"op": "unadvertise", "channelIds": [3]}),
            ),
            (
                ServerMessage::ServerInfo {
                    name: "r".into(),
                    capabilities: vec![Capability::ClientPublish],
                    supported_encodings: vec![],
                    metadata: BTreeMap::new(),
                    session_id: "s".into(),
                },
                json!({"op": "serverInfo", "name": "r", "capabilities": ["clientPublish"],
                    "supportedEncodings": [], "metadata": {}, "sessionId": "s"}),
            ),
            (
                ServerMessage::Status {
                    level: StatusLevel::Warning,
                    message: "m".into(),
                    id: Some("i".into()),
                    wheel: None,
                },
                json!({"op": "status", "level": 1, "message": "m", "id": "i"}),
            ),
            (
                of_wheel(Wheel::Driven {
                    driver: "Ada".into(),
                    may_take: true,
                }),
                json!({"op": "status", "level": 0, "message": "m", "wheel": {"driver": "Ada", "mayTake": true}}),
            ),
            (
                of_wheel(Wheel::Handed { heir: "Eve".into() }),
                json!({"op": "status", "level": 0, "message": "m", "wheel": {"heir": "Eve"}}),
            ),
            (
                of_wheel(Wheel::Asked {
                    asker: "Eve".into(),
                }),
                json!({"op": "status", "level": 0, "message": "m", "wheel": {"asker": "Eve"}}),
            ),
            (
                ServerMessage::RemoveStatus {
                    status_ids: vec!["i".into()],
                },
                json!({"op": "removeStatus", "statusIds": ["i"]}),
            ),
            (
                ServerMessage::ParameterValues {
                    parameters: vec![],
                    id: Some("i".into()),
                },
                json!({"op": "parameterValues", "parameters": [], "id": "i"}),
            ),
            (
                ServerMessage::UnadvertiseServices {
                    service_ids: vec![ServiceId(2)],
                },
                json!({"op": "unadvertiseServices", "serviceIds": [2]}),
            ),
            (
                ServerMessage::ServiceCallFailure {
                    service_id: ServiceId(2),
                    call_id: CallId(3),
                    message: "m".into(),
                },
                json!({"op": "serviceCallFailure", "serviceId": 2, "callId": 3, "message": "m"}),
            ),
            (
                ServerMessage::ConnectionGraphUpdate(GraphUpdate {
                    published_topics: vec![PublishedTopic {
                        name: "/a".into(),
                        publisher_ids: vec!["/n".into()],
                    }],
                    removed_topics: vec!["/b".into()],
                    ..GraphUpdate::default()
                }),
                json!({"op": "connectionGraphUpdate",
                    "publishedTopics": [{"name": "/a", "publisherIds": ["/n"]}],
                    "subscribedTopics": [], "advertisedServices": [],
                    "removedTopics": ["/b"], "removedServices": []}),
            ),
            (
                ServerMessage::AdvertiseServices {
                    services: vec![service()],
                },
                json!({"op": "advertiseServices", "services": [{"id": 2, "name": "/s",
                    "type": "std_srvs/srv/Empty",
                    "request": {"encoding": "cdr", "schemaName": "std_srvs/srv/Empty_Request",
                        "schemaEncoding": "ros2msg", "schema": ""},
                    "response": {"encoding": "cdr", "schemaName": "std_srvs/srv/Empty_Response",
                        "schemaEncoding": "ros2msg", "schema": ""}}]}),
            ),
        ];
        for (message, expected) in cases {
            assert_eq!(serde_json::to_value(&message).unwrap(), expected);
            assert_eq!(
                serde_json::from_value::<ServerMessage>(expected).unwrap(),
                message
            );
        }
    }
}
