//! What the room and its participants tell.

use std::time::Instant;

use livekit::participant::{Participant, RemoteParticipant};
use livekit::{DisconnectReason, RoomEvent};
use remote_access_protocol::TOPIC;
use tracing::{debug, error, info, warn};

use super::{Driver, Link};
use crate::livekit::inbox::{Inbound, InboxEvent};
use crate::livekit::participants::may_send;
use crate::livekit::report::Connection;

impl Driver {
    /// Returns `false` if the connection is over.
    pub(super) fn room_event(
        &mut self,
        now: Instant,
        link: &mut Link,
        event: Option<RoomEvent>,
    ) -> bool {
        match event {
            Some(RoomEvent::ParticipantActive(participant)) => {
                self.participant_active(now, link, &participant);
            }
            Some(RoomEvent::ParticipantDisconnected(participant)) => {
                if let Some(id) = link.participants.gone(&participant) {
                    self.session.participant_left(now, id);
                }
            }
            Some(RoomEvent::ParticipantPermissionChanged {
                participant: Participant::Remote(participant),
                ..
            }) => {
                if let Some(id) = link.participants.id_of(&participant) {
                    self.session.set_may_send(now, id, may_send(&participant));
                }
            }
            Some(RoomEvent::ByteStreamOpened {
                reader,
                topic,
                participant_identity,
            }) if topic == TOPIC => {
                let robot = reader
                    .take()
                    .and_then(|reader| link.participants.stream(&participant_identity, reader));
                if let Some(id) = robot {
                    self.session.participant_left(now, id);
                }
            }
            Some(RoomEvent::Reconnecting) => {
                info!("connection interrupted, reconnecting");
                self.connection = Connection::Interrupted;
            }
            Some(RoomEvent::Reconnected) => {
                info!("reconnected");
                self.connection = Connection::Up;
                self.session.resync_all(now);
            }
            Some(RoomEvent::Disconnected {
                reason: DisconnectReason::DuplicateIdentity,
            }) => {
                error!(
                    "another participant joined with this node's identity, which ended the \
                     connection: give each robot its own (parameter `identity`, or its token)"
                );
                return false;
            }
            Some(RoomEvent::Disconnected { reason }) => {
                warn!(?reason, "disconnected from the room");
                return false;
            }
            None => return false,
            Some(_) => {}
        }
        true
    }

    pub(super) fn participant_active(
        &mut self,
        now: Instant,
        link: &mut Link,
        participant: &RemoteParticipant,
    ) {
        let (joined, replaced) = link.participants.active(participant);
        if let Some(id) = replaced {
            self.session.participant_left(now, id);
        }
        if let Some(id) = joined {
            self.session.participant_joined(now, id);
            let identity = participant.identity().to_string();
            self.session.participant_named(id, identity);
            self.session.set_may_send(now, id, may_send(participant));
        }
    }

    pub(super) fn inbox_event(&mut self, now: Instant, link: &mut Link, event: InboxEvent) {
        let InboxEvent {
            participant,
            inbound,
            what,
        } = event;
        let result = match what {
            Inbound::Opened {
                many_streams,
                closer,
            } => {
                link.participants.opened(inbound, closer);
                self.session
                    .inbound_opened(now, participant, inbound, many_streams)
            }
            Inbound::Bytes(bytes) => self.session.inbound_bytes(now, inbound, &bytes),
            Inbound::Closed => {
                self.session.inbound_closed(inbound);
                link.participants.close(inbound);
                Ok(())
            }
        };
        if let Err(error) = result {
            debug!(?participant, %error, "ending a stream");
            link.participants.close(inbound);
        }
    }
}
