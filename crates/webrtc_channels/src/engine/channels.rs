//! Data channels on the streams of an SCTP association (RFC 8831, RFC 8832).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::channel::{Channel, Queued};
use super::shared::Shared;
use crate::data_channel::{DataChannel, DataChannelInit, DataChannelState};
use crate::dcep::{weight_of, Dcep, Open};
use sctp_association::{FairQueue, Message, Payload, Reliability, SctpAssociation, UNSENT};

/// Streams are 0 to 65534 (RFC 8831, section 6.4).
const MAX_STREAM: u16 = 65_534;

/// Channels that a peer may open, as in the official library. Each costs memory.
const MAX_CHANNELS: usize = 1024;

struct Entry {
    channel: Arc<Channel>,
    /// The peer surely knows the channel, so unordered messages cannot overtake its announcement.
    known: bool,
    /// The application closed it.
    closing: bool,
    /// The outgoing stream was reset.
    reset: bool,
    /// Bytes put on the wire since the application was told.
    sent: u64,
}

/// The channels of a connection.
pub(super) struct Channels {
    shared: Arc<Shared>,
    /// By stream.
    entries: BTreeMap<u16, Entry>,
    /// Created before there was an association.
    waiting: Vec<Arc<Channel>>,
    fair: FairQueue,
    /// Which half of the streams is ours: even for the DTLS client (RFC 8832, section 6).
    dtls_client: bool,
    /// There is an association.
    connected: bool,
    /// Channels that were ever open, and of those the ones that are closed.
    opened: u32,
    closed: u32,
}

impl Channels {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            entries: BTreeMap::new(),
            waiting: Vec::new(),
            fair: FairQueue::default(),
            dtls_client: false,
            connected: false,
            opened: 0,
            closed: 0,
        }
    }

    /// The association is up: opens what waited for it.
    pub(super) fn connect(
        &mut self,
        dtls_client: bool,
        sctp: &mut dyn SctpAssociation,
        now: Instant,
    ) {
        self.dtls_client = dtls_client;
        self.connected = true;
        // Fixed streams first, so that none of them is taken by a chosen one.
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_by_key(|channel| channel.id() < 0);
        for channel in waiting {
            self.open(channel, sctp, now);
        }
    }

    /// Opens a channel that this side created, or remembers it until there is an association.
    pub(super) fn create(
        &mut self,
        channel: Arc<Channel>,
        sctp: Option<&mut (dyn SctpAssociation + 'static)>,
        now: Instant,
    ) {
        match sctp {
            Some(sctp) if self.connected => self.open(channel, sctp, now),
            _ => self.waiting.push(channel),
        }
    }

    fn open(&mut self, channel: Arc<Channel>, sctp: &mut dyn SctpAssociation, now: Instant) {
        let Some(stream) = self.choose_stream(&channel) else {
            log::warn!("data channel {:?}: its stream is in use", channel.label());
            channel.set_state(DataChannelState::Closed);
            return;
        };
        channel.set_id(stream);
        let negotiated = channel.init().negotiated;
        if !negotiated {
            let open = Open {
                label: channel.label().to_owned(),
                init: channel.init().clone(),
            };
            let announced = open
                .to_bytes()
                .map_err(|error| error.to_string())
                .and_then(|data| {
                    sctp.send(dcep(stream, data), now)
                        .map_err(|error| error.to_string())
                });
            if let Err(error) = announced {
                log::warn!("data channel {:?}: {error}", channel.label());
                channel.set_state(DataChannelState::Closed);
                return;
            }
        }
        let entry = Entry {
            channel: channel.clone(),
            known: negotiated,
            closing: false,
            reset: false,
            sent: 0,
        };
        self.entries.insert(stream, entry);
        self.opened += 1;
        channel.set_state(DataChannelState::Open);
    }

    fn choose_stream(&self, channel: &Channel) -> Option<u16> {
        if let Ok(fixed) = u16::try_from(channel.id()) {
            return (!self.entries.contains_key(&fixed)).then_some(fixed);
        }
        let first = if self.dtls_client { 0 } else { 1 };
        (first..=MAX_STREAM)
            .step_by(2)
            .find(|stream| !self.entries.contains_key(stream))
    }

    /// The application closed a channel.
    pub(super) fn close(&mut self, channel: &Arc<Channel>) {
        let before = self.waiting.len();
        self.waiting
            .retain(|waiting| !Arc::ptr_eq(waiting, channel));
        let never_opened = self.waiting.len() < before;
        channel.announce_closing();
        match self
            .entries
            .values_mut()
            .find(|entry| Arc::ptr_eq(&entry.channel, channel))
        {
            Some(entry) if !never_opened => entry.closing = true,
            _ => channel.set_state(DataChannelState::Closed),
        }
    }

    /// A message arrived.
    pub(super) fn message(
        &mut self,
        stream: u16,
        payload: Payload,
        data: Bytes,
        sctp: &mut dyn SctpAssociation,
        now: Instant,
    ) {
        let (data, binary) = match payload {
            Payload::Dcep => return self.control(stream, &data, sctp, now),
            Payload::Text => (data, false),
            Payload::Binary => (data, true),
            Payload::EmptyText => (Bytes::new(), false),
            Payload::EmptyBinary => (Bytes::new(), true),
        };
        let Some(entry) = self.entries.get_mut(&stream) else {
            log::debug!("message on stream {stream}, which is no channel");
            return;
        };
        // The peer uses the channel, so it knows it.
        entry.known = true;
        let channel = entry.channel.clone();
        if !channel.deliver(data, binary) {
            log::warn!(
                "data channel {:?}: nobody takes its messages",
                channel.label()
            );
            channel.close();
        }
    }

    fn control(&mut self, stream: u16, data: &[u8], sctp: &mut dyn SctpAssociation, now: Instant) {
        match Dcep::parse(data) {
            Ok(Dcep::Ack) => {
                if let Some(entry) = self.entries.get_mut(&stream) {
                    entry.known = true;
                }
            }
            Ok(Dcep::Open(open)) => self.accept(stream, open, sctp, now),
            Err(error) => log::warn!("DCEP on stream {stream}: {error}"),
        }
    }

    /// The peer opened a channel.
    fn accept(&mut self, stream: u16, open: Open, sctp: &mut dyn SctpAssociation, now: Instant) {
        if self.entries.contains_key(&stream) {
            log::warn!("the peer opened stream {stream} twice");
            return;
        }
        if self.entries.len() >= MAX_CHANNELS {
            log::warn!("the peer opens too many channels");
            sctp.reset_stream(stream, now);
            return;
        }
        if let Err(error) = sctp.send(dcep(stream, Dcep::ack()), now) {
            log::debug!("DCEP acknowledgement: {error}");
        }
        let init = DataChannelInit {
            id: i32::from(stream),
            ..open.init
        };
        let channel = Channel::new(self.shared.clone(), &open.label, init);
        channel.set_state(DataChannelState::Open);
        let entry = Entry {
            channel: channel.clone(),
            known: true,
            closing: false,
            reset: false,
            sent: 0,
        };
        self.entries.insert(stream, entry);
        self.opened += 1;
        let handle = DataChannel::new(channel);
        self.shared
            .observers
            .data_channel
            .call(|callback| callback(handle));
    }

    /// Number of channels that were ever open, and of those that are closed.
    pub(super) fn counts(&self) -> (u32, u32) {
        (self.opened, self.closed)
    }

    /// All channels that are not closed.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Channel>> {
        let open = self.entries.values().map(|entry| &entry.channel);
        open.chain(&self.waiting)
    }

    /// The peer ended a stream, and with it the channel.
    pub(super) fn stream_reset(&mut self, stream: u16) {
        self.fair.forget(stream);
        if let Some(mut entry) = self.entries.remove(&stream) {
            self.closed += 1;
            entry.report();
            entry.channel.set_state(DataChannelState::Closed);
        }
    }

    /// Bytes of a stream were put on the wire.
    pub(super) fn sent(&mut self, stream: u16, bytes: usize) {
        if let Some(entry) = self.entries.get_mut(&stream) {
            entry.sent += bytes as u64;
        }
    }

    /// Tells the application about all bytes that were put on the wire.
    pub(super) fn report(&mut self) {
        for entry in self.entries.values_mut() {
            entry.report();
        }
    }

    /// The connection has failed: nothing that waits keeps the application waiting.
    pub(super) fn write_off(&mut self) {
        for entry in self.entries.values_mut() {
            entry.report();
            entry.channel.write_off();
        }
    }

    /// Gives SCTP what it can use now. The channels take turns by bytes and priority.
    pub(super) fn feed(&mut self, sctp: &mut dyn SctpAssociation, now: Instant) {
        for entry in self.entries.values_mut() {
            entry.sent += entry.channel.expire(now);
        }
        while sctp.has_room(UNSENT) {
            let Some((stream, message)) = self.next_message(now) else {
                break;
            };
            if let Err(error) = sctp.send(message, now) {
                // A reliable channel that lost a message cannot go on.
                log::warn!("data channel on stream {stream}: {error}");
                self.stream_reset(stream);
            }
        }
        for (stream, entry) in &mut self.entries {
            if entry.closing && !entry.reset && entry.channel.is_drained() {
                entry.reset = true;
                sctp.reset_stream(*stream, now);
            }
        }
    }

    fn next_message(&mut self, now: Instant) -> Option<(u16, Message)> {
        let waiting = self
            .entries
            .iter()
            .filter(|(_, entry)| !entry.channel.is_drained())
            .map(|(stream, _)| *stream);
        let stream = self.fair.choose(waiting)?;
        let entry = self.entries.get(&stream)?;
        let queued = entry.channel.pop()?;
        let weight = weight_of(entry.channel.init().priority);
        self.fair.served(stream, queued.data.len(), weight);
        Some((stream, entry.message(stream, queued, now)))
    }

    /// The connection is over: closes every channel.
    pub(super) fn close_all(&mut self) {
        self.connected = false;
        for (_, mut entry) in std::mem::take(&mut self.entries) {
            self.closed += 1;
            entry.report();
            entry.channel.set_state(DataChannelState::Closed);
        }
        for channel in std::mem::take(&mut self.waiting) {
            channel.set_state(DataChannelState::Closed);
        }
    }
}

impl Entry {
    fn report(&mut self) {
        let sent = std::mem::take(&mut self.sent);
        if sent > 0 {
            self.channel.sent(sent);
        }
    }

    fn message(&self, stream: u16, queued: Queued, now: Instant) -> Message {
        let init = self.channel.init();
        // What is left of its lifetime after it has waited here.
        let left = queued
            .expires
            .map(|at| at.saturating_duration_since(now).as_millis());
        let reliability = match (init.max_retransmits, left) {
            (Some(count), _) => Reliability::MaxRetransmits(u32::try_from(count).unwrap_or(0)),
            (None, Some(left)) => Reliability::MaxLifetime(u32::try_from(left).unwrap_or(u32::MAX)),
            (None, None) => Reliability::Reliable,
        };
        let payload = match (queued.binary, queued.data.is_empty()) {
            (true, false) => Payload::Binary,
            (true, true) => Payload::EmptyBinary,
            (false, false) => Payload::Text,
            (false, true) => Payload::EmptyText,
        };
        Message {
            stream,
            payload,
            data: queued.data,
            ordered: init.ordered || !self.known,
            reliability,
        }
    }
}

/// A control message is always reliable and ordered (RFC 8832, section 6).
fn dcep(stream: u16, data: Bytes) -> Message {
    Message {
        stream,
        payload: Payload::Dcep,
        data,
        ordered: true,
        reliability: Reliability::Reliable,
    }
}
