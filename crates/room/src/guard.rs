//! Filter of the packets that reach the SDK: streams of our topic from who opened them.
//!
//! The SDK keeps whatever anybody sends: streams that nobody reads, calls, headers of streams
//! that never go on, packed streams that it unpacks first. It finds the stream of a packet by an
//! id that others may know. [`Guard`] looks at each packet before the SDK and lets through only
//! byte streams on the protocol's topic, unpacked, from the participant that opened them, within
//! [`GuardLimits`]. Where the room has a key it decrypts them, and nothing else passes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use incoming_filter::MessageFilter;
use livekit_protocol::data_packet::Value;
use livekit_protocol::data_stream::header::ContentHeader;
use livekit_protocol::data_stream::{Chunk, CompressionType, Header, Trailer};
use livekit_protocol::encrypted_packet_payload::Value as Payload;
use livekit_protocol::DataPacket;
use prost::Message;
use remote_access_protocol::TOPIC;
use tracing::warn;

use crate::encryption::{Decryption, EncryptionKey};

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

/// Guards all rooms that this process joins from now on. Only the first call counts. With a key,
/// only what was encrypted with it passes, decrypted.
///
/// It needs the pure-Rust `libwebrtc`; LiveKit's own is not filtered.
pub fn guard(limits: GuardLimits, key: Option<&EncryptionKey>) {
    let decryption = key.map(|key| Arc::new(Decryption::new(key)));
    let make = move |label: &str| -> Box<dyn MessageFilter> {
        let new = || Guard::with_decryption(limits, decryption.clone());
        Box::new(Channel {
            guard: (label == STREAMS_LABEL).then(new),
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
#[derive(Clone)]
pub struct Guard {
    limits: GuardLimits,
    decryption: Option<Arc<Decryption>>,
    /// Senders of streams, by the stream's id.
    streams: HashMap<String, String>,
    senders: HashMap<String, Sender>,
    warned: Option<Instant>,
    warned_of_key: HashMap<Rejected, Instant>,
}

/// Why the data of a participant cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
enum Rejected {
    #[error("it is encrypted, and this side has no key")]
    NoKey,
    #[error("it is encrypted with another key")]
    OtherKey,
    #[error("it is not encrypted")]
    Plain,
}

#[derive(Clone, Debug)]
struct Sender {
    /// Ids of its streams, the oldest first.
    streams: VecDeque<String>,
    /// Bytes that it is ahead of its rate, at `at`.
    ahead: f64,
    at: Instant,
}

impl Guard {
    /// A guard that has seen nothing. The key is that of the room, if it has one.
    #[must_use]
    pub fn new(limits: GuardLimits, key: Option<&EncryptionKey>) -> Self {
        Self::with_decryption(limits, key.map(|key| Arc::new(Decryption::new(key))))
    }

    fn with_decryption(limits: GuardLimits, decryption: Option<Arc<Decryption>>) -> Self {
        Self {
            limits,
            decryption,
            streams: HashMap::new(),
            senders: HashMap::new(),
            warned: None,
            warned_of_key: HashMap::new(),
        }
    }

    /// Looks at a packet. What the SDK shall get goes to `deliver`: the packet, the ends of
    /// streams that are over the limits, or nothing.
    pub fn packet(&mut self, now: Instant, data: &[u8], deliver: &mut dyn FnMut(&[u8])) {
        if data.len() > MAX_PACKET {
            return;
        }
        let Ok(mut packet) = DataPacket::decode(data) else {
            return;
        };
        let Some((value, is_encrypted)) = self.value(now, &mut packet) else {
            return;
        };
        if !self.passes(
            now,
            &packet.participant_identity,
            &value,
            data.len(),
            deliver,
        ) {
            return;
        }
        if is_encrypted {
            packet.value = Some(value);
            deliver(&packet.encode_to_vec());
        } else {
            deliver(data);
        }
    }

    /// Takes out of a packet what it holds, and says whether that was encrypted. Nothing if it has to
    /// be and is not, or cannot be read.
    fn value(&mut self, now: Instant, packet: &mut DataPacket) -> Option<(Value, bool)> {
        let from = packet.participant_identity.as_str();
        let payload = match (packet.value.take()?, &self.decryption) {
            (Value::EncryptedPacket(encrypted), Some(decryption)) => decryption
                .open(from, encrypted)
                .map_err(|_| Rejected::OtherKey),
            (Value::EncryptedPacket(_), None) => Err(Rejected::NoKey),
            (_, Some(_)) => Err(Rejected::Plain),
            (value, None) => return Some((value, false)),
        };
        let payload = match payload {
            Ok(payload) => payload,
            Err(rejected) => {
                self.warn_of_key(now, from, rejected);
                return None;
            }
        };
        let value = match payload.value? {
            Payload::StreamHeader(header) => Value::StreamHeader(header),
            Payload::StreamChunk(chunk) => Value::StreamChunk(chunk),
            Payload::StreamTrailer(trailer) => Value::StreamTrailer(trailer),
            _ => return None,
        };
        Some((value, true))
    }

    /// Says that participants need the same key.
    fn warn_of_key(&mut self, now: Instant, from: &str, rejected: Rejected) {
        let warned = self.warned_of_key.get(&rejected);
        if warned.is_none_or(|&at| now >= at + QUIET) {
            self.warned_of_key.insert(rejected, now);
            warn!(
                identity = from,
                "rejected data of a participant: {rejected}; both sides need the same LIVEKIT_E2EE_KEY"
            );
        }
    }

    fn passes(
        &mut self,
        now: Instant,
        from: &str,
        value: &Value,
        size: usize,
        deliver: &mut dyn FnMut(&[u8]),
    ) -> bool {
        match value {
            Value::StreamHeader(header) => {
                is_wanted(header) && self.open(now, from, header, size, deliver)
            }
            Value::StreamChunk(Chunk { stream_id, .. }) => {
                self.is_of(stream_id, from) && self.charge(now, from, size, deliver)
            }
            Value::StreamTrailer(Trailer { stream_id, .. }) => {
                size <= MAX_FRAME && self.end(stream_id, from)
            }
            _ => false,
        }
    }

    fn open(
        &mut self,
        now: Instant,
        from: &str,
        header: &Header,
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
        self.streams
            .insert(header.stream_id.clone(), from.to_owned());
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
