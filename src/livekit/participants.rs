//! Participants of the room, and the streams that they open.

use std::collections::{HashMap, HashSet};

use livekit::id::{ParticipantIdentity, ParticipantSid};
use livekit::participant::RemoteParticipant;
use livekit::{ByteStreamReader, StreamCloser, StreamReader};
use remote_access_protocol::{ROLE_ATTRIBUTE, ROLE_ROBOT, SID_ATTRIBUTE};
use tracing::{debug, info, warn};

use super::description::Description;
use super::early::EarlyStreams;
use super::inbox::{self, InboxEvent};
use remote_access_session::{InboundId, ParticipantId};

/// Streams that may wait to be read by a participant's inbox.
const MAX_OPENED: usize = 16;
/// Participants of whom it is remembered that they are no viewers.
const MAX_OTHERS: usize = 1024;

struct Member {
    id: ParticipantId,
    sid: ParticipantSid,
    /// Whether the room has told of it, and not the server alone.
    is_told: bool,
    /// Ends the inbox when dropped.
    opened: flume::Sender<(InboundId, ByteStreamReader)>,
}

/// What a participant's arrival changes.
#[derive(Default)]
pub(super) struct Change {
    /// A new viewer.
    pub joined: Option<ParticipantId>,
    /// One that it replaces, or that turns out to be none.
    pub left: Option<ParticipantId>,
    /// A viewer that only the server had told of.
    pub confirmed: Option<ParticipantId>,
}

/// What has become of a stream that a participant opened.
pub(super) enum Opening {
    /// It is read, or closed.
    Handled,
    /// It waits until the participant is known.
    Early,
    /// The participant turns out to be another robot; the id of the viewer that it was taken for.
    OfRobot(Option<ParticipantId>),
}

/// The viewers of one connection, by identity. Ids are never used twice.
pub(super) struct Participants {
    members: HashMap<ParticipantIdentity, Member>,
    identities: HashMap<ParticipantId, ParticipantIdentity>,
    /// Streams of participants that cannot receive yet.
    early: EarlyStreams,
    /// Participants that are no viewers.
    others: HashSet<ParticipantIdentity>,
    /// Handles that end the streams of viewers, while they may be read.
    closers: HashMap<InboundId, (ParticipantId, StreamCloser)>,
    events: flume::Sender<InboxEvent>,
    next: u64,
}

impl Participants {
    /// `connection` counts the connections, so that ids of an earlier one never come again.
    pub(super) fn new(events: flume::Sender<InboxEvent>, connection: u64) -> Self {
        Self {
            members: HashMap::new(),
            identities: HashMap::new(),
            early: EarlyStreams::default(),
            others: HashSet::new(),
            closers: HashMap::new(),
            events,
            next: connection << 40,
        }
    }

    /// A participant can receive, as the room tells or, if not `is_told`, the server.
    pub(super) fn active(&mut self, participant: &Description, is_told: bool) -> Change {
        let identity = &participant.identity;
        if !participant.is_viewer || self.others.contains(identity) {
            return Change {
                left: self.is_no_viewer(identity),
                ..Change::default()
            };
        }
        let sid = participant.sid.clone();
        let same = |member: &&mut Member| member.sid == sid;
        if let Some(member) = self.members.get_mut(identity).filter(same) {
            let confirmed = (is_told && !member.is_told).then_some(member.id);
            member.is_told |= is_told;
            return Change {
                confirmed,
                ..Change::default()
            };
        }
        let left = self.remove(identity);
        let id = ParticipantId(self.take_number());
        let (opened, streams) = flume::bounded(MAX_OPENED);
        tokio::spawn(inbox::read(id, streams, self.events.clone()));
        info!(%identity, %sid, "viewer joined");
        let member = Member {
            id,
            sid,
            is_told,
            opened,
        };
        self.members.insert(identity.clone(), member);
        self.identities.insert(id, identity.clone());
        for reader in self.early.take(identity) {
            self.stream(identity, reader);
        }
        Change {
            joined: Some(id),
            left,
            confirmed: None,
        }
    }

    /// A viewer that the server told of is gone, unless the room has told of it since.
    pub(super) fn overdue(
        &mut self,
        identity: &ParticipantIdentity,
        sid: &ParticipantSid,
    ) -> Option<ParticipantId> {
        let member = self.members.get(identity)?;
        if member.is_told || member.sid != *sid {
            return None;
        }
        info!(%identity, "viewer left");
        self.remove(identity)
    }

    /// A participant is gone.
    pub(super) fn gone(&mut self, participant: &RemoteParticipant) -> Option<ParticipantId> {
        let identity = participant.identity();
        self.early.end(&identity);
        self.others.remove(&identity);
        self.id_of(participant)?;
        info!(%identity, "viewer left");
        self.remove(&identity)
    }

    /// The id of a participant, if it is a viewer that can receive.
    pub(super) fn id_of(&self, participant: &RemoteParticipant) -> Option<ParticipantId> {
        let member = self.members.get(&participant.identity())?;
        (member.sid == participant.sid()).then_some(member.id)
    }

    /// A participant opened a stream on our topic.
    pub(super) fn stream(
        &mut self,
        identity: &ParticipantIdentity,
        reader: ByteStreamReader,
    ) -> Opening {
        let role = reader.info().attributes().get(ROLE_ATTRIBUTE).cloned();
        if role.as_deref() == Some(ROLE_ROBOT) {
            reader.closer().close();
            return Opening::OfRobot(self.is_no_viewer(identity));
        }
        if self.others.contains(identity) {
            reader.closer().close();
            return Opening::Handled;
        }
        let inbound = InboundId(self.take_number());
        // The room may not have told yet that another session has taken the place of the member's.
        let sid = reader.info().attributes().get(SID_ATTRIBUTE).cloned();
        let is_of = |member: &&Member| sid.as_deref().is_none_or(|sid| sid == member.sid.as_str());
        let Some(member) = self.members.get(identity).filter(is_of) else {
            return if self.early.keep(identity, reader) {
                Opening::Early
            } else {
                Opening::Handled
            };
        };
        let closer = reader.closer();
        if member.opened.try_send((inbound, reader)).is_ok() {
            self.closers.insert(inbound, (member.id, closer));
        } else {
            warn!(%identity, "viewer opens too many streams");
            closer.close();
        }
        Opening::Handled
    }

    /// The identity behind an id, unless the participant is gone.
    pub(super) fn identity(&self, id: ParticipantId) -> Option<ParticipantIdentity> {
        self.identities.get(&id).cloned()
    }

    /// Ends a stream, or forgets one that has ended.
    pub(super) fn close(&mut self, inbound: InboundId) {
        if let Some((_, closer)) = self.closers.remove(&inbound) {
            closer.close();
        }
    }

    /// Ends what a participant has sent and, while it is there, will send. Returns the id of the
    /// viewer that it was taken for.
    fn is_no_viewer(&mut self, identity: &ParticipantIdentity) -> Option<ParticipantId> {
        debug!(%identity, "participant is no viewer");
        self.early.end(identity);
        if self.others.len() < MAX_OTHERS {
            self.others.insert(identity.clone());
        }
        self.remove(identity)
    }

    fn remove(&mut self, identity: &ParticipantIdentity) -> Option<ParticipantId> {
        let member = self.members.remove(identity)?;
        self.identities.remove(&member.id);
        self.closers.retain(|_, (of, closer)| {
            if *of == member.id {
                closer.close();
            }
            *of != member.id
        });
        Some(member.id)
    }

    fn take_number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}
