//! The session in numbers, for diagnostics.

use std::time::Duration;

use remote_access_protocol::ChannelId;

use super::counters::{Drops, Traffic};
use super::participant::Participant;
use super::{ChannelState, ParticipantId, Session};

/// What the session has done so far and what it holds now.
///
/// All counters only grow, except that those of a participant or channel end with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The participants, in the order in which they joined.
    pub participants: Vec<ParticipantSnapshot>,
    /// The channels.
    pub channels: Vec<ChannelSnapshot>,
    /// Writes to the transport, and their bytes.
    pub sent: Traffic,
    /// Streams that were opened to participants.
    pub streams_opened: u64,
    /// Streams that are open to participants.
    pub streams: usize,
    /// Times that a participant was started anew.
    pub resyncs: u64,
    /// Bytes that came from participants.
    pub received_bytes: u64,
    /// Streams from participants that were ended or refused for what they brought.
    pub inbound_errors: u64,
    /// Subscriptions that were refused since there were too many.
    pub refused_subscriptions: u64,
    /// Messages of the robot that came faster than the session was run.
    pub unread_messages: u64,
    /// Bytes of messages that wait. One that waits for several participants counts once, with the
    /// place in each queue.
    pub queued_bytes: usize,
    /// Bytes of latched messages kept for later subscribers.
    pub latched_bytes: usize,
}

/// One participant in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct ParticipantSnapshot {
    /// Which one.
    pub id: ParticipantId,
    /// Whether it reads many streams at once.
    pub many_streams: bool,
    /// Whether it acknowledges what it gets. If not, it is served at a fixed rate.
    pub acknowledges: bool,
    /// Whether it is served on its own, since it does not keep up with the others.
    pub slow: bool,
    /// Channels that it subscribes to.
    pub subscriptions: usize,
    /// Streams that are open to it, its share of lanes included.
    pub streams: usize,
    /// Streams that are open from it.
    pub inbound_streams: usize,
    /// Messages that were sent to it, with their bytes.
    pub sent: Traffic,
    /// Bytes that were sent to it, control messages included.
    pub sent_bytes: u64,
    /// Bytes that came from it.
    pub received_bytes: u64,
    /// Messages that it missed.
    pub drops: Drops,
    /// Times that it was started anew.
    pub resyncs: u64,
    /// Messages that wait for it, with their bytes.
    pub queued: Traffic,
    /// Bytes of control messages that wait for it.
    pub queued_control_bytes: usize,
    /// Bytes on the way to it, as far as it has not acknowledged them.
    pub in_flight_bytes: u64,
    /// Bytes that may be on the way to it.
    pub window_bytes: u64,
    /// Time from the last Pong to its acknowledgement; `None` before the first one.
    pub round_trip: Option<Duration>,
    /// The shortest such time of the last seconds.
    pub min_round_trip: Option<Duration>,
    /// Bytes per second that arrive, on average over about a second. What the way can carry, if
    /// that is less than there is to send.
    pub delivery_rate: f64,
}

/// One channel in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelSnapshot {
    /// Which one.
    pub id: ChannelId,
    /// Its topic.
    pub topic: String,
    /// Participants that subscribe to it.
    pub subscribers: usize,
    /// Open lanes.
    pub lanes: usize,
    /// Messages that the robot published while somebody subscribed.
    pub received: Traffic,
    /// Messages on the uplink. One for several participants at once counts once.
    pub sent: Traffic,
    /// Messages that a participant missed; one that several missed counts for each.
    pub drops: Drops,
    /// Bytes of latched messages kept for later subscribers.
    pub latched_bytes: usize,
}

/// Counters of a session that belong to no participant or channel.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub sent: Traffic,
    pub streams_opened: u64,
    pub resyncs: u64,
    pub received_bytes: u64,
    pub inbound_errors: u64,
    pub refused_subscriptions: u64,
    pub unread_messages: u64,
}

impl Session {
    /// The session in numbers. It looks at every subscription: made for once a second.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let totals = &self.totals;
        Snapshot {
            participants: self
                .participants
                .iter()
                .map(|(&id, participant)| self.participant_snapshot(id, participant))
                .collect(),
            channels: self
                .channels
                .iter()
                .map(|(&id, state)| self.channel_snapshot(id, state))
                .collect(),
            sent: totals.sent,
            streams_opened: totals.streams_opened,
            streams: self.streams.values().filter(|stream| stream.opened).count(),
            resyncs: totals.resyncs,
            received_bytes: totals.received_bytes,
            inbound_errors: totals.inbound_errors,
            refused_subscriptions: totals.refused_subscriptions,
            unread_messages: totals.unread_messages,
            queued_bytes: self.queued_bytes(),
            latched_bytes: self.latched_bytes(),
        }
    }

    /// Messages of the robot were dropped on their way to the session, which was not run in time.
    pub fn messages_unread(&mut self, count: u64) {
        self.totals.unread_messages += count;
    }

    fn participant_snapshot(
        &self,
        id: ParticipantId,
        participant: &Participant,
    ) -> ParticipantSnapshot {
        let counters = &participant.counters;
        let mut queued = Traffic::default();
        for subscription in participant.subscriptions.values() {
            queued.messages += subscription.queue.len() as u64;
            queued.bytes += subscription.queue.bytes() as u64;
        }
        let to_it =
            |stream: &&super::OutgoingStream| stream.opened && stream.destinations.contains(&id);
        let flow = participant.flow.figures();
        ParticipantSnapshot {
            id,
            many_streams: participant.many_streams,
            acknowledges: participant.flow.acknowledges(),
            slow: participant.is_slow(),
            subscriptions: participant.subscriptions.len(),
            streams: self.streams.values().filter(to_it).count(),
            inbound_streams: participant.inbound.len(),
            sent: counters.sent,
            sent_bytes: counters.sent_bytes,
            received_bytes: counters.received_bytes,
            drops: participant.drops(),
            resyncs: counters.resyncs,
            queued,
            queued_control_bytes: participant.control.bytes(),
            in_flight_bytes: flow.in_flight,
            window_bytes: flow.window,
            round_trip: flow.round_trip,
            min_round_trip: flow.min_round_trip,
            delivery_rate: flow.delivery_rate,
        }
    }

    fn channel_snapshot(&self, id: ChannelId, state: &ChannelState) -> ChannelSnapshot {
        let counters = &state.counters;
        let mut drops = counters.past_drops;
        for subscriber in &state.subscribers {
            let participant = self.participants.get(subscriber);
            if let Some(subscription) = participant.and_then(|p| p.subscriptions.get(&id)) {
                drops.add(&subscription.queue.drops);
            }
        }
        ChannelSnapshot {
            id,
            topic: state.info.channel.topic.clone(),
            subscribers: state.subscribers.len(),
            lanes: state.lanes.len(),
            received: counters.received,
            sent: counters.sent,
            drops,
            latched_bytes: state.latched_bytes(),
        }
    }
}
