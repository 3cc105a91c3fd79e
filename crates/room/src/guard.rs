//! Filter of the packets that reach the SDK: streams of our topic from who opened them.
//!
//! The SDK keeps whatever anybody sends: streams that nobody reads, calls, headers of streams
//! that never go on, packed streams that it unpacks first. It finds the stream of a packet by an
//! id that others may know. [`Guard`] looks at each packet before the SDK and lets through only
//! byte streams on the protocol's topic, unpacked, from the participant that opened them, within
//! [`GuardLimits`].

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use incoming_filter::MessageFilter;
use livekit_protocol::data_packet::Value;
use livekit_protocol::data_stream::header::ContentHeader;
use livekit_protocol::data_stream::{Chunk, CompressionType, Header, Trailer};
use livekit_protocol::DataPacket;
use prost::Message;
use remote_access_protocol::TOPIC;
use tracing::warn;

/// The channel that streams come on; LiveKit's name for it.
const STREAMS_LABEL: &str = "_reliable";
/// Longest packet in bytes. The SDKs send at most 15,000 bytes of a stream in one.
const MAX_PACKET: usize = 64 * 1024;
/// Longest header or trailer in bytes, without content. Ours have about 200.
const MAX_FRAME: usize = 4 * 1024;
/// Longest id of a stream in bytes. The SDKs use UUIDs.
const MAX_ID: usize = 128;
/// Cost of a packet on top of its bytes: many small ones are as much work as few large ones.
const PACKET_COST: f64 = 256.0;
/// Seconds of its rate that a viewer may be ahead, the session's figure.
const BURST: f64 = 8.0;
/// Senders whose streams are followed.
const MAX_SENDERS: usize = 512;
/// Least time between two lines of the log.
const QUIET: Duration = Duration::from_secs(10);

/// Allowance of one participant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GuardLimits {
    /// Streams that it may have open; one more ends its oldest.
    pub streams: usize,
    /// Bytes per second, where each packet counts 256 bytes more than it has. `None`: any.
    pub rate: Option<f64>,
    /// Bytes that it may be ahead of the rate.
    pub burst: f64,
}

impl GuardLimits {
    /// For a program that reads what robots send: they may send as fast as they can, on many
    /// streams.
    pub const OF_ROBOTS: Self = Self {
        streams: 16_384,
        rate: None,
        burst: 0.0,
    };

    /// For a robot whose session lets a viewer have `streams` open and send `rate` bytes per
    /// second. The session enforces that itself, and knows more about it; the guard, which is
    /// there for what never comes so far, lets a little more through.
    #[must_use]
    pub fn of_viewers(streams: usize, rate: u64) -> Self {
        let rate = rate as f64 * 1.25;
        Self {
            streams: streams + 8,
            rate: Some(rate),
            burst: rate * BURST,
        }
    }
}

/// Guards all rooms that this process joins from now on. Only the first call counts.
///
/// It needs the pure-Rust `libwebrtc`; LiveKit's own is not filtered.
pub fn guard(limits: GuardLimits) {
    let make = move |label: &str| -> Box<dyn MessageFilter> {
        Box::new(Channel {
            guard: (label == STREAMS_LABEL).then(|| Guard::new(limits)),
        })
    };
    let _ = incoming_filter::install(Box::new(make));
}

struct Channel {
    /// Nothing passes where no streams come.
    guard: Option<Guard>,
}

impl MessageFilter for Channel {
    fn message(&mut self, data: &[u8], deliver: &mut dyn FnMut(&[u8])) {
        if let Some(guard) = &mut self.guard {
            guard.packet(Instant::now(), data, deliver);
        }
    }
}

/// The streams of one connection that the SDK was told of.
#[derive(Debug)]
pub struct Guard {
    limits: GuardLimits,
    /// Senders of streams, by the stream's id.
    streams: HashMap<String, String>,
    senders: HashMap<String, Sender>,
    warned: Option<Instant>,
}

#[derive(Debug)]
struct Sender {
    /// Ids of its streams, the oldest first.
    streams: VecDeque<String>,
    /// Bytes that it is ahead of its rate, at `at`.
    ahead: f64,
    at: Instant,
}

impl Guard {
    /// A guard that has seen nothing.
    #[must_use]
    pub fn new(limits: GuardLimits) -> Self {
        Self {
            limits,
            streams: HashMap::new(),
            senders: HashMap::new(),
            warned: None,
        }
    }

    /// Looks at a packet. What the SDK shall get goes to `deliver`: the packet, the ends of
    /// streams that are over the limits, or nothing.
    pub fn packet(&mut self, now: Instant, data: &[u8], deliver: &mut dyn FnMut(&[u8])) {
        if data.len() > MAX_PACKET {
            return;
        }
        let Ok(packet) = DataPacket::decode(data) else {
            return;
        };
        let from = packet.participant_identity;
        let passes = match packet.value {
            Some(Value::StreamHeader(header)) => {
                is_wanted(&header) && self.open(now, &from, header, data.len(), deliver)
            }
            Some(Value::StreamChunk(Chunk { stream_id, .. })) => {
                self.is_of(&stream_id, &from) && self.charge(now, &from, data.len(), deliver)
            }
            Some(Value::StreamTrailer(Trailer { stream_id, .. })) => {
                data.len() <= MAX_FRAME && self.end(&stream_id, &from)
            }
            _ => false,
        };
        if passes {
            deliver(data);
        }
    }

    fn open(
        &mut self,
        now: Instant,
        from: &str,
        header: Header,
        size: usize,
        deliver: &mut dyn FnMut(&[u8]),
    ) -> bool {
        if self.streams.contains_key(&header.stream_id) {
            return false;
        }
        if !self.senders.contains_key(from) {
            self.make_room(now, deliver);
            let sender = Sender {
                streams: VecDeque::new(),
                ahead: 0.0,
                at: now,
            };
            self.senders.insert(from.to_owned(), sender);
        }
        if !self.charge(now, from, size, deliver) {
            return false;
        }
        // A stream whose content is in its header ends with it.
        if header.inline_content.is_some() {
            return true;
        }
        let Some(sender) = self.senders.get_mut(from) else {
            return false;
        };
        if sender.streams.len() >= self.limits.streams {
            if let Some(oldest) = sender.streams.pop_front() {
                self.streams.remove(&oldest);
                deliver(&end_of(oldest, "too many open streams"));
            }
        }
        sender.streams.push_back(header.stream_id.clone());
        self.streams.insert(header.stream_id, from.to_owned());
        true
    }

    fn is_of(&self, stream: &str, from: &str) -> bool {
        self.streams.get(stream).is_some_and(|owner| owner == from)
    }

    fn end(&mut self, stream: &str, from: &str) -> bool {
        if !self.is_of(stream, from) {
            return false;
        }
        self.streams.remove(stream);
        if let Some(sender) = self.senders.get_mut(from) {
            sender.streams.retain(|each| each != stream);
        }
        true
    }

    /// Counts a packet. A sender that is over its limit loses all its streams.
    fn charge(
        &mut self,
        now: Instant,
        from: &str,
        size: usize,
        deliver: &mut dyn FnMut(&[u8]),
    ) -> bool {
        let (Some(rate), Some(sender)) = (self.limits.rate, self.senders.get_mut(from)) else {
            return true;
        };
        let cost = size as f64 + PACKET_COST;
        let ahead = sender.ahead_now(now, rate);
        let fits = ahead + cost <= self.limits.burst;
        sender.ahead = if fits { ahead + cost } else { ahead };
        sender.at = now;
        if !fits {
            self.cut(from, deliver);
            if self.warned.is_none_or(|at| now >= at + QUIET) {
                self.warned = Some(now);
                warn!(
                    identity = from,
                    "a participant sends too much: its streams are ended"
                );
            }
        }
        fits
    }

    /// Ends all streams of a sender.
    fn cut(&mut self, from: &str, deliver: &mut dyn FnMut(&[u8])) {
        let Some(sender) = self.senders.get_mut(from) else {
            return;
        };
        for stream in std::mem::take(&mut sender.streams) {
            self.streams.remove(&stream);
            deliver(&end_of(stream, "too many bytes per second"));
        }
    }

    /// Forgets who has nothing open and owes nothing; then, if need be, who was silent longest.
    fn make_room(&mut self, now: Instant, deliver: &mut dyn FnMut(&[u8])) {
        if self.senders.len() < MAX_SENDERS {
            return;
        }
        let rate = self.limits.rate;
        self.senders.retain(|_, sender| {
            !sender.streams.is_empty() || rate.is_some_and(|rate| sender.ahead_now(now, rate) > 0.0)
        });
        if self.senders.len() < MAX_SENDERS {
            return;
        }
        let silent = self.senders.iter().min_by_key(|(_, sender)| sender.at);
        if let Some(identity) = silent.map(|(identity, _)| identity.clone()) {
            self.cut(&identity, deliver);
            self.senders.remove(&identity);
        }
    }
}

impl Sender {
    fn ahead_now(&self, now: Instant, rate: f64) -> f64 {
        let paid = rate * now.saturating_duration_since(self.at).as_secs_f64();
        (self.ahead - paid).max(0.0)
    }
}

/// Whether a stream is one of the protocol's, and its header has a sensible size.
fn is_wanted(header: &Header) -> bool {
    let content = header.inline_content.as_ref().map_or(0, Vec::len);
    header.topic == TOPIC
        && header.compression == CompressionType::None as i32
        && matches!(header.content_header, Some(ContentHeader::ByteHeader(_)))
        && header.stream_id.len() <= MAX_ID
        && header.encoded_len().saturating_sub(content) <= MAX_FRAME
}

/// The packet that ends a stream for the SDK.
fn end_of(stream_id: String, reason: &str) -> Vec<u8> {
    let trailer = Trailer {
        stream_id,
        reason: reason.to_owned(),
        ..Trailer::default()
    };
    let packet = DataPacket {
        value: Some(Value::StreamTrailer(trailer)),
        ..DataPacket::default()
    };
    packet.encode_to_vec()
}
