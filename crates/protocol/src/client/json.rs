//! The JSON form of a viewer's messages.

use serde::{Deserialize, Serialize};

use super::message::{ClientChannel, ClientMessage, WheelAct};
use crate::parameter::Parameter;
use crate::{AssetRequestId, ChannelId, ClientChannelId};

/// A JSON message as it is on the wire.
#[derive(Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum JsonMessage {
    Subscribe(Subscribe),
    Unsubscribe {
        channel_ids: Vec<ChannelId>,
    },
    Advertise {
        channels: Vec<ClientChannel>,
    },
    Unadvertise {
        channel_ids: Vec<ClientChannelId>,
    },
    GetParameters {
        parameter_names: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    SetParameters {
        parameters: Vec<Parameter>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    SubscribeParameterUpdates {
        parameter_names: Vec<String>,
    },
    UnsubscribeParameterUpdates {
        parameter_names: Vec<String>,
    },
    SubscribeConnectionGraph {},
    UnsubscribeConnectionGraph {},
    FetchAsset {
        request_id: AssetRequestId,
        uri: String,
    },
    Wheel {
        topic: String,
        act: WheelAct,
    },
}

/// Both shapes of `subscribe`: a list of ids (2.0), or a list of objects (2.2 and later).
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Subscribe {
    #[serde(rename_all = "camelCase")]
    Ids {
        channel_ids: Vec<ChannelId>,
    },
    Channels {
        channels: Vec<SubscribeChannel>,
    },
}

#[derive(Serialize, Deserialize)]
pub(super) struct SubscribeChannel {
    id: ChannelId,
}

impl From<JsonMessage> for ClientMessage {
    fn from(message: JsonMessage) -> Self {
        match message {
            JsonMessage::Subscribe(Subscribe::Ids { channel_ids }) => Self::Subscribe(channel_ids),
            JsonMessage::Subscribe(Subscribe::Channels { channels }) => {
                Self::Subscribe(channels.into_iter().map(|channel| channel.id).collect())
            }
            JsonMessage::Unsubscribe { channel_ids } => Self::Unsubscribe(channel_ids),
            JsonMessage::Advertise { channels } => Self::Advertise(channels),
            JsonMessage::Unadvertise { channel_ids } => Self::Unadvertise(channel_ids),
            JsonMessage::GetParameters {
                parameter_names: names,
                id,
            } => Self::GetParameters { names, id },
            JsonMessage::SetParameters { parameters, id } => Self::SetParameters { parameters, id },
            JsonMessage::SubscribeParameterUpdates { parameter_names } => {
                Self::SubscribeParameterUpdates(parameter_names)
            }
            JsonMessage::UnsubscribeParameterUpdates { parameter_names } => {
                Self::UnsubscribeParameterUpdates(parameter_names)
            }
            JsonMessage::SubscribeConnectionGraph {} => Self::SubscribeConnectionGraph,
            JsonMessage::UnsubscribeConnectionGraph {} => Self::UnsubscribeConnectionGraph,
            JsonMessage::FetchAsset {
                request_id: request,
                uri,
            } => Self::FetchAsset { request, uri },
            JsonMessage::Wheel { topic, act } => Self::Wheel { topic, act },
        }
    }
}

/// The message has a binary form only.
#[derive(Debug)]
pub(super) struct NotJson;

impl TryFrom<&ClientMessage> for JsonMessage {
    type Error = NotJson;

    fn try_from(message: &ClientMessage) -> Result<Self, NotJson> {
        Ok(match message.clone() {
            ClientMessage::Subscribe(channel_ids) => {
                Self::Subscribe(Subscribe::Ids { channel_ids })
            }
            ClientMessage::Unsubscribe(channel_ids) => Self::Unsubscribe { channel_ids },
            ClientMessage::Advertise(channels) => Self::Advertise { channels },
            ClientMessage::Unadvertise(channel_ids) => Self::Unadvertise { channel_ids },
            ClientMessage::GetParameters {
                names: parameter_names,
                id,
            } => Self::GetParameters {
                parameter_names,
                id,
            },
            ClientMessage::SetParameters { parameters, id } => {
                Self::SetParameters { parameters, id }
            }
            ClientMessage::SubscribeParameterUpdates(parameter_names) => {
                Self::SubscribeParameterUpdates { parameter_names }
            }
            ClientMessage::UnsubscribeParameterUpdates(parameter_names) => {
                Self::UnsubscribeParameterUpdates { parameter_names }
            }
            ClientMessage::SubscribeConnectionGraph => Self::SubscribeConnectionGraph {},
            ClientMessage::UnsubscribeConnectionGraph => Self::UnsubscribeConnectionGraph {},
            ClientMessage::FetchAsset {
                request: request_id,
                uri,
            } => Self::FetchAsset { request_id, uri },
            ClientMessage::Wheel { topic, act } => Self::Wheel { topic, act },
            ClientMessage::MessageData { .. }
            | ClientMessage::TimedMessageData { .. }
            | ClientMessage::ServiceCallRequest(_)
            | ClientMessage::Ping { .. }
            | ClientMessage::PingAck { .. } => return Err(NotJson),
        })
    }
}
