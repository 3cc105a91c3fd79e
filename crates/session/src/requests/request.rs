//! Requests of participants to the robot.

use bytes::Bytes;
use remote_access_protocol::parameter::Parameter;
use remote_access_protocol::{ClientChannelId, ServiceId};
use serde_json::Value;

use crate::ids::ParticipantId;

/// A channel that a viewer publishes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientChannelKey {
    /// The participant.
    pub participant: ParticipantId,
    /// Its channel.
    pub channel: ClientChannelId,
}

/// A request that is to be answered. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKey {
    /// The participant.
    pub participant: ParticipantId,
    /// Tells its requests apart.
    pub(crate) number: u64,
}

/// Encoding of a message, a request or a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// ROS 2's own.
    Cdr,
    /// JSON, converted by the definition of the type.
    Json,
}

impl Encoding {
    /// All of them, as `serverInfo` tells.
    pub const ALL: [Self; 2] = [Self::Cdr, Self::Json];

    /// The name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cdr => "cdr",
            Self::Json => "json",
        }
    }

    pub(crate) fn parse(name: &str) -> Result<Self, UnknownEncoding> {
        let known = Self::ALL.into_iter().find(|each| each.name() == name);
        known.ok_or_else(|| UnknownEncoding(name.chars().take(32).collect()))
    }
}

/// The beginning of a name that is none of [`Encoding::ALL`].
#[derive(Debug, thiserror::Error)]
#[error("the encoding must be \"cdr\" or \"json\", not {0:?}")]
pub(crate) struct UnknownEncoding(String);

/// Request of a viewer to the robot. It is allowed, and what can be checked without knowing the
/// robot is checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// A viewer is going to publish.
    Advertise {
        /// Its channel.
        key: ClientChannelKey,
        /// The topic.
        topic: String,
        /// The type, for ROS `package/msg/Type`.
        type_name: String,
        /// Encoding of its messages.
        encoding: Encoding,
    },
    /// Publish a message on a channel that was advertised.
    Publish {
        /// The channel.
        key: ClientChannelKey,
        /// The message in the channel's encoding.
        message: Bytes,
    },
    /// Here a stop came that [`Session::poll_stop`](crate::Session) gives at once: the messages of the
    /// channel that came before this are void, those after it count.
    Stop {
        /// The channel.
        key: ClientChannelKey,
    },
    /// A viewer publishes on this channel no more.
    Unadvertise {
        /// The channel.
        key: ClientChannelKey,
    },
    /// Call a service. To be answered by [`Session::service_response`](crate::Session).
    Call {
        /// Names the call in the answer.
        key: RequestKey,
        /// The service.
        service: ServiceId,
        /// Encoding of the request, and of the response.
        encoding: Encoding,
        /// The request.
        payload: Bytes,
    },
    /// Nobody waits for the answer any more.
    Cancel(RequestKey),
    /// The answer did not come in time. Nobody waits for it any more.
    Overdue(RequestKey),
    /// To be answered by [`Session::parameter_values`](crate::Session).
    GetParameters {
        /// Names the request in the answer.
        key: RequestKey,
        /// The parameters. Empty: all.
        names: Vec<String>,
    },
    /// Set parameters, and answer with the values that they have then, as for
    /// [`Request::GetParameters`].
    SetParameters {
        /// Names the request in the answer.
        key: RequestKey,
        /// The new values.
        parameters: Vec<Parameter>,
    },
    /// Whether somebody watches parameters, see [`Session::parameters_changed`](crate::Session).
    WatchParameters(bool),
    /// Whether somebody watches the connection graph, see
    /// [`Session::connection_graph`](crate::Session).
    WatchGraph(bool),
    /// Fetch a file. To be answered by [`Session::asset`](crate::Session).
    FetchAsset {
        /// Names the request in the answer.
        key: RequestKey,
        /// Which one.
        uri: String,
    },
}

impl Request {
    pub(crate) fn participant(&self) -> Option<ParticipantId> {
        match self {
            Self::Advertise { key, .. }
            | Self::Publish { key, .. }
            | Self::Stop { key }
            | Self::Unadvertise { key } => Some(key.participant),
            Self::Call { key, .. }
            | Self::Cancel(key)
            | Self::Overdue(key)
            | Self::GetParameters { key, .. }
            | Self::SetParameters { key, .. }
            | Self::FetchAsset { key, .. } => Some(key.participant),
            Self::WatchParameters(_) | Self::WatchGraph(_) => None,
        }
    }

    /// Bytes that wait with it, about.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Publish { message, .. } => message.len(),
            Self::Call { payload, .. } => payload.len(),
            Self::Advertise {
                topic, type_name, ..
            } => topic.len() + type_name.len(),
            Self::GetParameters { names, .. } => names.iter().map(String::len).sum(),
            Self::SetParameters { parameters, .. } => {
                parameters.iter().map(size_of_parameter).sum()
            }
            Self::FetchAsset { uri, .. } => uri.len(),
            Self::Stop { .. }
            | Self::Unadvertise { .. }
            | Self::Cancel(_)
            | Self::Overdue(_)
            | Self::WatchParameters(_)
            | Self::WatchGraph(_) => 0,
        }
    }

    /// Whether it ends or undoes an earlier one: such a request is never refused, and there are
    /// no more of them than of the others.
    pub(crate) fn is_ending(&self) -> bool {
        match self {
            Self::Stop { .. }
            | Self::Unadvertise { .. }
            | Self::Cancel(_)
            | Self::Overdue(_)
            | Self::WatchParameters(_)
            | Self::WatchGraph(_) => true,
            Self::Advertise { .. }
            | Self::Publish { .. }
            | Self::Call { .. }
            | Self::GetParameters { .. }
            | Self::SetParameters { .. }
            | Self::FetchAsset { .. } => false,
        }
    }
}

/// Bytes of a parameter, about: its place, its name, and its value in JSON.
pub(crate) fn size_of_parameter(parameter: &Parameter) -> usize {
    fn size(value: &Value) -> usize {
        match value {
            Value::String(text) => text.len() + 2,
            Value::Array(values) => values.iter().map(|value| size(value) + 1).sum(),
            Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) => 20,
        }
    }
    let value = parameter.value.as_ref().map_or(0, size);
    size_of::<Parameter>() + parameter.name.len() + value
}
