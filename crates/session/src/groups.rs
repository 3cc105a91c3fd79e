//! Who gets a channel's next message together, and on which lane.
//!
//! Participants that keep up and have got the same messages form one group and share a lane; one
//! that lags behind, or has latched messages to catch up with, is a group of its own until it has
//! caught up. A participant's messages move to another lane only when all bytes of the old lane
//! have arrived, so they are never overtaken.

use std::collections::BTreeMap;
use std::time::Instant;

use remote_access_protocol::ChannelId;

use super::channel::ChannelState;
use super::dispatch::Flow;
use super::drr::{Class, Turn, Wait};
use super::{ParticipantId, Session, StreamId};

/// Lanes of participants that are served on their own, per channel. Those beyond get the channel
/// on their primary stream.
const MAX_LANES: usize = 4;

impl Session {
    /// Sends a slice of a channel to one of the groups that share it.
    pub(super) fn channel_turn(&mut self, now: Instant, channel: ChannelId) -> Turn {
        let mut blocked = match self.continue_frame(now, channel) {
            Turn::Empty => false,
            Turn::Blocked(_) => true,
            sent => return sent,
        };
        let groups = self.groups(now, channel);
        for group in groups {
            match self.group_turn(now, channel, group) {
                Turn::Sent(bytes) => return Turn::Sent(bytes),
                Turn::Blocked(_) => blocked = true,
                Turn::Empty => {}
            }
        }
        if blocked {
            Turn::Blocked(Wait::Retry)
        } else {
            Turn::Empty
        }
    }

    /// Sends a slice of a channel to a participant that is served on its own.
    ///
    /// It takes turns of its own, else the turns of those that share the channel would decide
    /// which of its channels may use its little credit.
    pub(super) fn own_turn(&mut self, now: Instant, id: ParticipantId, channel: ChannelId) -> Turn {
        let (Some(state), Some(participant)) =
            (self.channels.get(&channel), self.participants.get_mut(&id))
        else {
            return Turn::Empty;
        };
        participant.update_pace(now);
        if !participant.is_slow() {
            self.turns.insert(Flow::Channel(channel), state.class());
            return Turn::Empty;
        }
        let lane = state
            .lanes
            .get([id].as_slice())
            .copied()
            .filter(|lane| self.streams.get(lane).is_some_and(|s| !s.at_boundary()));
        if let Some(lane) = lane {
            return if self.may_continue(now, lane) {
                Turn::Sent(self.write_lane(now, lane, channel))
            } else {
                Turn::Blocked(Wait::Credit(id, Class::Bulk))
            };
        }
        let policy = state.policy(&self.config, true);
        let Some(subscription) = participant.subscriptions.get_mut(&channel) else {
            return Turn::Empty;
        };
        let dropped = subscription.queue.expire(now, policy);
        let empty = subscription.queue.front().is_none() || participant.restart_at.is_some();
        if dropped {
            self.report_soon(now);
        }
        if empty {
            return Turn::Empty;
        }
        self.group_turn(now, channel, vec![id])
    }

    /// Goes on with a frame that was begun on one of the channel's lanes.
    fn continue_frame(&mut self, now: Instant, channel: ChannelId) -> Turn {
        let Some(state) = self.channels.get(&channel) else {
            return Turn::Empty;
        };
        let unfinished: Vec<StreamId> = state
            .lanes
            .values()
            .copied()
            .filter(|lane| self.streams.get(lane).is_some_and(|s| !s.at_boundary()))
            .collect();
        let mut turn = Turn::Empty;
        for lane in unfinished {
            if let Some(id) = self.slow_owner(lane) {
                self.turns.insert(Flow::Own(id, channel), Class::Bulk);
                continue;
            }
            if self.may_continue(now, lane) {
                return Turn::Sent(self.write_lane(now, lane, channel));
            }
            turn = Turn::Blocked(Wait::Retry);
        }
        turn
    }

    /// The only participant of a lane, if it is served on its own.
    fn slow_owner(&self, lane: StreamId) -> Option<ParticipantId> {
        let [id] = self.streams.get(&lane)?.destinations[..] else {
            return None;
        };
        self.participants.get(&id)?.is_slow().then_some(id)
    }

    /// The groups of those that share the channel and have something to send: the participants of
    /// a group get the same message next. A different group comes first each time.
    fn groups(&mut self, now: Instant, channel: ChannelId) -> Vec<Vec<ParticipantId>> {
        let Some(state) = self.channels.get_mut(&channel) else {
            return Vec::new();
        };
        state.turns = state.turns.wrapping_add(1);
        let policy = state.policy(&self.config, false);
        let mut sharing: BTreeMap<u64, Vec<ParticipantId>> = BTreeMap::new();
        let mut dropped = false;
        for &id in &state.subscribers {
            let Some(participant) = self.participants.get_mut(&id) else {
                continue;
            };
            if !participant.many_streams || participant.restart_at.is_some() {
                continue;
            }
            participant.update_pace(now);
            if participant.is_slow() {
                if participant.front(channel).is_some() {
                    self.turns.insert(Flow::Own(id, channel), state.class());
                }
                continue;
            }
            if let Some(subscription) = participant.subscriptions.get_mut(&channel) {
                dropped |= subscription.queue.expire(now, policy);
            }
            if let Some(seq) = participant.front(channel) {
                sharing.entry(seq).or_default().push(id);
            }
        }
        let mut groups: Vec<Vec<ParticipantId>> = sharing.into_values().collect();
        if !groups.is_empty() {
            let first = state.turns % groups.len();
            groups.rotate_left(first);
        }
        if dropped {
            self.report_soon(now);
        }
        groups
    }

    /// Sends a group's next message on the group's lane, if all may take it now.
    fn group_turn(&mut self, now: Instant, channel: ChannelId, group: Vec<ParticipantId>) -> Turn {
        let Some(class) = self.channels.get(&channel).map(ChannelState::class) else {
            return Turn::Empty;
        };
        let (mut waiting, mut fastest) = (Vec::new(), 0.0f64);
        for id in &group {
            if let Some(participant) = self.participants.get_mut(id) {
                fastest = fastest.max(participant.flow.pace());
                if !participant.flow.has_credit_for(now, class) {
                    waiting.push(*id);
                }
            }
        }
        if let Some(&first) = waiting.first() {
            for id in waiting.iter().filter(|_| waiting.len() < group.len()) {
                if let Some(participant) = self.participants.get_mut(id) {
                    participant.waits_in_group(now, fastest);
                }
            }
            return Turn::Blocked(Wait::Credit(first, class));
        }
        let choice = self.choose_lane(channel, &group);
        for id in &group {
            let Some(participant) = self.participants.get_mut(id) else {
                return Turn::Blocked(Wait::Retry);
            };
            if !participant.may_move(now, channel, choice, &self.streams) {
                participant.flow.hurry();
                return Turn::Blocked(participant.waits_to_move(*id, channel));
            }
        }
        let Some(lane) = choice.or_else(|| self.open_lane(channel, group)) else {
            return Turn::Empty;
        };
        match self.streams.get(&lane) {
            Some(stream) if stream.at_boundary() => Turn::Sent(self.write_lane(now, lane, channel)),
            _ => Turn::Blocked(Wait::Retry),
        }
    }

    /// The stream for a group's next message, or `None` if a lane is to be opened for it.
    fn choose_lane(&mut self, channel: ChannelId, group: &[ParticipantId]) -> Option<StreamId> {
        if let Some(&lane) = self.channels.get(&channel)?.lanes.get(group) {
            let full = self.streams.get(&lane).is_none_or(|stream| {
                stream.at_boundary() && stream.written() >= self.config.stream_rotate_bytes
            });
            if !full {
                return Some(lane);
            }
            self.end_lane(channel, lane);
        }
        self.end_unused_lanes(channel, group);
        let lanes = self.channels.get(&channel)?.lanes.len();
        let [id] = group else {
            return None;
        };
        let participant = self.participants.get(id)?;
        let primary = participant.primary;
        let on_primary = participant.subscriptions.get(&channel)?.lane == Some(primary);
        // One that never acknowledges could not be moved without a risk to the order.
        let stays = on_primary && !participant.flow.acknowledges();
        (lanes >= MAX_LANES || stays).then_some(primary)
    }

    fn end_lane(&mut self, channel: ChannelId, lane: StreamId) {
        if let Some(state) = self.channels.get_mut(&channel) {
            state.lanes.retain(|_, id| *id != lane);
        }
        self.retire_stream(lane);
    }

    /// Ends the lanes that nobody outside of `group` used last.
    fn end_unused_lanes(&mut self, channel: ChannelId, group: &[ParticipantId]) {
        let Some(state) = self.channels.get(&channel) else {
            return;
        };
        let used_by = |id: &ParticipantId, lane: StreamId| {
            let participant = self.participants.get(id)?;
            let subscription = participant.subscriptions.get(&channel)?;
            (subscription.lane == Some(lane)).then_some(())
        };
        let unused: Vec<StreamId> = state
            .lanes
            .iter()
            .filter(|(destinations, &lane)| {
                !destinations
                    .iter()
                    .any(|id| !group.contains(id) && used_by(id, lane).is_some())
            })
            .map(|(_, &lane)| lane)
            .collect();
        for lane in unused {
            self.end_lane(channel, lane);
        }
    }

    fn open_lane(&mut self, channel: ChannelId, group: Vec<ParticipantId>) -> Option<StreamId> {
        let lane = self.open_stream(group.clone());
        self.streams.get_mut(&lane)?.channel = Some(channel);
        let state = self.channels.get_mut(&channel)?;
        state.lanes.insert(group, lane);
        Some(lane)
    }
}
