//! Carries out what the session wants to be sent, one thing at a time.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use livekit::id::ParticipantIdentity;
use livekit::participant::LocalParticipant;
use livekit::{ByteStreamWriter, DataPacketKind, StreamByteOptions, StreamError, StreamWriter};
use remote_access_protocol::{ROLE_ATTRIBUTE, ROLE_ROBOT, TOPIC};
use tracing::debug;

use remote_access_session::{ParticipantId, StreamId, Transmit};

/// What came of a transmit. A write in flight is never cancelled: the SDK would lose count of
/// its chunks. It may only be abandoned together with the connection.
pub(super) struct Done {
    pub stream: StreamId,
    pub result: Result<Option<ByteStreamWriter>, StreamError>,
}

/// A transmit that is being carried out.
pub(super) type InFlight = Pin<Box<dyn Future<Output = Done> + Send>>;

/// The open streams of one connection.
pub(super) struct Outbox {
    local: LocalParticipant,
    writers: HashMap<StreamId, ByteStreamWriter>,
    buffer: u64,
}

impl Outbox {
    pub fn new(local: LocalParticipant) -> Self {
        Self {
            local,
            writers: HashMap::new(),
            buffer: 0,
        }
    }

    /// Sets how many bytes the transport may hold back before a write has to wait.
    ///
    /// Small changes are left out, since each one is an event in the SDK.
    pub fn limit_buffer(&mut self, bytes: u64) {
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

    /// Starts to carry out a transmit. `identity` names a participant, unless it is gone.
    ///
    /// Returns `None` if there is nothing to do.
    pub fn start(
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

    /// Takes the result of a transmit. Returns the stream if it failed.
    pub fn finish(&mut self, done: Done) -> Option<(StreamId, StreamError)> {
        match done.result {
            Ok(Some(writer)) => {
                self.writers.insert(done.stream, writer);
                None
            }
            Ok(None) => None,
            Err(error) => {
                self.writers.remove(&done.stream);
                Some((done.stream, error))
            }
        }
    }

    /// Closes all streams, so that the participants see their end.
    pub async fn close(&mut self, limit: Duration) {
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
