//! The byte streams from one participant, read in the order in which they arrived.

use std::task::Poll;

use bytes::Bytes;
use futures_util::{FutureExt, Stream};
use livekit::{ByteStreamReader, StreamError, StreamReader};
use remote_access_protocol::{STREAMS_ATTRIBUTE, STREAMS_MANY};
use tracing::debug;

use remote_access_session::{InboundId, ParticipantId};

/// Something that came from a participant.
#[derive(Debug)]
pub(super) struct InboxEvent {
    pub participant: ParticipantId,
    pub inbound: InboundId,
    pub what: InboxItem,
}

#[derive(Debug)]
pub(super) enum InboxItem {
    /// A stream was opened.
    Opened {
        /// Whether the participant declares that it reads many streams.
        many_streams: bool,
    },
    /// Bytes arrived on it.
    Bytes(Bytes),
    /// It has ended.
    Closed,
}

/// Reads all streams of a participant until their source is dropped.
///
/// When a stream opens, what has arrived on the earlier ones is told first. So the order of
/// closing and opening is told as it was: a participant that closes its stream and then opens
/// another asks for a resync.
pub(super) async fn read(
    participant: ParticipantId,
    opened: flume::Receiver<(InboundId, ByteStreamReader)>,
    events: flume::Sender<InboxEvent>,
) {
    let mut inbox = Inbox {
        participant,
        streams: Vec::new(),
        events,
    };
    loop {
        tokio::select! {
            biased;
            stream = opened.recv_async() => {
                let Ok((inbound, reader)) = stream else { return };
                if !inbox.drain().await || !inbox.open(inbound, reader).await {
                    return;
                }
            }
            (index, item) = next_item(&mut inbox.streams), if !inbox.streams.is_empty() => {
                if !inbox.handle(index, item).await {
                    return;
                }
            }
        }
    }
}

struct Inbox {
    participant: ParticipantId,
    streams: Vec<(InboundId, ByteStreamReader)>,
    events: flume::Sender<InboxEvent>,
}

type Item = Option<Result<Bytes, StreamError>>;

impl Inbox {
    async fn open(&mut self, inbound: InboundId, reader: ByteStreamReader) -> bool {
        let attributes = reader.info().attributes();
        let many_streams =
            attributes.get(STREAMS_ATTRIBUTE).map(String::as_str) == Some(STREAMS_MANY);
        self.streams.push((inbound, reader));
        self.tell(inbound, InboxItem::Opened { many_streams }).await
    }

    /// Tells all that has arrived so far.
    async fn drain(&mut self) -> bool {
        while !self.streams.is_empty() {
            let Some((index, item)) = next_item(&mut self.streams).now_or_never() else {
                break;
            };
            if !self.handle(index, item).await {
                return false;
            }
        }
        true
    }

    async fn handle(&mut self, index: usize, item: Item) -> bool {
        let Some(&(inbound, _)) = self.streams.get(index) else {
            return true;
        };
        match item {
            Some(Ok(bytes)) => return self.tell(inbound, InboxItem::Bytes(bytes)).await,
            Some(Err(error)) => {
                debug!(participant = ?self.participant, %error, "a stream from a participant failed");
            }
            None => {}
        }
        let (_, reader) = self.streams.remove(index);
        reader.closer().close();
        self.tell(inbound, InboxItem::Closed).await
    }

    async fn tell(&self, inbound: InboundId, what: InboxItem) -> bool {
        let event = InboxEvent {
            participant: self.participant,
            inbound,
            what,
        };
        self.events.send_async(event).await.is_ok()
    }
}

/// The next item of any stream, with the index of the stream.
async fn next_item(streams: &mut [(InboundId, ByteStreamReader)]) -> (usize, Item) {
    std::future::poll_fn(|context| {
        for (index, (_, reader)) in streams.iter_mut().enumerate() {
            if let Poll::Ready(item) = std::pin::Pin::new(reader).poll_next(context) {
                return Poll::Ready((index, item));
            }
        }
        Poll::Pending
    })
    .await
}
