//! Who takes part: joining, leaving, and starting anew.

use std::time::Instant;

use remote_access_protocol::ChannelId;
use tracing::debug;

use super::participant::{Participant, Subscription};
use super::{Event, ParticipantId, Session, StreamId, RESTART_DELAY};

impl Session {
    /// A participant can receive. Does nothing if it is known.
    pub fn participant_joined(&mut self, now: Instant, id: ParticipantId) {
        if self.participants.contains_key(&id) {
            return;
        }
        let primary = self.open_stream(vec![id]);
        self.participants
            .insert(id, Participant::new(now, &self.config, primary));
        self.requests.join(id, self.config.rights.clone());
        self.greet(now, id);
    }

    /// A participant is gone. Does nothing if it is unknown.
    pub fn participant_left(&mut self, now: Instant, id: ParticipantId) {
        self.with_requests(now, |requests| requests.leave(id));
        let Some(mut participant) = self.participants.remove(&id) else {
            return;
        };
        self.answer_bytes -= participant.answers.clear();
        for &inbound in &participant.inbound {
            self.inbound_closed(inbound);
        }
        for (&channel, subscription) in &participant.subscriptions {
            self.keep_drops(channel, subscription);
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
        self.totals.resyncs += 1;
        let channels: Vec<ChannelId> = participant.subscriptions.keys().copied().collect();
        self.greet(now, id);
        for channel in channels {
            self.replay(now, channel, id);
        }
        self.activate_answers(id);
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

    pub(super) fn restart_later(&mut self, now: Instant, id: ParticipantId) {
        if let Some(participant) = self.participants.get_mut(&id) {
            participant.restart_at.get_or_insert(now + RESTART_DELAY);
        }
    }

    /// Counts the drops of a subscription that is over.
    pub(super) fn keep_drops(&mut self, channel: ChannelId, subscription: &Subscription) {
        if let Some(state) = self.channels.get_mut(&channel) {
            state.counters.past_drops.add(&subscription.queue.drops);
        }
    }

    /// Removes a subscriber from its channel; the last one ends the channel's subscription.
    pub(super) fn forget_subscriber(&mut self, channel: ChannelId, id: ParticipantId) {
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
