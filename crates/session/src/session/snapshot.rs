//! Snapshot of the session in numbers, for diagnostics.

use std::time::Duration;

use remote_access_protocol::ChannelId;

use super::Session;
use crate::channels::channel::ChannelState;
use crate::counters::{Drops, Traffic};
use crate::ids::ParticipantId;
use crate::send::receiver::Receiver;

/// Counters of a session, and sizes of what it holds now.
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
    /// Times that a participant was resynced.
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
    /// The id.
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
    /// Times that it was resynced.
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
    /// The id.
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

impl Session {
    /// The session in numbers. It looks at every subscription: made for once a second.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let sent = self.sender.totals();
        let received = self.inbound.totals();
        let routes = self.sender.routes();
        Snapshot {
            participants: routes
                .receivers
                .iter()
                .map(|(&id, receiver)| self.participant_snapshot(id, receiver))
                .collect(),
            channels: self
                .channels
                .iter()
                .map(|(id, state)| self.channel_snapshot(id, state))
                .collect(),
            sent: sent.sent,
            streams_opened: sent.streams_opened,
            streams: routes.streams.open_ones().count(),
            resyncs: sent.resyncs,
            received_bytes: received.received_bytes,
            inbound_errors: received.errors,
            refused_subscriptions: self.refused_subscriptions,
            unread_messages: self.unread_messages,
            queued_bytes: self.queued_bytes(),
            latched_bytes: self.latched_bytes(),
        }
    }

    fn participant_snapshot(&self, id: ParticipantId, receiver: &Receiver) -> ParticipantSnapshot {
        let counters = &receiver.counters;
        let mut queued = Traffic::default();
        for subscription in receiver.subscriptions.values() {
            queued.messages += subscription.queue.len() as u64;
            queued.bytes += subscription.queue.bytes() as u64;
        }
        let streams = self.sender.routes().streams.open_ones();
        let flow = receiver.flow.figures();
        ParticipantSnapshot {
            id,
            many_streams: receiver.many_streams,
            acknowledges: receiver.flow.acknowledges(),
            slow: receiver.is_slow(),
            subscriptions: receiver.subscriptions.len(),
            streams: streams
                .filter(|stream| stream.destinations.contains(&id))
                .count(),
            inbound_streams: self.inbound.open_streams(id),
            sent: counters.sent,
            sent_bytes: counters.sent_bytes,
            received_bytes: self.inbound.received_bytes(id),
            drops: receiver.drops(),
            resyncs: counters.resyncs,
            queued,
            queued_control_bytes: receiver.control.bytes(),
            in_flight_bytes: flow.in_flight,
            window_bytes: flow.window,
            round_trip: flow.round_trip,
            min_round_trip: flow.min_round_trip,
            delivery_rate: flow.delivery_rate,
        }
    }

    fn channel_snapshot(&self, id: ChannelId, state: &ChannelState) -> ChannelSnapshot {
        let routes = self.sender.routes();
        let of_channel = routes.channels.get(&id);
        let mut drops = of_channel.map_or_else(Drops::default, |each| each.past_drops);
        for subscriber in &state.subscribers {
            let receiver = routes.receivers.get(subscriber);
            if let Some(subscription) = receiver.and_then(|each| each.subscriptions.get(&id)) {
                drops.add(&subscription.queue.drops);
            }
        }
        ChannelSnapshot {
            id,
            topic: state.info.channel.topic.clone(),
            subscribers: state.subscribers.len(),
            lanes: of_channel.map_or(0, |each| each.lanes.len()),
            received: state.received,
            sent: of_channel.map_or_else(Traffic::default, |each| each.sent),
            drops,
            latched_bytes: state.latched_bytes(),
        }
    }
}
