//! The remote-access session: a state machine between a robot's channels and remote participants.
//!
//! It does no I/O, starts no task and reads no clock: time is passed in, bytes and events come
//! and go as values. That makes it testable by simulation, seed by seed.
//!
//! - Participants and their bytes come in by [`Session::participant_joined`],
//!   [`Session::inbound_bytes`] and their like, channels and messages by
//!   [`Session::add_channels`] and [`Session::message`].
//! - Demand goes back to the robot's side as [`Event`]s: a channel is wanted while at least one
//!   participant subscribes to it.
//! - What is to be sent is pulled, one [`Transmit`] at a time, by [`Session::next_transmit`]. The
//!   choice is made as late as possible: control before data, then a fair share for each channel.
//!
//! A message for several participants that read many streams goes out once, on a *lane*: a byte
//! stream for one channel and one exact set of destinations. Others get all on one stream.
//! Flow control keeps the bytes in flight to each participant near what it can take.

mod announce;
mod channel;
mod config;
mod control;
mod data;
mod dispatch;
mod drr;
mod flow;
mod groups;
mod inbound;
mod lanes;
mod pacing;
mod participant;
mod queue;
mod status;
mod stream;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::server::ServerMessage;
use remote_access_protocol::ChannelId;
use tracing::{debug, info};

pub use channel::ChannelInfo;
pub use config::{SessionConfig, SLICE_SIZE};
pub use inbound::InboundError;

use channel::ChannelState;
use dispatch::Flow;
use drr::DeficitRoundRobin;
use inbound::InboundStream;
use pacing::Pacing;
use participant::Participant;
use queue::QueuedBytes;
use stream::OutgoingStream;

/// A remote participant. A participant that leaves and joins again gets a new id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParticipantId(pub u64);

/// A byte stream from a participant to the robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InboundId(pub u64);

/// A byte stream from the robot to participants. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

/// A publisher of a channel's messages, for ROS its global identifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublisherId(pub u128);

/// What the robot's side is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The channel has its first subscriber.
    Subscribe(ChannelId),
    /// The channel has lost its last subscriber.
    Unsubscribe(ChannelId),
}

impl Event {
    fn channel(self) -> ChannelId {
        match self {
            Self::Subscribe(channel) | Self::Unsubscribe(channel) => channel,
        }
    }
}

/// What the transport is to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// Open a byte stream to exactly these participants.
    Open {
        /// The new stream.
        stream: StreamId,
        /// Its destinations, fixed for its life.
        destinations: Vec<ParticipantId>,
    },
    /// Write to an open stream.
    Write {
        /// The stream.
        stream: StreamId,
        /// At most [`SLICE_SIZE`] bytes.
        data: Bytes,
    },
    /// Close a stream. The last write ended with a whole frame, unless its only participant is
    /// gone or is started anew.
    Close {
        /// The stream.
        stream: StreamId,
    },
}

impl Transmit {
    fn stream(&self) -> StreamId {
        match self {
            Self::Open { stream, .. } | Self::Write { stream, .. } | Self::Close { stream } => {
                *stream
            }
        }
    }
}

/// What participants are told about the robot first.
#[derive(Clone, Debug, Default)]
pub struct RobotInfo {
    /// The robot's name, shown to people.
    pub name: String,
    /// Facts about the robot.
    pub metadata: BTreeMap<String, String>,
    /// Differs from one start of the robot's process to the next.
    pub session_id: String,
}

/// Time until a participant is started anew whose stream or queue failed.
const RESTART_DELAY: Duration = Duration::from_secs(1);
/// Time after which blocked messages are looked at again.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// The session. See the [module documentation](self).
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    server_info: Bytes,
    started: Instant,
    started_ms: u64,
    participants: BTreeMap<ParticipantId, Participant>,
    channels: BTreeMap<ChannelId, ChannelState>,
    inbound: BTreeMap<InboundId, InboundStream>,
    streams: BTreeMap<StreamId, OutgoingStream>,
    next_stream: u64,
    turns: DeficitRoundRobin<Flow>,
    next_control: ParticipantId,
    outbox: VecDeque<Transmit>,
    events: VecDeque<Event>,
    queued: QueuedBytes,
    pacing: Pacing,
    /// Bytes of latched messages that all channels keep.
    latched: usize,
    /// When blocked flows are to try again.
    retry_at: Option<Instant>,
    report_at: Option<Instant>,
}

impl Session {
    /// `clock_ms` is the robot's clock at `now`, in milliseconds since the epoch.
    pub fn new(config: SessionConfig, robot: RobotInfo, now: Instant, clock_ms: u64) -> Self {
        let server_info = ServerMessage::ServerInfo {
            name: robot.name,
            capabilities: Vec::new(),
            supported_encodings: Vec::new(),
            metadata: robot.metadata,
            session_id: robot.session_id,
        };
        Self {
            config,
            server_info: server_info.frame().unwrap_or_default(),
            started: now,
            started_ms: clock_ms,
            participants: BTreeMap::new(),
            channels: BTreeMap::new(),
            inbound: BTreeMap::new(),
            streams: BTreeMap::new(),
            next_stream: 0,
            turns: DeficitRoundRobin::default(),
            next_control: ParticipantId(0),
            outbox: VecDeque::new(),
            events: VecDeque::new(),
            queued: QueuedBytes::default(),
            pacing: Pacing::new(now),
            latched: 0,
            retry_at: None,
            report_at: None,
        }
    }

    /// A participant can receive. Does nothing if it is known.
    pub fn participant_joined(&mut self, now: Instant, id: ParticipantId) {
        if self.participants.contains_key(&id) {
            return;
        }
        let primary = self.open_stream(vec![id]);
        self.participants
            .insert(id, Participant::new(now, &self.config, primary));
        self.greet(now, id);
    }

    /// A participant is gone. Does nothing if it is unknown.
    pub fn participant_left(&mut self, now: Instant, id: ParticipantId) {
        let Some(participant) = self.participants.remove(&id) else {
            return;
        };
        for inbound in participant.inbound {
            self.inbound.remove(&inbound);
        }
        for &channel in participant.subscriptions.keys() {
            self.forget_subscriber(channel, id);
        }
        self.retire_streams_of(id);
        debug!(?id, ?now, "participant removed");
    }

    /// Starts a participant anew: its streams end, it gets new ones with everything it has to
    /// know, and its subscriptions stay.
    pub fn resync(&mut self, now: Instant, id: ParticipantId) {
        if !self.participants.contains_key(&id) {
            return;
        }
        self.retire_streams_of(id);
        let primary = self.open_stream(vec![id]);
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        participant.restart(now, primary);
        let channels: Vec<ChannelId> = participant.subscriptions.keys().copied().collect();
        self.greet(now, id);
        for channel in channels {
            self.replay(now, channel, id);
        }
    }

    /// Starts all participants anew, after the connection was interrupted.
    pub fn resync_all(&mut self, now: Instant) {
        let ids: Vec<ParticipantId> = self.participants.keys().copied().collect();
        for id in ids {
            self.resync(now, id);
        }
    }

    /// The connection is lost with all participants and streams. The channels stay.
    pub fn connection_lost(&mut self, now: Instant) {
        let ids: Vec<ParticipantId> = self.participants.keys().copied().collect();
        for id in ids {
            self.participant_left(now, id);
        }
        self.streams.clear();
        self.outbox.clear();
    }

    /// A stream could not be opened or written. Its participants are started anew, a little later.
    pub fn stream_failed(&mut self, now: Instant, stream: StreamId) {
        let Some(stream) = self.remove_stream(stream) else {
            return;
        };
        self.outbox
            .retain(|transmit| transmit.stream() != stream.id);
        for id in stream.destinations {
            self.restart_later(now, id);
        }
    }

    /// New channels. A channel whose id is known is ignored: ids are never used twice.
    pub fn add_channels(&mut self, now: Instant, channels: Vec<ChannelInfo>) {
        let mut added = Vec::with_capacity(channels.len());
        for info in channels {
            let id = info.channel.id;
            if let std::collections::btree_map::Entry::Vacant(vacant) = self.channels.entry(id) {
                vacant.insert(ChannelState::new(info));
                added.push(id);
            }
        }
        let frames = self.advertise_frames(&added);
        self.broadcast_control(now, &frames);
    }

    /// The publishers of a channel deliver otherwise than before. An unknown id is ignored.
    pub fn update_channel(&mut self, id: ChannelId, depth: usize, reliable: bool, latched: bool) {
        if let Some(state) = self.channels.get_mut(&id) {
            state.info.depth = depth;
            state.info.reliable = reliable;
            state.info.latched = latched;
            if !latched {
                self.latched -= state.latched_bytes();
                state.forget_latched();
            }
        }
    }

    /// Channels that exist no more, with their subscriptions. Unknown ids are ignored.
    pub fn remove_channels(&mut self, now: Instant, ids: &[ChannelId]) {
        let mut removed = Vec::with_capacity(ids.len());
        for &id in ids {
            let Some(channel) = self.channels.remove(&id) else {
                continue;
            };
            for subscriber in &channel.subscribers {
                if let Some(participant) = self.participants.get_mut(subscriber) {
                    participant.subscriptions.remove(&id);
                }
            }
            self.latched -= channel.latched_bytes();
            self.events.retain(|event| event.channel() != id);
            for stream in channel.lanes.into_values() {
                self.retire_stream(stream);
            }
            removed.push(id);
        }
        if removed.is_empty() {
            return;
        }
        let channel_ids = removed;
        let frame = ServerMessage::Unadvertise { channel_ids }.frame();
        self.broadcast_control(now, frame.as_slice());
    }

    /// Time has passed, see [`Session::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Instant) {
        let due: Vec<ParticipantId> = self
            .participants
            .iter()
            .filter(|(_, participant)| participant.restart_at.is_some_and(|at| at <= now))
            .map(|(&id, _)| id)
            .collect();
        for id in due {
            info!(?id, "starting participant anew");
            self.resync(now, id);
        }
        if self.report_at.is_some_and(|at| at <= now) {
            self.report_drops(now);
        }
    }

    /// When [`Session::handle_timeout`] and [`Session::next_transmit`] are to be called again at
    /// the latest, if nothing else happens.
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let restart = self
            .participants
            .values()
            .filter_map(|participant| participant.restart_at)
            .min();
        [restart, self.retry_at, self.report_at]
            .into_iter()
            .flatten()
            .min()
            .map(|at| at.max(now))
    }

    /// The next thing that the robot's side is to do.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Bytes of messages that wait in queues. One that waits for several participants counts once.
    pub fn queued_bytes(&self) -> usize {
        self.queued.get()
    }

    /// Bytes of latched messages that are kept for later subscribers.
    pub fn latched_bytes(&self) -> usize {
        self.channels
            .values()
            .map(ChannelState::latched_bytes)
            .sum()
    }

    fn clock_ms(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.started).as_millis();
        self.started_ms + u64::try_from(elapsed).unwrap_or(u64::MAX / 2)
    }

    pub(super) fn restart_later(&mut self, now: Instant, id: ParticipantId) {
        if let Some(participant) = self.participants.get_mut(&id) {
            participant.restart_at.get_or_insert(now + RESTART_DELAY);
        }
    }

    /// Removes a subscriber from its channel; the last one ends the channel's subscription.
    fn forget_subscriber(&mut self, channel: ChannelId, id: ParticipantId) {
        let Some(state) = self.channels.get_mut(&channel) else {
            return;
        };
        if state.subscribers.remove(&id) && state.subscribers.is_empty() {
            self.latched -= state.latched_bytes();
            state.forget_latched();
            self.events.push_back(Event::Unsubscribe(channel));
        }
    }
}
