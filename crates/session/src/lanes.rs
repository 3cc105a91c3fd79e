//! Outgoing streams, and the lanes among them.
//!
//! A lane carries one channel to one exact set of participants, so that a message goes out once
//! for all of them. [`groups`](super::groups) decides who shares one.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;
use remote_access_protocol::ChannelId;

use super::counters::Traffic;
use super::dispatch::Flow;
use super::drr::{Class, Turn, Wait};
use super::participant::Participant;
use super::stream::OutgoingStream;
use super::{ParticipantId, Session, StreamId, Transmit};

impl Session {
    /// A new stream. The transport opens it at the first write.
    pub(super) fn open_stream(&mut self, destinations: Vec<ParticipantId>) -> StreamId {
        let id = StreamId(self.next_stream);
        self.next_stream += 1;
        self.streams
            .insert(id, OutgoingStream::new(id, destinations));
        id
    }

    /// Forgets a stream at once, whatever is left of it.
    pub(super) fn remove_stream(&mut self, id: StreamId) -> Option<OutgoingStream> {
        let stream = self.streams.remove(&id)?;
        for state in self.channels.values_mut() {
            state.lanes.retain(|_, lane| *lane != id);
        }
        Some(stream)
    }

    /// Ends a stream at its next frame boundary.
    pub(super) fn retire_stream(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        stream.retired = true;
        if !stream.at_boundary() {
            self.turns.insert(Flow::Finish(id), Class::Periodic);
        }
        self.close_if_retired(id);
    }

    pub(super) fn close_if_retired(&mut self, id: StreamId) {
        let done = self
            .streams
            .get(&id)
            .is_some_and(|stream| stream.retired && stream.at_boundary());
        if done && self.streams.remove(&id).is_some_and(|stream| stream.opened) {
            self.outbox.push_back(Transmit::Close { stream: id });
        }
    }

    /// Sends a slice of the frame that a retired stream still has to finish.
    pub(super) fn finish_turn(&mut self, now: Instant, id: StreamId) -> Turn {
        let Some(stream) = self.streams.get(&id) else {
            return Turn::Empty;
        };
        let participants = &self.participants;
        let deserted = !stream
            .destinations
            .iter()
            .any(|destination| participants.contains_key(destination));
        if deserted {
            if self.remove_stream(id).is_some_and(|stream| stream.opened) {
                self.outbox.push_back(Transmit::Close { stream: id });
            }
            return Turn::Empty;
        }
        let channel = stream.channel;
        match channel {
            Some(channel) if self.may_continue(now, id) => {
                Turn::Sent(self.write_lane(now, id, channel))
            }
            Some(_) => Turn::Blocked(Wait::Retry),
            None => Turn::Empty,
        }
    }

    /// Whether a frame that was begun may go on: nobody waits for those who cannot take it.
    pub(super) fn may_continue(&mut self, now: Instant, id: StreamId) -> bool {
        let participants = &mut self.participants;
        self.streams.get(&id).is_some_and(|stream| {
            stream.destinations.iter().any(|destination| {
                participants
                    .get_mut(destination)
                    .is_some_and(|participant| participant.flow.has_credit(now))
            })
        })
    }

    /// Ends all streams to a participant. Streams of its own end in the middle of a frame.
    pub(super) fn retire_streams_of(&mut self, id: ParticipantId) {
        let channels: Vec<ChannelId> = self.channels.keys().copied().collect();
        for channel in channels {
            self.retire_lanes_of(channel, id);
        }
        let own: Vec<StreamId> = self
            .streams
            .values()
            .filter(|stream| stream.destinations == [id])
            .map(|stream| stream.id)
            .collect();
        for stream in own {
            self.outbox.retain(|transmit| match transmit {
                Transmit::Write { stream: to, .. } => *to != stream,
                _ => true,
            });
            if self.remove_stream(stream).is_some_and(|old| old.opened) {
                self.outbox.push_back(Transmit::Close { stream });
            }
        }
    }

    /// Ends the lanes of one channel that lead to a participant.
    pub(super) fn retire_lanes_of(&mut self, channel: ChannelId, id: ParticipantId) {
        let Some(state) = self.channels.get_mut(&channel) else {
            return;
        };
        let mut ended = Vec::new();
        state.lanes.retain(|destinations, lane| {
            let keep = !destinations.contains(&id);
            if !keep {
                ended.push(*lane);
            }
            keep
        });
        for lane in ended {
            self.retire_stream(lane);
        }
    }

    /// Writes the next slice of a lane, or of a primary stream that stands in for one.
    pub(super) fn write_lane(&mut self, now: Instant, lane: StreamId, channel: ChannelId) -> usize {
        let Some(stream) = self.streams.get_mut(&lane) else {
            return 0;
        };
        let participants = &mut self.participants;
        let destinations = stream.destinations.clone();
        let retired = stream.retired;
        let mut sent = Traffic::default();
        let bytes = stream.slice(|room| {
            if retired {
                return None;
            }
            let frame = pop_same(participants, channel, &destinations, room)?;
            sent.count(frame.len());
            Some(frame)
        });
        let unfinished = !stream.at_boundary();
        for id in &destinations {
            let Some(participant) = self.participants.get_mut(id) else {
                continue;
            };
            participant.flow.on_sent(bytes.len());
            participant.flow.charge(bytes.len());
            participant.counters.sent_bytes += bytes.len() as u64;
            participant.counters.sent.add(sent);
            if participant.primary == lane {
                participant.in_control = false;
                participant.borrowed_by = unfinished.then_some(channel);
            }
            participant.sent_on(now, channel, lane, retired);
        }
        if let Some(state) = self.channels.get_mut(&channel) {
            state.counters.sent.add(sent);
        }
        let borrower = destinations
            .iter()
            .find(|id| self.participants.get(id).is_some_and(|p| p.primary == lane));
        if let Some(&id) = borrower.filter(|_| unfinished) {
            self.turns.insert(Flow::Participant(id), Class::Periodic);
        }
        let size = bytes.len();
        self.write(lane, bytes);
        size
    }
}

/// Takes the next message from all destinations, if it is the same for all and fits.
fn pop_same(
    participants: &mut BTreeMap<ParticipantId, Participant>,
    channel: ChannelId,
    destinations: &[ParticipantId],
    room: usize,
) -> Option<Bytes> {
    let mut expected = None;
    for id in destinations {
        let subscription = participants.get(id)?.subscriptions.get(&channel)?;
        let front = subscription.queue.front()?;
        if front.frame.len() > room || *expected.get_or_insert(front.seq) != front.seq {
            return None;
        }
    }
    let mut frame = None;
    for id in destinations {
        let subscription = participants.get_mut(id)?.subscriptions.get_mut(&channel)?;
        frame = subscription.queue.pop().map(|entry| entry.frame);
    }
    frame
}
