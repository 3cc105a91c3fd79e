//! What is sent next: control before data, then the flows by deficit round robin.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;
use remote_access_protocol::server::BinaryMessage;
use remote_access_protocol::ChannelId;

use super::answers::ANSWERS;
use super::channel::ChannelState;
use super::control::Control;
use super::drr::{Class, Turn, Wait};
use super::pacing::Uplink;
use super::participant::Participant;
use super::stream::OutgoingStream;
use super::{ParticipantId, Session, SessionConfig, StreamId, Transmit, RETRY_INTERVAL};

/// What takes turns on the uplink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Flow {
    /// A channel, for the participants that read many streams and share lanes.
    Channel(ChannelId),
    /// A channel, for one that reads many streams and is served on its own.
    Own(ParticipantId, ChannelId),
    /// All channels of a participant that reads one stream.
    Participant(ParticipantId),
    /// Large answers to a participant that reads many streams.
    Answers(ParticipantId),
    /// A stream that ends after the frame that it has begun.
    Finish(StreamId),
}

/// How often a turn may hand its work over before the next call. Once is enough for all cases.
const FOLLOW_UPS: usize = 3;

impl Session {
    /// The next thing that the transport is to do, or `None` if there is nothing that may be sent
    /// now. It must be carried out before the next call.
    pub fn next_transmit(&mut self, now: Instant) -> Option<Transmit> {
        if self.outbox.is_empty() {
            self.choose(now);
        }
        let transmit = self.outbox.pop_front();
        match &transmit {
            Some(Transmit::Write { data, .. }) => {
                self.pacing.on_sent(now, data.len());
                self.totals.sent.count(data.len());
            }
            Some(Transmit::Open { .. }) => self.totals.streams_opened += 1,
            Some(Transmit::Close { .. }) | None => {}
        }
        transmit
    }

    /// Fills the outbox with what is sent next.
    fn choose(&mut self, now: Instant) {
        match self.pacing.uplink(now) {
            Uplink::Free => {
                if !self.send_control(now) {
                    self.send_data(now);
                }
            }
            Uplink::Urgent(ready_at) => {
                if !self.send_control(now) {
                    self.wake_at(ready_at);
                }
            }
            Uplink::Busy(ready_at) => self.wake_at(ready_at),
        }
    }

    fn wake_at(&mut self, at: Instant) {
        self.retry_at = Some(self.retry_at.map_or(at, |retry| retry.min(at)));
    }

    /// A flow of this channel and participant has something to send.
    pub(super) fn activate(&mut self, channel: ChannelId, id: ParticipantId) {
        let (Some(state), Some(participant)) =
            (self.channels.get(&channel), self.participants.get_mut(&id))
        else {
            return;
        };
        let class = state.class();
        if participant.many_streams {
            let flow = if participant.is_slow() {
                Flow::Own(id, channel)
            } else {
                Flow::Channel(channel)
            };
            self.turns.insert(flow, class);
        } else {
            participant.turns.insert(channel, class);
            self.turns.insert(Flow::Participant(id), Class::Periodic);
        }
    }

    /// Lets one participant send control messages, the participants in turn.
    fn send_control(&mut self, now: Instant) -> bool {
        let streams = &self.streams;
        let ready = |(_, participant): &(&ParticipantId, &Participant)| {
            let at_boundary = streams
                .get(&participant.primary)
                .is_some_and(OutgoingStream::at_boundary);
            // A frame of data that was begun is finished in the turns of its flow, lest a large
            // one hold up the others.
            let can_write = if at_boundary {
                !participant.control.is_empty()
            } else {
                participant.in_control
            };
            // A Pong always goes: only its acknowledgement brings new credit.
            let may_write =
                participant.flow.has_control_credit() || participant.control.has_pongs();
            can_write && participant.restart_at.is_none() && may_write
        };
        let next = self
            .participants
            .range(self.next_control..)
            .find(ready)
            .or_else(|| self.participants.iter().find(ready))
            .map(|(&id, _)| id);
        let Some(id) = next else {
            return false;
        };
        self.next_control = ParticipantId(id.0.saturating_add(1));
        self.write_primary(now, id, Allowed::Control) > 0
    }

    fn send_data(&mut self, now: Instant) {
        let mut turns = std::mem::take(&mut self.turns);
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            turns.unpark(|wait| self.is_over(now, wait));
        }
        for _ in 0..FOLLOW_UPS {
            let sent = turns.run(|flow| match *flow {
                Flow::Channel(channel) => self.channel_turn(now, channel),
                Flow::Own(id, channel) => self.own_turn(now, id, channel),
                Flow::Participant(id) => self.participant_turn(now, id),
                Flow::Answers(id) => self.answers_turn(now, id),
                Flow::Finish(stream) => self.finish_turn(now, stream),
            });
            // A turn may have made other flows active, or handed its work over to them.
            let active = std::mem::take(&mut self.turns);
            let done = sent || active.is_empty();
            turns.append(active);
            if done {
                break;
            }
        }
        self.turns = turns;
        if self.turns.has_parked() {
            self.retry_at.get_or_insert(now + RETRY_INTERVAL);
        }
    }

    /// Whether flows that wait for this are to try again.
    fn is_over(&mut self, now: Instant, wait: Wait) -> bool {
        let (Wait::Credit(id, _) | Wait::Arrival(id, _)) = wait else {
            return true;
        };
        let Some(participant) = self.participants.get_mut(&id) else {
            return true;
        };
        participant.update_pace(now);
        // One that keeps up shares lanes with the others again.
        !participant.is_slow()
            || match wait {
                Wait::Retry => true,
                Wait::Credit(_, class) => participant.flow.has_credit_for(now, class),
                Wait::Arrival(_, acked) => participant.flow.acked() > acked,
            }
    }

    fn participant_turn(&mut self, now: Instant, id: ParticipantId) -> Turn {
        let Some(participant) = self.participants.get_mut(&id) else {
            return Turn::Empty;
        };
        participant.update_pace(now);
        let at_boundary = self
            .streams
            .get(&participant.primary)
            .is_none_or(OutgoingStream::at_boundary);
        if at_boundary && participant.turns.is_empty() {
            return Turn::Empty;
        }
        // A frame that holds up control messages is finished first of all: a Pong among them may
        // be what brings new credit. Not for one that is gone: a server may block all that this
        // robot sends for each packet that the participant does not take.
        let urgent =
            !at_boundary && !participant.control.is_empty() && !participant.flow.is_quiet(now);
        let flow = &mut participant.flow;
        let allowed = if flow.has_credit(now) || urgent {
            Allowed::All
        } else if at_boundary && flow.has_credit_for(now, Class::State) {
            Allowed::State
        } else {
            return Turn::Blocked(Wait::Retry);
        };
        if participant.restart_at.is_some() {
            return Turn::Blocked(Wait::Retry);
        }
        match (self.write_primary(now, id, allowed), allowed) {
            (0, Allowed::State) => Turn::Blocked(Wait::Retry),
            (0, _) => Turn::Empty,
            (sent, _) => Turn::Sent(sent),
        }
    }

    /// Writes the next slice of a participant's primary stream. Returns its size.
    fn write_primary(&mut self, now: Instant, id: ParticipantId, allowed: Allowed) -> usize {
        let clock_ms = self.clock_ms(now);
        let Some(participant) = self.participants.get_mut(&id) else {
            return 0;
        };
        let Some(stream) = self.streams.get_mut(&participant.primary) else {
            return 0;
        };
        let stream_id = stream.id;
        let mut slice = PrimarySlice {
            now,
            clock_ms,
            allowed,
            config: &self.config,
            channels: &self.channels,
            dropped: false,
            sent: Vec::new(),
        };
        let bytes = stream.slice(|room| slice.next_frame(participant, room));
        let PrimarySlice { dropped, sent, .. } = slice;
        participant.flow.on_sent(bytes.len());
        participant.counters.sent_bytes += bytes.len() as u64;
        if let Some(channel) = participant.borrowed_by {
            participant.sent_on(now, channel, stream_id, false);
            participant.borrowed_by = (!stream.at_boundary()).then_some(channel);
        }
        if !participant.in_control {
            participant.flow.charge(bytes.len());
        }
        for (channel, size) in sent {
            participant.counters.sent.count(size);
            if let Some(state) = self.channels.get_mut(&channel) {
                state.counters.sent.count(size);
            }
        }
        if stream.at_boundary() {
            self.answer_bytes -= participant.answers.sent_on_primary();
        }
        if dropped {
            self.report_soon(now);
        }
        let size = bytes.len();
        self.write(stream_id, bytes);
        self.rotate_primary(id);
        size
    }

    fn rotate_primary(&mut self, id: ParticipantId) {
        let Some(participant) = self.participants.get(&id) else {
            return;
        };
        let old = participant.primary;
        let full = self.streams.get(&old).is_some_and(|stream| {
            stream.at_boundary() && stream.written() >= self.config.stream_rotate_bytes
        });
        if full {
            let new = self.open_stream(vec![id]);
            self.retire_stream(old);
            if let Some(participant) = self.participants.get_mut(&id) {
                participant.primary = new;
            }
        }
    }

    /// Queues a write, after the opening of its stream if that is due.
    pub(super) fn write(&mut self, id: StreamId, data: Bytes) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        if data.is_empty() {
            return;
        }
        if !stream.opened {
            stream.opened = true;
            self.outbox.push_back(Transmit::Open {
                stream: id,
                destinations: stream.destinations.clone(),
            });
        }
        self.outbox.push_back(Transmit::Write { stream: id, data });
        self.close_if_retired(id);
    }
}

/// What may go into a slice of a primary stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Allowed {
    /// Control messages, and nothing after them.
    Control,
    /// Data of the class of state too.
    State,
    /// All.
    All,
}

/// Chooses the frames for one slice of a primary stream.
struct PrimarySlice<'a> {
    now: Instant,
    clock_ms: u64,
    allowed: Allowed,
    config: &'a SessionConfig,
    channels: &'a BTreeMap<ChannelId, ChannelState>,
    dropped: bool,
    /// The messages that were taken, with their sizes.
    sent: Vec<(ChannelId, usize)>,
}

impl PrimarySlice<'_> {
    fn next_frame(&mut self, participant: &mut Participant, room: usize) -> Option<Bytes> {
        let message = if participant.flow.has_control_credit() {
            participant.control.pop(room)
        } else {
            participant.control.pop_pong(room)
        };
        if let Some(message) = message {
            participant.in_control = true;
            return match message {
                Control::Frame(frame) => Some(frame),
                Control::Pong { timestamp, marks } => {
                    let flow = &mut participant.flow;
                    let device_timestamp = match marks {
                        true => flow.mark(self.now, self.clock_ms),
                        false => flow.stamp(self.clock_ms),
                    };
                    let pong = BinaryMessage::Pong {
                        timestamp,
                        device_timestamp,
                    };
                    pong.frame()
                }
                Control::Time(time) => BinaryMessage::Time(time).frame(),
            };
        }
        if self.allowed == Allowed::Control || !participant.control.is_empty() {
            return None;
        }
        let message = self.next_message(participant, room)?;
        participant.in_control = false;
        Some(message)
    }

    fn next_message(&mut self, participant: &mut Participant, room: usize) -> Option<Bytes> {
        let slow = participant.is_slow();
        let state_only = self.allowed == Allowed::State;
        let mut found = None;
        let Participant {
            turns,
            subscriptions,
            answers,
            ..
        } = participant;
        let turn = |channel: &ChannelId| {
            if *channel == ANSWERS {
                found = match answers.next_size() {
                    None => return Turn::Empty,
                    Some(size) if size > room || state_only => return Turn::Blocked(Wait::Retry),
                    Some(_) => answers.pop(),
                };
                return found
                    .as_ref()
                    .map_or(Turn::Empty, |frame| Turn::Sent(frame.len()));
            }
            let (Some(state), Some(subscription)) =
                (self.channels.get(channel), subscriptions.get_mut(channel))
            else {
                return Turn::Empty;
            };
            let policy = state.policy(self.config, slow);
            self.dropped |= subscription.queue.expire(self.now, policy);
            let Some(front) = subscription.queue.front() else {
                return Turn::Empty;
            };
            let allowed = !state_only || state.class() == Class::State;
            if front.frame.len() > room || !allowed {
                return Turn::Blocked(Wait::Retry);
            }
            found = subscription.queue.pop().map(|entry| entry.frame);
            match &found {
                Some(frame) => {
                    self.sent.push((*channel, frame.len()));
                    Turn::Sent(frame.len())
                }
                None => Turn::Empty,
            }
        };
        if room == usize::MAX && !state_only {
            turns.run(turn);
        } else {
            turns.run_rest(turn);
        }
        found
    }
}
