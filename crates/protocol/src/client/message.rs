//! The messages of a viewer.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::parameter::Parameter;
use crate::service::ServicePayload;
use crate::{AssetRequestId, ChannelId, ClientChannelId};

/// A message from a viewer.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientMessage {
    /// Send me the messages of these channels.
    Subscribe(Vec<ChannelId>),
    /// Stop sending the messages of these channels.
    Unsubscribe(Vec<ChannelId>),
    /// I am going to publish on these channels.
    Advertise(Vec<ClientChannel>),
    /// I am not going to publish on these channels any more.
    Unadvertise(Vec<ClientChannelId>),
    /// Publish this message.
    MessageData {
        /// The channel.
        channel: ClientChannelId,
        /// The message in the channel's encoding.
        message: Bytes,
    },
    /// Publish this message, which was sent at this time.
    TimedMessageData {
        /// The channel.
        channel: ClientChannelId,
        /// The viewer's own time in microseconds, on the clock of its pings.
        sent: u64,
        /// The message in the channel's encoding.
        message: Bytes,
    },
    /// Call a service.
    ServiceCallRequest(ServicePayload),
    /// Send me the values of parameters.
    GetParameters {
        /// Their names. Empty: all parameters.
        names: Vec<String>,
        /// Comes back in the answer.
        id: Option<String>,
    },
    /// Set parameters.
    SetParameters {
        /// The new values.
        parameters: Vec<Parameter>,
        /// Comes back in the answer, which has the values as they are then. `None`: no answer.
        id: Option<String>,
    },
    /// Send me parameters when they change. Empty: all of them.
    SubscribeParameterUpdates(Vec<String>),
    /// Stop sending parameters when they change. Empty: all of them.
    UnsubscribeParameterUpdates(Vec<String>),
    /// Send me the connection graph and its changes.
    SubscribeConnectionGraph,
    /// Stop sending the connection graph.
    UnsubscribeConnectionGraph,
    /// Send me a file.
    FetchAsset {
        /// Comes back in the answer.
        request: AssetRequestId,
        /// Which one, for example `package://robot/mesh.stl`.
        uri: String,
    },
    /// Ask for the wheel of a command topic, or answer who asks. None of Foxglove's; a robot that takes
    /// it has [`crate::WHEEL_METADATA`].
    Wheel {
        /// The command topic.
        topic: String,
        /// The question or answer.
        act: WheelAct,
    },
    /// Answer with a Pong that echoes `timestamp`.
    Ping {
        /// The viewer's own timestamp, opaque to the robot.
        timestamp: u64,
    },
    /// All that was sent before the Pong with this device timestamp has arrived.
    PingAck {
        /// The device timestamp of the Pong that is acknowledged, in milliseconds.
        device_timestamp: u64,
    },
}

/// Questions and answers of a viewer about the wheel of a command topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WheelAct {
    /// I would like to drive: whoever drives is asked.
    Ask,
    /// I drive, and hand the wheel to who asked.
    Give,
    /// I drive, and go on.
    Keep,
}

/// A channel that a viewer publishes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientChannel {
    /// The channel's id, chosen by the viewer.
    pub id: ClientChannelId,
    /// The topic.
    pub topic: String,
    /// Encoding of the messages: `cdr` or `json`.
    pub encoding: String,
    /// Name of the schema: for ROS 2 `package/msg/Type`.
    pub schema_name: String,
    /// Encoding of the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_encoding: Option<String>,
    /// The definition. A robot goes by its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
}
