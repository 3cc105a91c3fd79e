//! Events of the connection and its viewers, handed to the session.

use std::time::Instant;

use tracing::{debug, info_span, warn, Span};

use super::report::ConnectionState;
use super::transport::{
    Access, Connection, ConnectionEvent, Inbound, InboundEvent, SendError, Transport,
};
use super::{Driver, Link};

impl<T: Transport> Driver<T> {
    pub(super) fn connection_event(
        &mut self,
        now: Instant,
        link: &mut Link<T::Connection>,
        event: ConnectionEvent,
    ) {
        match event {
            ConnectionEvent::ViewerJoined {
                id,
                name,
                may_send,
                access,
            } => {
                let span = info_span!(parent: &self.span, "viewer", viewer = name);
                self.viewers.insert(id, span);
                self.session
                    .participant_joined(now, id, access.rights.clone());
                self.session.participant_named(id, name);
                self.session.set_may_send(now, id, may_send);
                if access.problem.is_some() {
                    self.session
                        .set_rights(now, id, access.rights, access.problem);
                }
            }
            ConnectionEvent::ViewerLeft(id) => {
                self.viewers.remove(&id);
                self.session.participant_left(now, id);
            }
            ConnectionEvent::MaySend(id, may_send) => self.session.set_may_send(now, id, may_send),
            ConnectionEvent::Access(id, Access { rights, problem }) => {
                self.session.set_rights(now, id, rights, problem);
            }
            ConnectionEvent::Interrupted => self.state = ConnectionState::Interrupted,
            ConnectionEvent::Resumed => self.state = ConnectionState::Up,
            ConnectionEvent::Restarted => {
                self.state = ConnectionState::Up;
                self.session.resync_all(now);
            }
            ConnectionEvent::Ended => self.reconnect(now, link),
        }
    }

    pub(super) fn sent(&mut self, now: Instant, result: Result<(), SendError>) {
        if let Err(SendError { stream, reason }) = result {
            warn!(?stream, reason, "cannot write to a stream");
            self.session.stream_failed(now, stream);
        }
    }

    pub(super) fn inbound_event(
        &mut self,
        now: Instant,
        link: &mut Link<T::Connection>,
        event: InboundEvent,
    ) {
        let InboundEvent {
            viewer,
            stream,
            what,
        } = event;
        let span = self.viewers.get(&viewer).cloned();
        let _entered = span.as_ref().map(Span::enter);
        let result = match what {
            Inbound::Opened { many_streams } => {
                self.session
                    .inbound_opened(now, viewer, stream, many_streams)
            }
            Inbound::Bytes(bytes) => self.session.inbound_bytes(now, stream, &bytes),
            Inbound::Closed => {
                self.session.inbound_closed(stream);
                Ok(())
            }
        };
        if let Err(error) = result {
            debug!(%error, "ending a stream");
            if let Link::Up(connection) = link {
                connection.end_stream(stream);
            }
        }
    }
}
