//! A connection to the room: what the room and its participants tell, in the driver's terms.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::task::{ready, Context, Poll};
use std::time::{Duration, Instant};

use flume::r#async::RecvStream;
use futures_util::StreamExt;
use livekit::id::{ParticipantIdentity, ParticipantSid};
use livekit::participant::Participant;
use livekit::{ByteStreamReader, DisconnectReason, Room, RoomEvent};
use remote_access_protocol::{GRANT_ATTRIBUTE, TOPIC};
use remote_access_room::{close, Joined, ParticipantLookup, RoomConnector};
use remote_access_session::{InboundId, Transmit};
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::{error, info, warn};

use super::arrivals::{Arrival, Arrivals};
use super::description::Description;
use super::grants::Grants;
use super::inbox::{InboxEvent, InboxItem};
use super::outbox::Outbox;
use super::participants::{Opening, Participants};
use super::path;
use crate::access::AccessControl;
use crate::driver::{Connection, ConnectionEvent, Inbound, InboundEvent, PathStats, SendError};

/// Events of participants that may wait.
const MAX_INBOX: usize = 256;
/// Longest time for the end of the streams. On a link that is gone it is lost.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(200);

/// A connection to the room, see [`LiveKit`](super::LiveKit).
pub struct RoomConnection {
    connector: RoomConnector,
    room: Arc<Room>,
    /// The server's name for this participant's session, which a new one replaces.
    sid: ParticipantSid,
    events: UnboundedReceiver<RoomEvent>,
    /// Events that the room's have led to.
    ready: VecDeque<ConnectionEvent>,
    inbox: RecvStream<'static, InboxEvent>,
    participants: Participants,
    arrivals: Arrivals,
    grants: Grants,
    outbox: Outbox,
}

impl RoomConnection {
    /// `number` counts the connections, so that ids of an earlier one never come again.
    pub(super) fn new(
        (room, events): Joined,
        connector: RoomConnector,
        lookup: Option<ParticipantLookup>,
        access: Arc<AccessControl>,
        number: u64,
    ) -> Self {
        let local = room.local_participant();
        info!(room = room.name(), identity = %local.identity(), "joined the room");
        let (sender, inbox) = flume::bounded(MAX_INBOX);
        let mut connection = Self {
            connector,
            sid: local.sid(),
            outbox: Outbox::new(local),
            grants: Grants::new(access, room.name()),
            room: Arc::new(room),
            events,
            ready: VecDeque::new(),
            inbox: inbox.into_stream(),
            participants: Participants::new(sender, number),
            arrivals: Arrivals::new(lookup),
        };
        for participant in connection.room.remote_participants().into_values() {
            let participant = Description::from(&participant);
            if participant.is_active {
                connection.participant_active(&participant, true);
            }
        }
        connection.look_around();
        connection
    }

    fn look_around(&self) {
        let own = self.room.local_participant().identity();
        self.arrivals.look_around(&own);
    }

    fn room_event(&mut self, event: RoomEvent) {
        match event {
            RoomEvent::ParticipantActive(participant) => {
                self.participant_active(&Description::from(&participant), true);
            }
            RoomEvent::ParticipantDisconnected(participant) => {
                let gone = self.participants.gone(&participant);
                self.ready.extend(gone.map(ConnectionEvent::ViewerLeft));
                self.grants.forget(Instant::now(), &participant.identity());
            }
            RoomEvent::ParticipantPermissionChanged {
                participant: Participant::Remote(participant),
                ..
            } => {
                if let Some(id) = self.participants.id_of(&participant) {
                    let may_send = Description::from(&participant).may_send;
                    self.ready.push_back(ConnectionEvent::MaySend(id, may_send));
                }
            }
            RoomEvent::ParticipantAttributesChanged {
                participant: Participant::Remote(participant),
                changed_attributes,
            } if changed_attributes.contains_key(GRANT_ATTRIBUTE) => {
                if let Some(id) = self.participants.id_of(&participant) {
                    let access = self.grants.changed(&Description::from(&participant));
                    self.ready.push_back(ConnectionEvent::Access(id, access));
                }
            }
            RoomEvent::ByteStreamOpened {
                reader,
                topic,
                participant_identity,
            } if topic == TOPIC => {
                if let Some(reader) = reader.take() {
                    self.stream_opened(&participant_identity, reader);
                }
            }
            RoomEvent::TokenRefreshed { token } => self.connector.token_refreshed(token),
            RoomEvent::Reconnecting => {
                info!("connection interrupted, reconnecting");
                self.ready.push_back(ConnectionEvent::Interrupted);
            }
            RoomEvent::Reconnected => {
                let sid = self.room.local_participant().sid();
                let is_same = sid == self.sid;
                info!("reconnected");
                self.sid = sid;
                self.ready.push_back(if is_same {
                    ConnectionEvent::Resumed
                } else {
                    self.look_around();
                    ConnectionEvent::Restarted
                });
            }
            RoomEvent::Disconnected {
                reason: DisconnectReason::DuplicateIdentity,
            } => {
                error!(
                    "another participant joined with this node's identity, which ended the \
                     connection: give each robot its own (parameter `identity`, or its token)"
                );
                self.ready.push_back(ConnectionEvent::Ended);
            }
            RoomEvent::Disconnected { reason } => {
                warn!(?reason, "disconnected from the room");
                self.ready.push_back(ConnectionEvent::Ended);
            }
            _ => {}
        }
    }

    fn stream_opened(&mut self, identity: &ParticipantIdentity, reader: ByteStreamReader) {
        match self.participants.stream(identity, reader) {
            Opening::Handled => {}
            Opening::Early => self.arrivals.ask(identity),
            Opening::OfRobot(viewer) => {
                self.ready.extend(viewer.map(ConnectionEvent::ViewerLeft));
            }
        }
    }

    fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Known(participant) => {
                // An answer that took long may be about a session that another one has replaced.
                let told = self.told(&participant.identity);
                if told.is_none_or(|told| told.sid == participant.sid) {
                    self.participant_active(&participant, false);
                }
            }
            Arrival::Overdue(identity, sid) => {
                if let Some(told) = self.told(&identity).filter(|told| told.sid == sid) {
                    self.participant_active(&told, true);
                    return;
                }
                let left = self.participants.overdue(&identity, &sid);
                self.ready.extend(left.map(ConnectionEvent::ViewerLeft));
            }
        }
    }

    /// A participant as the room tells of it, if it can receive.
    fn told(&self, identity: &ParticipantIdentity) -> Option<Description> {
        let participants = self.room.remote_participants();
        let told = Description::from(participants.get(identity)?);
        told.is_active.then_some(told)
    }

    /// A participant can receive, as the room tells or, if not `is_told`, the server.
    fn participant_active(&mut self, participant: &Description, is_told: bool) {
        let change = self.participants.active(participant, is_told);
        self.ready
            .extend(change.left.map(ConnectionEvent::ViewerLeft));
        if change.joined.is_some() && !is_told {
            let (identity, sid) = (participant.identity.clone(), participant.sid.clone());
            self.arrivals.expect(identity, sid);
        }
        if let Some(id) = change.joined {
            self.ready.push_back(ConnectionEvent::ViewerJoined {
                id,
                name: participant.identity.to_string(),
                may_send: participant.may_send,
                access: self.grants.of(participant),
            });
        }
        if let Some(id) = change.confirmed {
            // They may have changed since the server was asked.
            let (may_send, access) = (participant.may_send, self.grants.of(participant));
            self.ready.push_back(ConnectionEvent::MaySend(id, may_send));
            self.ready.push_back(ConnectionEvent::Access(id, access));
        }
    }
}

impl Connection for RoomConnection {
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<ConnectionEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Poll::Ready(event);
            }
            if let Poll::Ready(arrival) = self.arrivals.poll(context) {
                self.arrived(arrival);
                continue;
            }
            match ready!(self.events.poll_recv(context)) {
                Some(event) => self.room_event(event),
                None => return Poll::Ready(ConnectionEvent::Ended),
            }
        }
    }

    fn poll_inbound(&mut self, context: &mut Context<'_>) -> Poll<InboundEvent> {
        let Some(event) = ready!(self.inbox.poll_next_unpin(context)) else {
            return Poll::Pending;
        };
        let InboxEvent {
            participant: viewer,
            inbound: stream,
            what,
        } = event;
        let what = match what {
            InboxItem::Opened { many_streams } => Inbound::Opened { many_streams },
            InboxItem::Bytes(bytes) => Inbound::Bytes(bytes),
            InboxItem::Closed => {
                self.participants.close(stream);
                Inbound::Closed
            }
        };
        Poll::Ready(InboundEvent {
            viewer,
            stream,
            what,
        })
    }

    fn poll_sent(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        self.outbox.poll_sent(context)
    }

    fn is_sending(&self) -> bool {
        self.outbox.is_sending()
    }

    fn start(&mut self, transmit: Transmit, buffer: u64) {
        self.outbox.limit_buffer(buffer);
        let participants = &self.participants;
        self.outbox.start(transmit, |id| participants.identity(id));
    }

    fn end_stream(&mut self, inbound: InboundId) {
        self.participants.close(inbound);
    }

    fn path(&self) -> impl Future<Output = Option<PathStats>> + Send + 'static {
        let room = Arc::clone(&self.room);
        async move { path::measure(&room).await }
    }

    async fn leave(self) {
        self.outbox.close(CLOSE_TIMEOUT).await;
        close(self.room).await;
    }

    fn abandon(self) {
        // What is being sent goes with the outbox, before the room.
        drop(self.outbox);
        tokio::spawn(close(self.room));
    }
}
