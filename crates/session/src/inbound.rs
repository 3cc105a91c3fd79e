//! Streams from participants: their bytes, within limits, and the frames in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use remote_access_protocol::frame::{Frame, FrameDecoder, FrameError, MAX_PAYLOAD_SIZE};
use tracing::warn;

use crate::bucket::TokenBucket;
use crate::config::SessionConfig;
use crate::ids::{InboundId, ParticipantId};

/// Bytes of incomplete frames that one participant may have waiting in all its streams.
const MAX_BUFFERED: usize = MAX_PAYLOAD_SIZE + 64 * 1024;
/// Seconds' worth of bytes and messages that a participant may send at once.
const BURST: f64 = 8.0;

/// Reason why a stream from a participant must be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InboundError {
    /// The bytes are not frames of the protocol.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The participant sends too many messages per second.
    #[error("too many messages per second")]
    TooManyMessages,
    /// The participant sends too many bytes per second.
    #[error("too many bytes per second")]
    TooFast,
    /// The participant has too many bytes of incomplete frames waiting.
    #[error("too many bytes of incomplete frames")]
    TooMuch,
    /// All participants together have too many bytes of incomplete frames waiting.
    #[error("too many bytes of incomplete frames from all participants together")]
    NoMemory,
    /// The participant or the stream is not known (any more).
    #[error("the participant or its stream is unknown")]
    Unknown,
    /// The participant has too many streams open.
    #[error("too many open streams")]
    TooManyStreams,
}

/// The streams from all participants.
#[derive(Debug)]
pub(crate) struct Inbound {
    config: Arc<SessionConfig>,
    participants: BTreeMap<ParticipantId, Talker>,
    streams: BTreeMap<InboundId, InboundStream>,
    /// Bytes of incomplete frames from all participants.
    buffered: usize,
    totals: InboundTotals,
}

/// A participant that sends.
#[derive(Debug)]
struct Talker {
    /// Bytes that it may send.
    bytes: TokenBucket,
    /// Messages that it may send.
    messages: TokenBucket,
    /// Subscriptions that it may begin.
    subscriptions: TokenBucket,
    /// Its open streams.
    streams: BTreeSet<InboundId>,
    /// Whether it ever opened one.
    spoke: bool,
    received_bytes: u64,
}

/// A stream from a participant.
#[derive(Debug)]
struct InboundStream {
    participant: ParticipantId,
    decoder: FrameDecoder,
}

/// Counters of what came from all participants.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InboundTotals {
    pub(crate) received_bytes: u64,
    pub(crate) errors: u64,
}

/// The state of a participant before a stream was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opened {
    /// It has never had one.
    First,
    /// It has another one open.
    Further,
    /// It has closed all that it had: it asks for a resync.
    Again,
}

impl Inbound {
    pub(crate) fn new(config: Arc<SessionConfig>) -> Self {
        Self {
            config,
            participants: BTreeMap::new(),
            streams: BTreeMap::new(),
            buffered: 0,
            totals: InboundTotals::default(),
        }
    }

    pub(crate) fn join(&mut self, now: Instant, id: ParticipantId) {
        let bucket = |rate: f64, burst| TokenBucket::new(now, rate, burst);
        let config = &self.config;
        let (bytes, messages) = (config.inbound_rate as f64, config.inbound_message_rate);
        let most_subscriptions = 2.0 * config.max_subscriptions as f64;
        let talker = Talker {
            bytes: bucket(bytes, bytes * BURST),
            messages: bucket(messages, messages * BURST),
            subscriptions: bucket(config.subscription_rate, most_subscriptions),
            streams: BTreeSet::new(),
            spoke: false,
            received_bytes: 0,
        };
        self.participants.insert(id, talker);
    }

    pub(crate) fn leave(&mut self, id: ParticipantId) {
        if let Some(talker) = self.participants.remove(&id) {
            for stream in talker.streams {
                self.close(stream);
            }
        }
    }

    /// Takes a stream that a participant opened.
    pub(crate) fn open(
        &mut self,
        id: ParticipantId,
        inbound: InboundId,
    ) -> Result<Opened, InboundError> {
        let talker = self.participants.get_mut(&id);
        let talker = talker.ok_or(InboundError::Unknown)?;
        if talker.streams.len() >= self.config.max_inbound_streams {
            self.totals.errors += 1;
            return Err(InboundError::TooManyStreams);
        }
        let opened = match (talker.spoke, talker.streams.is_empty()) {
            (_, false) => Opened::Further,
            (false, true) => Opened::First,
            (true, true) => Opened::Again,
        };
        talker.spoke = true;
        talker.streams.insert(inbound);
        let stream = InboundStream {
            participant: id,
            decoder: FrameDecoder::default(),
        };
        self.streams.insert(inbound, stream);
        Ok(opened)
    }

    /// The participant whose stream it is.
    pub(crate) fn owner(&self, inbound: InboundId) -> Option<ParticipantId> {
        self.streams.get(&inbound).map(|stream| stream.participant)
    }

    /// Takes bytes that arrived, if the participant may send that many.
    pub(crate) fn push(
        &mut self,
        now: Instant,
        inbound: InboundId,
        bytes: &[u8],
    ) -> Result<(), InboundError> {
        let stream = self.streams.get_mut(&inbound);
        let stream = stream.ok_or(InboundError::Unknown)?;
        let size = bytes.len();
        self.totals.received_bytes += size as u64;
        if let Some(talker) = self.participants.get_mut(&stream.participant) {
            talker.received_bytes += size as u64;
            if !talker.bytes.take(now, size as f64) {
                return Err(InboundError::TooFast);
            }
        }
        self.buffered -= stream.decoder.buffered();
        stream.decoder.push(bytes);
        self.buffered += stream.decoder.buffered();
        Ok(())
    }

    /// The next complete frame of a stream, if the participant may send that many.
    pub(crate) fn next_frame(
        &mut self,
        now: Instant,
        inbound: InboundId,
    ) -> Result<Option<Frame>, InboundError> {
        let Some(stream) = self.streams.get_mut(&inbound) else {
            return Ok(None);
        };
        let before = stream.decoder.buffered();
        let frame = stream.decoder.next_frame();
        self.buffered -= before - stream.decoder.buffered();
        let frame = frame?;
        if frame.is_some() {
            let talker = self.participants.get_mut(&stream.participant);
            if talker.is_some_and(|talker| !talker.messages.take(now, 1.0)) {
                return Err(InboundError::TooManyMessages);
            }
        }
        Ok(frame)
    }

    /// Whether a participant may begin another subscription now. One that may is counted.
    pub(crate) fn may_subscribe(&mut self, now: Instant, id: ParticipantId) -> bool {
        let talker = self.participants.get_mut(&id);
        talker.is_some_and(|talker| talker.subscriptions.take(now, 1.0))
    }

    /// Whether the bytes of incomplete frames are within the limits.
    pub(crate) fn check_budget(&self, id: ParticipantId) -> Result<(), InboundError> {
        let talker = self.participants.get(&id);
        let streams = talker.into_iter().flat_map(|talker| &talker.streams);
        let buffered: usize = streams
            .filter_map(|stream| self.streams.get(stream))
            .map(|stream| stream.decoder.buffered())
            .sum();
        if buffered > MAX_BUFFERED {
            Err(InboundError::TooMuch)
        } else if self.buffered > self.config.inbound_budget {
            Err(InboundError::NoMemory)
        } else {
            Ok(())
        }
    }

    /// Ends a stream for what it brought.
    pub(crate) fn refuse(&mut self, id: ParticipantId, inbound: InboundId, error: InboundError) {
        warn!(?id, %error, "ending a stream from a participant");
        self.totals.errors += 1;
        self.close(inbound);
    }

    /// Forgets a stream that has ended.
    pub(crate) fn close(&mut self, inbound: InboundId) {
        let Some(stream) = self.streams.remove(&inbound) else {
            return;
        };
        self.buffered -= stream.decoder.buffered();
        if let Some(talker) = self.participants.get_mut(&stream.participant) {
            talker.streams.remove(&inbound);
        }
    }

    pub(crate) fn totals(&self) -> InboundTotals {
        self.totals
    }

    /// Number of streams that a participant has open.
    pub(crate) fn open_streams(&self, id: ParticipantId) -> usize {
        let talker = self.participants.get(&id);
        talker.map_or(0, |talker| talker.streams.len())
    }

    /// Bytes that came from a participant.
    pub(crate) fn received_bytes(&self, id: ParticipantId) -> u64 {
        let talker = self.participants.get(&id);
        talker.map_or(0, |talker| talker.received_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use remote_access_protocol::frame;
    use std::time::Duration;

    const VIEWER: ParticipantId = ParticipantId(1);

    fn inbound(config: SessionConfig) -> Inbound {
        let mut inbound = Inbound::new(Arc::new(config));
        inbound.join(Instant::now(), VIEWER);
        inbound
    }

    #[test]
    fn a_stream_after_all_others_were_closed_asks_for_a_resync() {
        let mut inbound = inbound(SessionConfig::default());
        let open = |inbound: &mut Inbound, id| inbound.open(VIEWER, InboundId(id));
        assert_eq!(open(&mut inbound, 1), Ok(Opened::First));
        assert_eq!(open(&mut inbound, 2), Ok(Opened::Further));
        inbound.close(InboundId(1));
        assert_eq!(open(&mut inbound, 3), Ok(Opened::Further));
        inbound.close(InboundId(2));
        inbound.close(InboundId(3));
        assert_eq!(open(&mut inbound, 4), Ok(Opened::Again));
        let unknown = inbound.open(ParticipantId(2), InboundId(5));
        assert_eq!(unknown, Err(InboundError::Unknown));
    }

    #[test]
    fn incomplete_frames_count_until_they_are_complete_or_their_stream_ends() {
        let now = Instant::now();
        let mut inbound = inbound(SessionConfig {
            inbound_budget: 10,
            ..SessionConfig::default()
        });
        let id = InboundId(1);
        let frame = frame::text("a message of more than ten bytes").unwrap();
        inbound.open(VIEWER, id).unwrap();
        inbound.push(now, id, &frame[..12]).unwrap();
        assert_eq!(
            inbound.next_frame(now, id).map(|frame| frame.is_some()),
            Ok(false)
        );
        assert_eq!(inbound.check_budget(VIEWER), Err(InboundError::NoMemory));
        inbound.push(now, id, &frame[12..]).unwrap();
        assert_eq!(
            inbound.next_frame(now, id).map(|frame| frame.is_some()),
            Ok(true)
        );
        assert_eq!(inbound.check_budget(VIEWER), Ok(()));
        inbound.push(now, id, &frame[..12]).unwrap();
        inbound.leave(VIEWER);
        assert_eq!((inbound.buffered, inbound.streams.len()), (0, 0));
    }

    #[test]
    fn messages_are_limited_beside_bytes() {
        let start = Instant::now();
        let mut inbound = inbound(SessionConfig {
            inbound_message_rate: 10.0,
            ..SessionConfig::default()
        });
        let id = InboundId(1);
        inbound.open(VIEWER, id).unwrap();
        let frames = frame::text("1").unwrap().repeat(1000);
        let passed = |inbound: &mut Inbound, now| {
            inbound.push(now, id, &frames).unwrap();
            let passed = (0..1000).take_while(|_| inbound.next_frame(now, id).is_ok());
            passed.count()
        };
        assert_eq!(passed(&mut inbound, start), 80);
        assert_eq!(passed(&mut inbound, start + Duration::from_secs(1)), 10);
    }
}
