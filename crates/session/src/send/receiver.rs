//! Receiver: what waits for one participant, and what is on its way to it.

use std::collections::BTreeMap;
use std::time::Instant;

use remote_access_protocol::ChannelId;

use super::answers::AnswerQueue;
use super::control::ControlQueue;
use super::drr::DeficitRoundRobin;
use super::flow::FlowControl;
use super::queue::MessageQueue;
use super::source::PrimarySource;
use super::standing::{Condition, Standing};
use crate::bucket::TokenBucket;
use crate::config::SessionConfig;
use crate::counters::{Drops, Traffic};
use crate::ids::StreamId;

/// Bytes per second of control messages that go before the data of all participants. More takes
/// turns with it.
const CONTROL_RATE: f64 = 16_000.0;
/// Bytes of control messages that may go before data at once.
const CONTROL_BURST: f64 = 256.0 * 1024.0;
/// Bytes that a slice costs beside its own: a Pong of 22 bytes takes 165 on the uplink.
const SLICE_COST: usize = 150;
/// Participants whose rates differ by no more than this factor share lanes.
const SAME_RATE: f64 = 0.7;

/// A participant's subscription to one channel.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) queue: MessageQueue,
    /// The lane that carried the last message.
    pub(crate) lane: Option<StreamId>,
    /// Position after the last byte on that lane, see [`FlowControl::sent`].
    pub(crate) lane_end: u64,
    /// When that byte was sent.
    pub(crate) lane_at: Instant,
}

/// A participant that receives.
#[derive(Debug)]
pub(crate) struct Receiver {
    /// Whether it reads many streams at once.
    pub(crate) many_streams: bool,
    /// Its group of equal rights: it shares lanes with none outside of it.
    pub(crate) group: u128,
    /// The stream for control messages, and for everything if it reads one stream only.
    pub(crate) primary: StreamId,
    /// Whether the last frame on the primary stream was a control message.
    pub(crate) in_control: bool,
    /// The channel whose frame is unfinished on the primary stream, for want of a lane.
    pub(crate) borrowed_by: Option<ChannelId>,
    pub(crate) control: ControlQueue,
    /// Bytes of control messages that may go before the data of all.
    control_credit: TokenBucket,
    pub(crate) flow: FlowControl,
    pub(crate) subscriptions: BTreeMap<ChannelId, Subscription>,
    /// Turns on the primary stream.
    pub(crate) sources: DeficitRoundRobin<PrimarySource>,
    /// Whether it ever asked for a resync.
    pub(crate) asked_for_resync: bool,
    /// When its resync is due.
    pub(crate) resync_at: Option<Instant>,
    /// When its streams began.
    pub(crate) synced_at: Instant,
    /// Answers that are too large for the control queue.
    pub(crate) answers: AnswerQueue,
    pub(crate) counters: SendCounters,
    /// Ends of what is on the way of subscriptions that are over, see [`FlowControl::sent`].
    leftovers: BTreeMap<ChannelId, Leftover>,
    standing: Standing,
}

/// Counters of what was sent to a participant.
#[derive(Debug, Default)]
pub(crate) struct SendCounters {
    pub(crate) sent: Traffic,
    pub(crate) sent_bytes: u64,
    /// Drops of subscriptions that are over.
    pub(crate) past_drops: Drops,
    pub(crate) resyncs: u64,
}

/// Bytes on the way of a subscription that is over.
#[derive(Debug)]
struct Leftover {
    lane: StreamId,
    end: u64,
    at: Instant,
}

impl Receiver {
    pub(crate) fn new(now: Instant, config: &SessionConfig, primary: StreamId) -> Self {
        Self {
            many_streams: false,
            group: 0,
            primary,
            in_control: false,
            borrowed_by: None,
            control: ControlQueue::new(config.control_queue_size),
            control_credit: TokenBucket::new(now, CONTROL_RATE, CONTROL_BURST),
            flow: FlowControl::new(now, config.unacknowledged_rate, config.participant_rate),
            subscriptions: BTreeMap::new(),
            sources: DeficitRoundRobin::default(),
            asked_for_resync: false,
            resync_at: None,
            synced_at: now,
            answers: AnswerQueue::default(),
            counters: SendCounters::default(),
            leftovers: BTreeMap::new(),
            standing: Standing::default(),
        }
    }

    pub(crate) fn subscribe(&mut self, now: Instant, channel: ChannelId) {
        let leftover = self.leftovers.remove(&channel);
        self.subscriptions.insert(
            channel,
            Subscription {
                queue: MessageQueue::default(),
                lane: leftover.as_ref().map(|leftover| leftover.lane),
                lane_end: leftover.as_ref().map_or(0, |leftover| leftover.end),
                lane_at: leftover.map_or(now, |leftover| leftover.at),
            },
        );
    }

    /// Ends a subscription. What is on the way still arrives, before data of a later one.
    pub(crate) fn unsubscribe(&mut self, channel: ChannelId) -> Option<Subscription> {
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
    pub(crate) fn drops(&self) -> Drops {
        let mut drops = self.counters.past_drops;
        for subscription in self.subscriptions.values() {
            drops.add(&subscription.queue.drops);
        }
        drops
    }

    /// Removes the subscription to a channel that exists no more.
    pub(crate) fn forget(&mut self, channel: ChannelId) -> Option<Subscription> {
        let subscription = self.subscriptions.remove(&channel)?;
        self.counters.past_drops.add(&subscription.queue.drops);
        Some(subscription)
    }

    /// Bytes of a channel went out on a stream; `retired` if these are the last ones.
    pub(crate) fn sent_on(
        &mut self,
        now: Instant,
        channel: ChannelId,
        stream: StreamId,
        retired: bool,
    ) {
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
    pub(crate) fn resync(&mut self, now: Instant, primary: StreamId) {
        self.primary = primary;
        self.in_control = false;
        self.borrowed_by = None;
        self.leftovers.clear();
        self.control.clear();
        self.flow.resync(now);
        self.answers.resync();
        self.resync_at = None;
        self.synced_at = now;
        self.counters.resyncs += 1;
        for subscription in self.subscriptions.values_mut() {
            subscription.queue.restart();
            subscription.lane = None;
        }
    }

    /// Whether its control messages go before the data of all participants.
    pub(crate) fn has_control_precedence(&self, now: Instant) -> bool {
        self.control_credit.would_have_credit(now)
    }

    /// Bytes of control messages went out, in one slice. A second later the next ones go before data
    /// again, whatever it was: Pongs must not wait for long.
    pub(crate) fn charge_control(&mut self, now: Instant, bytes: usize) {
        if bytes > 0 {
            let cost = (bytes + SLICE_COST) as f64;
            self.control_credit
                .charge_and_forgive(now, cost, CONTROL_RATE);
        }
    }

    /// Whether it is served on its own, with the latest of periodic data.
    pub(crate) fn is_slow(&self) -> bool {
        !self.flow.is_measured() || self.standing.is_apart()
    }

    /// Brings its standing up to date.
    pub(crate) fn update_standing(&mut self, now: Instant) {
        let condition = if self.flow.stopped_acknowledging(now) {
            Condition::Stopped
        } else if self.flow.has_credit(now) {
            Condition::Well
        } else {
            Condition::Busy
        };
        self.standing.update(now, condition);
    }

    /// The others of its group wait for it; the fastest of them may send at `fastest`.
    ///
    /// Those that are behind the same slow link send at about the same rate. That one of them is
    /// ready a little later than another is no reason to part them.
    pub(crate) fn waits_in_group(&mut self, now: Instant, fastest: f64) {
        let alike = self.flow.has_window() && self.flow.pacing_rate() >= fastest * SAME_RATE;
        self.standing.waits_in_group(now, !alike);
    }

    /// Number of the oldest message that waits on this channel.
    pub(crate) fn front(&self, channel: ChannelId) -> Option<u64> {
        let subscription = self.subscriptions.get(&channel)?;
        Some(subscription.queue.front()?.seq)
    }
}
