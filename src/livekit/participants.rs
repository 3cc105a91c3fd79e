//! Who is in the room, and the streams that they open.

use std::collections::HashMap;

use livekit::id::{ParticipantIdentity, ParticipantSid};
use livekit::participant::{ParticipantKind, ParticipantState, RemoteParticipant};
use livekit::{ByteStreamReader, StreamCloser, StreamReader};
use remote_access_protocol::{ROLE_ATTRIBUTE, ROLE_ROBOT};
use tracing::{debug, info, warn};

use super::inbox::{self, InboxEvent};
use remote_access_session::{InboundId, ParticipantId};

/// Streams that may wait until their participant can receive.
const MAX_WAITING: usize = 8;
/// Streams that may wait to be read by a participant's inbox.
const MAX_OPENED: usize = 16;
/// Identities whose early streams are kept.
const MAX_EARLY: usize = 64;

struct Member {
    id: ParticipantId,
    sid: ParticipantSid,
    /// Ends the inbox when dropped.
    opened: flume::Sender<(InboundId, ByteStreamReader)>,
}

/// The viewers of one connection, by identity. Ids are never used twice.
pub(super) struct Participants {
    members: HashMap<ParticipantIdentity, Member>,
    identities: HashMap<ParticipantId, ParticipantIdentity>,
    /// Streams of participants that cannot receive yet.
    early: HashMap<ParticipantIdentity, Vec<ByteStreamReader>>,
    closers: HashMap<InboundId, StreamCloser>,
    events: flume::Sender<InboxEvent>,
    next: u64,
}

impl Participants {
    /// `connection` counts the connections, so that ids of an earlier one never come again.
    pub fn new(events: flume::Sender<InboxEvent>, connection: u64) -> Self {
        Self {
            members: HashMap::new(),
            identities: HashMap::new(),
            early: HashMap::new(),
            closers: HashMap::new(),
            events,
            next: connection << 40,
        }
    }

    /// A participant can receive. Returns the id of a new viewer, and of the one it replaces.
    pub fn active(
        &mut self,
        participant: &RemoteParticipant,
    ) -> (Option<ParticipantId>, Option<ParticipantId>) {
        let identity = participant.identity();
        if !is_viewer(participant) {
            debug!(%identity, "participant is no viewer");
            return (None, None);
        }
        let sid = participant.sid();
        if self
            .members
            .get(&identity)
            .is_some_and(|member| member.sid == sid)
        {
            return (None, None);
        }
        let replaced = self.remove(&identity);
        let id = ParticipantId(self.take_number());
        let (opened, streams) = flume::bounded(MAX_OPENED);
        tokio::spawn(inbox::read(id, streams, self.events.clone()));
        info!(%identity, %sid, "viewer joined");
        let member = Member { id, sid, opened };
        self.members.insert(identity.clone(), member);
        self.identities.insert(id, identity.clone());
        for reader in self.early.remove(&identity).unwrap_or_default() {
            self.stream(&identity, reader);
        }
        (Some(id), replaced)
    }

    /// A participant is gone.
    pub fn gone(&mut self, participant: &RemoteParticipant) -> Option<ParticipantId> {
        let identity = participant.identity();
        self.early.remove(&identity);
        self.id_of(participant)?;
        info!(%identity, "viewer left");
        self.remove(&identity)
    }

    /// The id of a participant, if it is a viewer that can receive.
    pub fn id_of(&self, participant: &RemoteParticipant) -> Option<ParticipantId> {
        let member = self.members.get(&participant.identity())?;
        (member.sid == participant.sid()).then_some(member.id)
    }

    /// A participant opened a stream on our topic. Returns the id of a participant that turns out
    /// to be another robot.
    pub fn stream(
        &mut self,
        identity: &ParticipantIdentity,
        reader: ByteStreamReader,
    ) -> Option<ParticipantId> {
        let role = reader.info().attributes().get(ROLE_ATTRIBUTE).cloned();
        if role.as_deref() == Some(ROLE_ROBOT) {
            debug!(%identity, "participant is a robot");
            return self.remove(identity);
        }
        let inbound = InboundId(self.take_number());
        let Some(member) = self.members.get(identity) else {
            self.keep_early(identity, reader);
            return None;
        };
        if member.opened.try_send((inbound, reader)).is_err() {
            warn!(%identity, "viewer opens too many streams");
        }
        None
    }

    /// The identity behind an id, unless the participant is gone.
    pub fn identity(&self, id: ParticipantId) -> Option<ParticipantIdentity> {
        self.identities.get(&id).cloned()
    }

    /// Remembers how to end a stream.
    pub fn opened(&mut self, inbound: InboundId, closer: StreamCloser) {
        self.closers.insert(inbound, closer);
    }

    /// Ends a stream, or forgets one that has ended.
    pub fn close(&mut self, inbound: InboundId) {
        if let Some(closer) = self.closers.remove(&inbound) {
            closer.close();
        }
    }

    fn keep_early(&mut self, identity: &ParticipantIdentity, reader: ByteStreamReader) {
        if self.early.len() >= MAX_EARLY && !self.early.contains_key(identity) {
            return;
        }
        let waiting = self.early.entry(identity.clone()).or_default();
        if waiting.len() < MAX_WAITING {
            waiting.push(reader);
        }
    }

    fn remove(&mut self, identity: &ParticipantIdentity) -> Option<ParticipantId> {
        let member = self.members.remove(identity)?;
        self.identities.remove(&member.id);
        Some(member.id)
    }

    fn take_number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// Whether a participant can already receive.
pub(super) fn is_active(participant: &RemoteParticipant) -> bool {
    participant.state() == ParticipantState::Active
}

/// Whether the server passes on what a participant sends. It does where it tells nothing.
pub(super) fn may_send(participant: &RemoteParticipant) -> bool {
    let permission = participant.permission();
    permission.is_none_or(|permission| permission.can_publish_data)
}

fn is_viewer(participant: &RemoteParticipant) -> bool {
    let role = participant.attributes().get(ROLE_ATTRIBUTE).cloned();
    let kind = matches!(
        participant.kind(),
        ParticipantKind::Standard | ParticipantKind::Agent
    );
    kind && role.as_deref() != Some(ROLE_ROBOT)
}
