//! One remote participant: its queues, its subscriptions and its pace.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use remote_access_protocol::ChannelId;

use super::answers::AnswerQueue;
use super::bucket::TokenBucket;
use super::config::SessionConfig;
use super::control::ControlQueue;
use super::counters::{DropReason, Drops, Traffic};
use super::drr::{DeficitRoundRobin, Wait};
use super::flow::FlowControl;
use super::queue::MessageQueue;
use super::status::DropReport;
use super::stream::OutgoingStream;
use super::{InboundId, ParticipantId, StreamId};

/// Others are not held up longer than this by a participant that has no credit.
const PATIENCE: Duration = Duration::from_millis(200);
/// Time that a participant must keep up to make good for a tenth of it in which it did not.
///
/// So it may take a tenth of their time from the others for good, but not more.
const FORGIVENESS: u32 = 10;
/// Time between two lanes for a participant that never acknowledges.
const PAUSE: Duration = Duration::from_secs(1);
/// Participants whose pace differs by no more than this factor share lanes.
const SAME_PACE: f64 = 0.7;
/// Seconds' worth of bytes that a participant may send at once.
const INBOUND_BURST: f64 = 8.0;
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
    /// When that byte was sent.
    pub lane_at: Instant,
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
    /// The channel whose frame is unfinished on the primary stream, for want of a lane.
    pub borrowed_by: Option<ChannelId>,
    pub control: ControlQueue,
    pub flow: FlowControl,
    pub subscriptions: BTreeMap<ChannelId, Subscription>,
    /// Turns of the channels on the primary stream.
    pub turns: DeficitRoundRobin<ChannelId>,
    /// Bytes that it may send.
    pub inbound_rate: TokenBucket,
    /// Its open streams to the robot.
    pub inbound: BTreeSet<InboundId>,
    /// Whether it ever opened one.
    pub spoke: bool,
    /// Whether it ever asked to be started anew.
    pub resynced: bool,
    /// When it is to be started anew.
    pub restart_at: Option<Instant>,
    /// When it was started last.
    pub restarted_at: Instant,
    /// The channel that the last report of drops was about.
    pub last_report: Option<ChannelId>,
    /// Answers that are too large for the control queue.
    pub answers: AnswerQueue,
    pub counters: ParticipantCounters,
    /// Ends of what is on the way of subscriptions that are over, see [`FlowControl::sent`].
    leftovers: BTreeMap<ChannelId, Leftover>,
    pace: Pace,
}

/// What became of a participant's messages, and how often it was started anew.
#[derive(Debug, Default)]
pub(super) struct ParticipantCounters {
    pub sent: Traffic,
    pub sent_bytes: u64,
    pub received_bytes: u64,
    /// Drops of subscriptions that are over.
    pub past_drops: Drops,
    pub resyncs: u64,
}

/// What is on the way of a subscription that is over.
#[derive(Debug)]
struct Leftover {
    lane: StreamId,
    end: u64,
    at: Instant,
}

/// Whether a participant keeps up with those it shares lanes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    /// It keeps up, more or less.
    Full(Lag),
    /// It is served on its own; `well` is since when it would keep up again.
    Slow { well: Option<Instant> },
}

/// How much a participant held up the others lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lag {
    held_up: Duration,
    /// Since when `held_up` is to be changed, and whether it grows.
    since: Option<(Instant, bool)>,
}

impl Lag {
    fn update(&mut self, now: Instant, holds_up: bool) {
        if let Some((since, grows)) = self.since {
            let elapsed = now.saturating_duration_since(since);
            self.held_up = if grows {
                self.held_up + elapsed
            } else {
                self.held_up.saturating_sub(elapsed / FORGIVENESS)
            };
        }
        self.since = Some((now, holds_up));
    }
}

impl Participant {
    pub fn new(now: Instant, config: &SessionConfig, primary: StreamId) -> Self {
        let inbound_rate = config.inbound_rate as f64;
        Self {
            inbound_rate: TokenBucket::new(now, inbound_rate, inbound_rate * INBOUND_BURST),
            many_streams: false,
            primary,
            in_control: false,
            borrowed_by: None,
            control: ControlQueue::new(config.control_queue_size),
            flow: FlowControl::new(now, config.unacknowledged_rate, config.participant_rate),
            subscriptions: BTreeMap::new(),
            turns: DeficitRoundRobin::default(),
            inbound: BTreeSet::new(),
            spoke: false,
            resynced: false,
            restart_at: None,
            restarted_at: now,
            last_report: None,
            answers: AnswerQueue::default(),
            counters: ParticipantCounters::default(),
            leftovers: BTreeMap::new(),
            pace: Pace::Full(Lag::default()),
        }
    }

    pub fn subscribe(&mut self, now: Instant, channel: ChannelId) {
        let leftover = self.leftovers.remove(&channel);
        self.subscriptions.insert(
            channel,
            Subscription {
                queue: MessageQueue::default(),
                lane: leftover.as_ref().map(|leftover| leftover.lane),
                lane_end: leftover.as_ref().map_or(0, |leftover| leftover.end),
                lane_at: leftover.map_or(now, |leftover| leftover.at),
                drops: DropReport::default(),
            },
        );
    }

    /// Ends a subscription. What is on the way still arrives, before data of a later one.
    pub fn unsubscribe(&mut self, channel: ChannelId) -> Option<Subscription> {
        let subscription = self.forget(channel)?;
        let flow = &self.flow;
        self.leftovers
            .retain(|_, leftover| !flow.has_arrived(leftover.end));
        if let Some(lane) = subscription.lane {
            let end = subscription.lane_end;
            let at = subscription.lane_at;
            let leftover = Leftover { lane, end, at };
            self.leftovers.insert(channel, leftover);
        }
        Some(subscription)
    }

    /// All messages that it missed.
    pub fn drops(&self) -> Drops {
        let mut drops = self.counters.past_drops;
        for subscription in self.subscriptions.values() {
            drops.add(&subscription.queue.drops);
        }
        drops
    }

    /// Removes the subscription to a channel that exists no more.
    pub fn forget(&mut self, channel: ChannelId) -> Option<Subscription> {
        let subscription = self.subscriptions.remove(&channel)?;
        self.counters.past_drops.add(&subscription.queue.drops);
        Some(subscription)
    }

    /// Bytes of a channel went out on a stream; `retired` if these are the last ones.
    pub fn sent_on(&mut self, now: Instant, channel: ChannelId, stream: StreamId, retired: bool) {
        let end = self.flow.sent();
        if let Some(subscription) = self.subscriptions.get_mut(&channel) {
            if !retired || subscription.lane == Some(stream) {
                subscription.lane = Some(stream);
                subscription.lane_end = end;
                subscription.lane_at = now;
            }
        } else if let Some(leftover) = self.leftovers.get_mut(&channel) {
            leftover.end = end;
            leftover.at = now;
        }
    }

    /// Forgets what is on the way: it gets new streams.
    pub fn restart(&mut self, now: Instant, primary: StreamId) {
        self.primary = primary;
        self.in_control = false;
        self.borrowed_by = None;
        self.leftovers.clear();
        self.control.clear();
        self.flow.restart(now);
        self.answers.restart();
        self.restart_at = None;
        self.restarted_at = now;
        self.counters.resyncs += 1;
        for subscription in self.subscriptions.values_mut() {
            while subscription.queue.drop_front(DropReason::Restart) {}
            subscription.lane = None;
        }
    }

    /// Whether it is served on its own, with the latest of periodic data.
    pub fn is_slow(&self) -> bool {
        !self.flow.is_measured() || matches!(self.pace, Pace::Slow { .. })
    }

    /// Brings the pace up to date.
    pub fn update_pace(&mut self, now: Instant) {
        let silent = self.flow.is_silent(now);
        let well = !silent && self.flow.has_credit(now);
        self.pace = match self.pace {
            Pace::Full(mut lag) => {
                let holds_up = !well && lag.since.is_some_and(|(_, grows)| grows);
                lag.update(now, holds_up);
                if silent || lag.held_up > PATIENCE {
                    Pace::Slow { well: None }
                } else {
                    Pace::Full(lag)
                }
            }
            Pace::Slow { well: Some(at) }
                if well && now.saturating_duration_since(at) > RECOVERY =>
            {
                Pace::Full(Lag::default())
            }
            Pace::Slow { well: since } => Pace::Slow {
                well: well.then(|| since.unwrap_or(now)),
            },
        };
    }

    /// The others of its group wait for it; the fastest of them may send at `fastest`.
    ///
    /// Those that are behind the same slow link send at about the same pace. That one of them is
    /// ready a little later than another is no reason to part them.
    pub fn waits_in_group(&mut self, now: Instant, fastest: f64) {
        let alike = self.flow.has_window() && self.flow.pace() >= fastest * SAME_PACE;
        if let Pace::Full(lag) = &mut self.pace {
            lag.update(now, !alike);
        }
    }

    /// Whether its messages of this channel may go on this stream, `None` for a new one, without
    /// overtaking those on an earlier one.
    pub fn may_move(
        &self,
        now: Instant,
        channel: ChannelId,
        to: Option<StreamId>,
        streams: &BTreeMap<StreamId, OutgoingStream>,
    ) -> bool {
        let Some(subscription) = self.subscriptions.get(&channel) else {
            return false;
        };
        let Some(lane) = subscription.lane.filter(|&lane| to != Some(lane)) else {
            return true;
        };
        // Without acknowledgements nobody knows; a pause makes it likely.
        let arrived = if self.flow.acknowledges() {
            self.flow.has_arrived(subscription.lane_end)
        } else {
            now.saturating_duration_since(subscription.lane_at) > PAUSE
        };
        arrived && streams.get(&lane).is_none_or(OutgoingStream::at_boundary)
    }

    /// What its messages of this channel wait for that may not move to another stream.
    pub fn waits_to_move(&self, id: ParticipantId, channel: ChannelId) -> Wait {
        let subscription = self.subscriptions.get(&channel);
        let on_the_way = subscription.is_some_and(|s| !self.flow.has_arrived(s.lane_end));
        if on_the_way && self.flow.acknowledges() {
            Wait::Arrival(id, self.flow.acked())
        } else {
            Wait::Retry
        }
    }

    /// Number of the oldest message that waits on this channel.
    pub fn front(&self, channel: ChannelId) -> Option<u64> {
        let subscription = self.subscriptions.get(&channel)?;
        Some(subscription.queue.front()?.seq)
    }
}
