//! Streams of participants of whom is not known yet whether they are viewers.
//!
//! Data that is sent on them waits in the SDK, which has no limit; so they wait only a while and within
//! a budget of bytes, and are ended beyond.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use livekit::id::ParticipantIdentity;
use livekit::{ByteStreamReader, StreamProgress};
use parking_lot::Mutex;
use tokio::task::AbortHandle;
use tracing::debug;

/// Streams of one participant that may wait.
const MAX_STREAMS: usize = 8;
/// Participants whose streams may wait.
const MAX_PARTICIPANTS: usize = 64;
/// Bytes of one participant that may wait: far more than a viewer has to say before it is greeted.
const MAX_BYTES: u64 = 64 * 1024;
/// Longest time that a stream waits.
const MAX_WAIT: Duration = Duration::from_secs(15);

/// The streams that wait. Dropping it ends them.
#[derive(Default)]
pub(super) struct EarlyStreams {
    of: HashMap<ParticipantIdentity, Vec<EarlyStream>>,
}

struct EarlyStream {
    /// Empty when it waited too long or for too much.
    reader: Arc<Mutex<Option<ByteStreamReader>>>,
    /// Bytes that arrived on all streams of the participant.
    arrived: Arc<AtomicU64>,
    watch: AbortHandle,
}

impl EarlyStreams {
    /// Keeps a stream, or ends it where too much waits already. Says whether it is kept.
    pub(super) fn keep(
        &mut self,
        identity: &ParticipantIdentity,
        reader: ByteStreamReader,
    ) -> bool {
        self.of.retain(|_, streams| {
            streams.retain(|stream| stream.reader.lock().is_some());
            !streams.is_empty()
        });
        let participants = self.of.len();
        let streams = self.of.get_mut(identity);
        let waiting = streams.as_ref().map_or(0, |streams| streams.len());
        if waiting >= MAX_STREAMS || (waiting == 0 && participants >= MAX_PARTICIPANTS) {
            debug!(%identity, "too many streams wait for their participants: ending one");
            reader.closer().close();
            return false;
        }
        let first = streams.and_then(|streams| streams.first());
        let arrived = first.map_or_else(Arc::default, |first| Arc::clone(&first.arrived));
        let stream = EarlyStream::new(reader, arrived);
        self.of.entry(identity.clone()).or_default().push(stream);
        true
    }

    /// The streams of a participant that turned out to be a viewer, the oldest first.
    pub(super) fn take(&mut self, identity: &ParticipantIdentity) -> Vec<ByteStreamReader> {
        let streams = self.of.remove(identity).unwrap_or_default();
        let readers = streams.iter().map(|stream| stream.reader.lock().take());
        readers.flatten().collect()
    }

    /// Ends the streams of a participant that is gone, or is no viewer.
    pub(super) fn end(&mut self, identity: &ParticipantIdentity) {
        self.of.remove(identity);
    }
}

impl EarlyStream {
    fn new(reader: ByteStreamReader, arrived: Arc<AtomicU64>) -> Self {
        let too_much = too_much(reader.progress_stream(), Arc::clone(&arrived));
        let reader = Arc::new(Mutex::new(Some(reader)));
        let watch = tokio::spawn(watch(Arc::clone(&reader), too_much)).abort_handle();
        Self {
            reader,
            arrived,
            watch,
        }
    }
}

impl Drop for EarlyStream {
    fn drop(&mut self) {
        self.watch.abort();
        end(&self.reader);
    }
}

async fn watch(reader: Arc<Mutex<Option<ByteStreamReader>>>, too_much: impl Future<Output = ()>) {
    if tokio::time::timeout(MAX_WAIT, too_much).await.is_ok() {
        debug!("a stream that waits for its participant has too many bytes: ending it");
    }
    end(&reader);
}

fn end(reader: &Mutex<Option<ByteStreamReader>>) {
    if let Some(reader) = reader.lock().take() {
        reader.closer().close();
    }
}

/// Waits until more has arrived on all streams of a participant than may wait.
async fn too_much(
    mut progress: impl Stream<Item = StreamProgress> + Unpin,
    arrived: Arc<AtomicU64>,
) {
    let mut counted = 0;
    while let Some(now) = progress.next().await {
        let new = now.bytes_processed().saturating_sub(counted);
        counted = now.bytes_processed();
        if arrived.fetch_add(new, Ordering::Relaxed) + new > MAX_BYTES {
            return;
        }
    }
    // It has ended within the budget; its content waits on.
    std::future::pending().await
}
