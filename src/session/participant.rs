//! One remote participant: its queues, its subscriptions and its pace.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use remote_access_protocol::ChannelId;

use super::config::SessionConfig;
use super::control::ControlQueue;
use super::drr::DeficitRoundRobin;
use super::flow::FlowControl;
use super::queue::{MessageQueue, QueuedBytes};
use super::status::DropReport;
use super::{InboundId, StreamId};

/// Others are not held up longer than this by a participant that has no credit.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long a slow participant must keep up before it shares lanes again.
const RECOVERY: Duration = Duration::from_secs(2);

/// A participant's subscription to one channel.
#[derive(Debug)]
pub(super) struct Subscription {
    pub queue: MessageQueue,
    /// The lane that carried the last message.
    pub lane: Option<StreamId>,
    /// Position after the last byte on that lane, see [`FlowControl::sent`].
    pub lane_end: u64,
    pub drops: DropReport,
}

/// A participant's state in the session.
#[derive(Debug)]
pub(super) struct Participant {
    /// Whether it reads many streams at once.
    pub many_streams: bool,
    /// The stream for control messages, and for everything if it reads one stream only.
    pub primary: StreamId,
    /// Whether the last frame on the primary stream was a control message.
    pub in_control: bool,
    /// The channel that used the primary stream last, for want of a lane.
    pub last_on_primary: Option<ChannelId>,
    pub control: ControlQueue,
    pub flow: FlowControl,
    pub subscriptions: BTreeMap<ChannelId, Subscription>,
    /// Turns of the channels on the primary stream.
    pub turns: DeficitRoundRobin<ChannelId>,
    /// Its open streams to the robot.
    pub inbound: BTreeSet<InboundId>,
    /// Whether it ever opened one.
    pub spoke: bool,
    /// When it is to be started anew.
    pub restart_at: Option<Instant>,
    pace: Pace,
}

/// Whether a participant keeps up with those it shares lanes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// It keeps up; `lagging` is since when it holds up the others.
    Full { lagging: Option<Instant> },
    /// It is served on its own; `well` is since when it would keep up again.
    Slow { well: Option<Instant> },
}

impl Participant {
    pub fn new(now: Instant, config: &SessionConfig, primary: StreamId) -> Self {
        Self {
            many_streams: false,
            primary,
            in_control: false,
            last_on_primary: None,
            control: ControlQueue::new(config.control_queue_size),
            flow: FlowControl::new(now, config.unacknowledged_rate),
            subscriptions: BTreeMap::new(),
            turns: DeficitRoundRobin::default(),
            inbound: BTreeSet::new(),
            spoke: false,
            restart_at: None,
            pace: Pace::Full { lagging: None },
        }
    }

    pub fn subscribe(&mut self, channel: ChannelId, total: QueuedBytes) {
        self.subscriptions.insert(
            channel,
            Subscription {
                queue: MessageQueue::new(total),
                lane: None,
                lane_end: 0,
                drops: DropReport::default(),
            },
        );
    }

    /// Whether it is served on its own, with the latest of periodic data.
    pub fn is_slow(&self) -> bool {
        !self.flow.acknowledges() || matches!(self.pace, Pace::Slow { .. })
    }

    /// Brings the pace up to date.
    pub fn update_pace(&mut self, now: Instant) {
        let silent = self.flow.is_silent(now);
        let well = !silent && self.flow.has_credit(now);
        self.pace = match self.pace {
            Pace::Full { .. } if silent => Pace::Slow { well: None },
            Pace::Full { lagging: Some(at) } if now.saturating_duration_since(at) > PATIENCE => {
                Pace::Slow { well: None }
            }
            Pace::Full { .. } if well => Pace::Full { lagging: None },
            Pace::Slow { well: Some(at) }
                if well && now.saturating_duration_since(at) > RECOVERY =>
            {
                Pace::Full { lagging: None }
            }
            Pace::Slow { well: since } => Pace::Slow {
                well: well.then(|| since.unwrap_or(now)),
            },
            full => full,
        };
    }

    /// The others of its group wait for it.
    pub fn holds_up_others(&mut self, now: Instant) {
        if let Pace::Full { lagging } = &mut self.pace {
            lagging.get_or_insert(now);
        }
    }

    /// Whether its messages of this channel may go on this stream, `None` for a new one, without
    /// overtaking those on an earlier one.
    pub fn may_move(&self, channel: ChannelId, to: Option<StreamId>) -> bool {
        self.subscriptions
            .get(&channel)
            .is_some_and(|subscription| {
                subscription.lane.is_none_or(|lane| {
                    to == Some(lane) || self.flow.has_arrived(subscription.lane_end)
                })
            })
    }

    /// Number of the oldest message that waits on this channel.
    pub fn front(&self, channel: ChannelId) -> Option<u64> {
        let subscription = self.subscriptions.get(&channel)?;
        Some(subscription.queue.front()?.seq)
    }
}
