//! Turns on a participant's primary stream: control messages, and data if it reads one stream.

use std::time::Instant;

use bytes::Bytes;
use remote_access_protocol::server::BinaryMessage;
use remote_access_protocol::ChannelId;

use super::control::Control;
use super::drr::{Turn, Wait};
use super::policy::policy;
use super::receiver::Receiver;
use super::routes::Routes;
use super::source::PrimarySource;
use super::stream::OutgoingStream;
use crate::channels::Channels;
use crate::class::Class;
use crate::config::SessionConfig;
use crate::ids::ParticipantId;

/// A turn on a primary stream.
pub(crate) struct PrimaryTurn<'a> {
    pub(crate) routes: &'a mut Routes,
    pub(crate) channels: &'a Channels,
    pub(crate) now: Instant,
    /// The robot's clock, in milliseconds.
    pub(crate) clock_ms: u64,
}

/// Content that may go into a slice of a primary stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Allowed {
    /// Control messages, and nothing after them.
    Control,
    /// Data of the class of state too.
    State,
    /// All.
    All,
}

/// Whether a participant may be sent control messages now.
pub(crate) fn is_ready_for_control(routes: &Routes, receiver: &Receiver) -> bool {
    let stream = routes.streams.get(receiver.primary);
    // A frame of data that was begun is finished in the turns of its source, lest a large one hold
    // up the others.
    let can_write = if stream.is_some_and(OutgoingStream::at_boundary) {
        !receiver.control.is_empty()
    } else {
        receiver.in_control
    };
    // A Pong always goes: only its acknowledgement brings new credit.
    let may_write = receiver.flow.has_control_credit() || receiver.control.has_pongs();
    can_write && receiver.resync_at.is_none() && may_write
}

impl PrimaryTurn<'_> {
    /// Sends a slice of control messages. Returns its size.
    pub(crate) fn of_control(mut self, id: ParticipantId) -> usize {
        self.write(id, Allowed::Control)
    }

    /// Sends a slice to a participant that reads one stream, or the rest of a frame that was begun
    /// there for want of a lane.
    pub(crate) fn of_data(mut self, id: ParticipantId) -> Turn {
        let routes = &mut *self.routes;
        let Some(receiver) = routes.receivers.get_mut(&id) else {
            return Turn::Empty;
        };
        receiver.update_standing(self.now);
        let at_boundary = !routes.streams.is_unfinished(receiver.primary);
        if at_boundary && receiver.sources.is_empty() {
            return Turn::Empty;
        }
        // A frame that holds up control messages is finished first of all: a Pong among them may
        // be what brings new credit. Not for one that is gone: a server may block all that this
        // robot sends for each packet that the participant does not take.
        let urgent = !at_boundary
            && !receiver.control.is_empty()
            && !receiver.flow.stopped_sending(self.now);
        let flow = &mut receiver.flow;
        let allowed = if flow.has_credit(self.now) || urgent {
            Allowed::All
        } else if at_boundary && flow.has_credit_for(self.now, Class::State) {
            Allowed::State
        } else {
            return Turn::Blocked(Wait::Retry);
        };
        if receiver.resync_at.is_some() {
            return Turn::Blocked(Wait::Retry);
        }
        match (self.write(id, allowed), allowed) {
            (0, Allowed::State) => Turn::Blocked(Wait::Retry),
            (0, Allowed::Control | Allowed::All) => Turn::Empty,
            (sent, _) => Turn::Sent(sent),
        }
    }

    /// Writes the next slice of a participant's primary stream. Returns its size.
    fn write(&mut self, id: ParticipantId, allowed: Allowed) -> usize {
        let routes = &mut *self.routes;
        let Some(receiver) = routes.receivers.get_mut(&id) else {
            return 0;
        };
        let Some(stream) = routes.streams.get_mut(receiver.primary) else {
            return 0;
        };
        let stream_id = stream.id;
        let mut slice = PrimarySlice {
            now: self.now,
            clock_ms: self.clock_ms,
            allowed,
            config: &routes.config,
            channels: self.channels,
            dropped: false,
            control_bytes: 0,
            sent: Vec::new(),
        };
        let bytes = stream.slice(|room| slice.next_frame(receiver, room));
        let PrimarySlice {
            dropped,
            control_bytes,
            sent,
            ..
        } = slice;
        receiver.charge_control(self.now, control_bytes);
        receiver.flow.on_sent(bytes.len());
        receiver.counters.sent_bytes += bytes.len() as u64;
        if let Some(channel) = receiver.borrowed_by {
            receiver.sent_on(self.now, channel, stream_id, false);
            receiver.borrowed_by = (!stream.at_boundary()).then_some(channel);
        }
        if !receiver.in_control {
            receiver.flow.charge(bytes.len());
        }
        for (channel, size) in sent {
            receiver.counters.sent.count(size);
            if let Some(channel) = routes.channels.get_mut(&channel) {
                channel.sent.count(size);
            }
        }
        if stream.at_boundary() {
            routes.answer_bytes -= receiver.answers.sent_on_primary();
        }
        routes.dropped |= dropped;
        let size = bytes.len();
        routes.streams.write(stream_id, bytes);
        self.rotate(id);
        size
    }

    /// Replaces a stream that has had as many bytes as it may.
    fn rotate(&mut self, id: ParticipantId) {
        let routes = &mut *self.routes;
        let limit = routes.config.stream_rotate_bytes;
        if let Some(receiver) = routes.receivers.get_mut(&id) {
            let old = receiver.primary;
            if routes.streams.is_used_up(old, limit) {
                receiver.primary = routes.streams.open(vec![id], None);
                routes.streams.retire(old);
            }
        }
    }
}

/// Chooses the frames for one slice of a primary stream.
struct PrimarySlice<'a> {
    now: Instant,
    clock_ms: u64,
    allowed: Allowed,
    config: &'a SessionConfig,
    channels: &'a Channels,
    dropped: bool,
    /// Bytes of the control messages that were taken.
    control_bytes: usize,
    /// The messages that were taken, with their sizes.
    sent: Vec<(ChannelId, usize)>,
}

impl PrimarySlice<'_> {
    fn next_frame(&mut self, receiver: &mut Receiver, room: usize) -> Option<Bytes> {
        let message = if receiver.flow.has_control_credit() {
            receiver.control.pop(room)
        } else {
            receiver.control.pop_pong(room)
        };
        if let Some(message) = message {
            receiver.in_control = true;
            let frame = match message {
                Control::Frame(frame) | Control::Shared(frame) => Some(frame),
                Control::Pong { timestamp, marks } => {
                    let flow = &mut receiver.flow;
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
            self.control_bytes += frame.as_ref().map_or(0, Bytes::len);
            return frame;
        }
        if self.allowed == Allowed::Control || !receiver.control.is_empty() {
            return None;
        }
        let message = self.next_message(receiver, room)?;
        receiver.in_control = false;
        Some(message)
    }

    fn next_message(&mut self, receiver: &mut Receiver, room: usize) -> Option<Bytes> {
        let slow = receiver.is_slow();
        let state_only = self.allowed == Allowed::State;
        let mut found = None;
        let Receiver {
            sources,
            subscriptions,
            answers,
            ..
        } = receiver;
        let turn = |source: &PrimarySource| {
            let channel = match source {
                PrimarySource::Channel(channel) => channel,
                PrimarySource::Answers => {
                    found = match answers.next_size() {
                        None => return Turn::Empty,
                        Some(size) if size > room || state_only => {
                            return Turn::Blocked(Wait::Retry)
                        }
                        Some(_) => answers.pop(),
                    };
                    return found
                        .as_ref()
                        .map_or(Turn::Empty, |frame| Turn::Sent(frame.len()));
                }
            };
            let (Some(state), Some(subscription)) =
                (self.channels.get(*channel), subscriptions.get_mut(channel))
            else {
                return Turn::Empty;
            };
            let policy = policy(state, self.config, slow);
            self.dropped |= subscription.queue.expire(self.now, policy);
            let Some(front) = subscription.queue.front() else {
                return Turn::Empty;
            };
            let allowed = !state_only || state.class() == Class::State;
            if front.frame.len() > room || !allowed {
                return Turn::Blocked(Wait::Retry);
            }
            found = subscription.queue.pop().map(|message| message.frame);
            match &found {
                Some(frame) => {
                    self.sent.push((*channel, frame.len()));
                    Turn::Sent(frame.len())
                }
                None => Turn::Empty,
            }
        };
        if room == usize::MAX && !state_only {
            sources.run(turn);
        } else {
            sources.run_rest(turn);
        }
        found
    }
}
