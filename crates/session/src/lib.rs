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
//! - What participants ask of the robot comes out as [`Request`]s, by [`Session::poll_request`],
//!   each one allowed by the participant's [`Rights`]; the answers come in by methods.
//! - What is to be sent is pulled, one [`Transmit`] at a time, by [`Session::next_transmit`]. The
//!   choice is made as late as possible: control before data, then a fair share for each channel.
//!
//! A message for several participants that read many streams goes out once, on a *lane*: a byte
//! stream for one channel and one exact set of destinations. Others get all on one stream.
//! Flow control keeps the bytes in flight to each participant near what it can take.
#![forbid(unsafe_code)]

mod announce;
mod answers;
mod bucket;
mod catalogue;
mod channel;
mod config;
mod control;
mod counters;
mod data;
mod dispatch;
mod drop_log;
mod drr;
mod flow;
mod groups;
mod ids;
mod inbound;
mod lanes;
mod pacing;
mod participant;
mod permission;
mod queue;
mod rate_limit;
mod requests;
mod roster;
mod session_requests;
mod snapshot;
mod status;
mod stream;
mod viewers;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::ChannelId;
use tracing::info;

pub use bucket::TokenBucket;
pub use channel::ChannelInfo;
pub use config::{SessionConfig, SLICE_SIZE};
pub use counters::{Drops, Traffic};
pub use ids::{InboundId, ParticipantId, PublisherId, StreamId};
pub use inbound::InboundError;
pub use permission::{NameRule, Rights};
pub use rate_limit::RateLimit;
pub use requests::connection_graph::{Connections, NodesByName};
pub use requests::request::{ClientChannelKey, Encoding, Request, RequestKey};
pub use requests::services::ServiceInfo;
pub use snapshot::{ChannelSnapshot, ParticipantSnapshot, Snapshot};
pub use viewers::ViewerInfo;

use channel::ChannelState;
use dispatch::Flow;
use drop_log::DropLog;
use drr::DeficitRoundRobin;
use inbound::InboundStream;
use pacing::Pacing;
use participant::Participant;
use queue::QueuedBytes;
use remote_access_protocol::server::StatusLevel;
use requests::Requests;
use snapshot::Totals;
use stream::OutgoingStream;

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
    /// Whether the robot's time is not that of a wall clock, see [`Session::time`].
    pub simulated_time: bool,
}

/// Time until a participant is started anew whose stream or queue failed.
const RESTART_DELAY: Duration = Duration::from_secs(1);
/// Time after which blocked messages are looked at again.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// The session. See the [crate documentation](crate).
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    robot: RobotInfo,
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
    totals: Totals,
    /// Bytes of incomplete frames from all participants.
    inbound_bytes: usize,
    /// Bytes of latched messages that all channels keep.
    latched: usize,
    /// When blocked flows are to try again.
    retry_at: Option<Instant>,
    report_at: Option<Instant>,
    /// The latest simulated time, in nanoseconds.
    time: Option<u64>,
    drop_log: DropLog,
    requests: Requests,
    /// Bytes of answers that wait for all participants.
    answer_bytes: usize,
    /// Problems of the robot that viewers are told about: id, level and text.
    problems: BTreeMap<String, (StatusLevel, String)>,
}

impl Session {
    /// `clock_ms` is the robot's clock at `now`, in milliseconds since the epoch.
    pub fn new(config: SessionConfig, robot: RobotInfo, now: Instant, clock_ms: u64) -> Self {
        Self {
            requests: Requests::new(&config),
            answer_bytes: 0,
            problems: BTreeMap::new(),
            time: None,
            robot,
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
            pacing: Pacing::new(now, config.uplink_rate),
            totals: Totals::default(),
            inbound_bytes: 0,
            latched: 0,
            retry_at: None,
            report_at: None,
            drop_log: DropLog::default(),
            config,
        }
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
        for participant in self.participants.values_mut() {
            let pings = participant.flow.late_pings(now);
            participant.control.push_pongs(&pings);
        }
        if self.report_at.is_some_and(|at| at <= now) {
            self.report_drops(now);
        }
        self.with_requests(now, |requests| requests.handle_timeout(now));
    }

    /// When [`Session::handle_timeout`] and [`Session::next_transmit`] are to be called again at
    /// the latest, if nothing else happens.
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let restart = self
            .participants
            .values()
            .filter_map(|participant| participant.restart_at)
            .min();
        let ping = self
            .participants
            .values()
            .filter_map(|participant| participant.flow.late_pings_at())
            .min();
        let request = self.requests.next_timeout();
        [restart, ping, self.retry_at, self.report_at, request]
            .into_iter()
            .flatten()
            .min()
            .map(|at| at.max(now))
    }

    /// The next thing that the robot's side is to do.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Bytes of messages that wait in queues. One that waits for several participants counts once,
    /// with the place in each queue.
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
}
