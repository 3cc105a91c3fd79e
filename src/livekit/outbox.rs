//! Carries out what the session wants to be sent, one thing at a time.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{ready, Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use livekit::id::ParticipantIdentity;
use livekit::participant::LocalParticipant;
use livekit::{ByteStreamWriter, DataPacketKind, StreamByteOptions, StreamError, StreamWriter};
use remote_access_protocol::{ROLE_ATTRIBUTE, ROLE_ROBOT, TOPIC};
use tracing::debug;

use remote_access_session::{ParticipantId, StreamId, Transmit};

use crate::driver::SendError;

/// Result of a transmit: for an opened stream its writer.
struct Done {
    stream: StreamId,
    result: Result<Option<ByteStreamWriter>, StreamError>,
}

/// A transmit that is being carried out. A write in flight is never cancelled: the SDK would lose
/// count of its chunks. It may only be abandoned together with the connection.
type InFlight = Pin<Box<dyn Future<Output = Done> + Send>>;

/// The open streams of one connection.
pub(super) struct Outbox {
    local: LocalParticipant,
    writers: HashMap<StreamId, ByteStreamWriter>,
    in_flight: Option<InFlight>,
    buffer: u64,
}

impl Outbox {
    pub(super) fn new(local: LocalParticipant) -> Self {
        Self {
            local,
            writers: HashMap::new(),
            in_flight: None,
            buffer: 0,
        }
    }

    /// Sets how many bytes the transport may hold back before a write has to wait.
    ///
    /// Small changes are left out, since each one is an event in the SDK.
    pub(super) fn limit_buffer(&mut self, bytes: u64) {
        if bytes.abs_diff(self.buffer) * 4 <= self.buffer {
            return;
        }
        self.buffer = bytes;
        let kind = DataPacketKind::Reliable;
        let set = self
            .local
            .set_data_channel_buffered_amount_low_threshold(bytes, kind);
        if let Err(error) = set {
            debug!(%error, "cannot limit the transport's buffer");
        }
    }

    /// Whether a transmit is being carried out.
    pub(super) fn is_sending(&self) -> bool {
        self.in_flight.is_some()
    }

    /// Starts to carry out a transmit, unless there is nothing to do. `identity` names a
    /// participant, unless it is gone.
    pub(super) fn start(
        &mut self,
        transmit: Transmit,
        identity: impl Fn(ParticipantId) -> Option<ParticipantIdentity>,
    ) {
        debug_assert!(self.in_flight.is_none(), "one transmit at a time");
        self.in_flight = self.begin(transmit, identity);
    }

    fn begin(
        &mut self,
        transmit: Transmit,
        identity: impl Fn(ParticipantId) -> Option<ParticipantIdentity>,
    ) -> Option<InFlight> {
        match transmit {
            Transmit::Open {
                stream,
                destinations,
            } => {
                let identities: Vec<_> = destinations.into_iter().filter_map(identity).collect();
                // An empty list would mean everybody.
                if identities.is_empty() {
                    return None;
                }
                Some(open(self.local.clone(), stream, identities))
            }
            Transmit::Write { stream, data } => {
                let writer = self.writers.get(&stream)?.clone();
                Some(Box::pin(async move {
                    let result = writer.write(&data).await.map(|()| None);
                    Done { stream, result }
                }))
            }
            Transmit::Close { stream } => {
                let writer = self.writers.remove(&stream)?;
                Some(Box::pin(async move {
                    let result = writer.close().await.map(|()| None);
                    Done { stream, result }
                }))
            }
        }
    }

    /// The end of what was started, and whether it failed.
    pub(super) fn poll_sent(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        let Some(in_flight) = &mut self.in_flight else {
            return Poll::Pending;
        };
        let Done { stream, result } = ready!(in_flight.poll_unpin(context));
        self.in_flight = None;
        Poll::Ready(match result {
            Ok(writer) => {
                self.writers.extend(writer.map(|writer| (stream, writer)));
                Ok(())
            }
            Err(error) => {
                self.writers.remove(&stream);
                let reason = error.to_string();
                Err(SendError { stream, reason })
            }
        })
    }

    /// Closes all streams, so that the participants see their end.
    pub(super) async fn close(mut self, limit: Duration) {
        self.in_flight = None;
        let closing = async {
            for (_, writer) in self.writers.drain() {
                if writer.close().await.is_err() {
                    return;
                }
            }
        };
        // Whatever is left is dropped with the connection.
        let _ = tokio::time::timeout(limit, closing).await;
    }
}

fn open(
    local: LocalParticipant,
    stream: StreamId,
    destination_identities: Vec<ParticipantIdentity>,
) -> InFlight {
    let mut options = StreamByteOptions::new_with_topic(TOPIC);
    options.attributes = HashMap::from([(ROLE_ATTRIBUTE.to_owned(), ROLE_ROBOT.to_owned())]);
    options.destination_identities = destination_identities;
    Box::pin(async move {
        let result = local.stream_bytes(options).await.map(Some);
        Done { stream, result }
    })
}
