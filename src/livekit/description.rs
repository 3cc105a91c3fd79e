//! What is known of a participant, from the room or from the server.

use std::collections::HashMap;

use livekit::id::{ParticipantIdentity, ParticipantSid};
use livekit::participant::{ParticipantKind, ParticipantState, RemoteParticipant};
use livekit_protocol::participant_info::{Kind, State};
use livekit_protocol::ParticipantInfo;
use remote_access_protocol::{GRANT_ATTRIBUTE, ROLE_ATTRIBUTE, ROLE_ROBOT};

/// A participant as it is now.
pub(super) struct Description {
    pub identity: ParticipantIdentity,
    /// Its session in the room.
    pub sid: ParticipantSid,
    /// Whether it can already receive.
    pub is_active: bool,
    /// Whether it watches robots.
    pub is_viewer: bool,
    /// Whether the server passes on what it sends. It does where it tells nothing.
    pub may_send: bool,
    /// The grant in its token.
    pub grant: Option<String>,
}

impl From<&RemoteParticipant> for Description {
    fn from(participant: &RemoteParticipant) -> Self {
        let attributes = participant.attributes();
        let kind = matches!(
            participant.kind(),
            ParticipantKind::Standard | ParticipantKind::Agent
        );
        let permission = participant.permission();
        Self {
            identity: participant.identity(),
            sid: participant.sid(),
            is_active: participant.state() == ParticipantState::Active,
            is_viewer: kind && !is_robot(&attributes),
            may_send: permission.is_none_or(|permission| permission.can_publish_data),
            grant: attributes.get(GRANT_ATTRIBUTE).cloned(),
        }
    }
}

impl Description {
    /// From the server's answer, unless that is about nobody, or about somebody of whom the room never
    /// tells.
    pub(super) fn from_server(mut info: ParticipantInfo) -> Option<Self> {
        if info.permission.as_ref().is_some_and(|it| it.hidden) {
            return None;
        }
        Some(Self {
            is_active: info.state() == State::Active,
            is_viewer: matches!(info.kind(), Kind::Standard | Kind::Agent)
                && !is_robot(&info.attributes),
            may_send: info.permission.is_none_or(|it| it.can_publish_data),
            grant: info.attributes.remove(GRANT_ATTRIBUTE),
            sid: info.sid.try_into().ok()?,
            identity: info.identity.into(),
        })
    }
}

fn is_robot(attributes: &HashMap<String, String>) -> bool {
    attributes
        .get(ROLE_ATTRIBUTE)
        .is_some_and(|role| role == ROLE_ROBOT)
}
