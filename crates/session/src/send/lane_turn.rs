//! Turns of a channel whose participants read many streams.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;
use remote_access_protocol::ChannelId;

use super::drr::{Turn, Wait};
use super::lanes::{may_move, wait_to_move};
use super::policy::policy;
use super::receiver::Receiver;
use super::routes::Routes;
use super::source::{Source, Woken};
use crate::channels::channel::ChannelState;
use crate::class::Class;
use crate::counters::Traffic;
use crate::ids::{ParticipantId, StreamId};

/// A turn of a channel.
pub(crate) struct LaneTurn<'a> {
    pub(crate) routes: &'a mut Routes,
    pub(crate) now: Instant,
    pub(crate) id: ChannelId,
}

impl LaneTurn<'_> {
    /// Sends a slice of a channel to one of the groups that share it.
    pub(crate) fn of_those_who_share(mut self, channel: &ChannelState) -> Turn {
        let mut blocked = match self.continue_frame() {
            Turn::Empty => false,
            Turn::Blocked(_) => true,
            sent @ Turn::Sent(_) => return sent,
        };
        for group in self.groups(channel) {
            match self.group(channel, group) {
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
    pub(crate) fn of_one(mut self, channel: &ChannelState, id: ParticipantId) -> Turn {
        let (Some(channel_routes), Some(receiver)) = (
            self.routes.channels.get(&self.id),
            self.routes.receivers.get_mut(&id),
        ) else {
            return Turn::Empty;
        };
        receiver.update_standing(self.now);
        if !receiver.is_slow() {
            self.routes.woken.push(Woken {
                source: Source::Channel(self.id),
                class: channel.class(),
                receiver: id,
            });
            return Turn::Empty;
        }
        let streams = &self.routes.streams;
        let lane = channel_routes.lanes.to(&[id]);
        if let Some(lane) = lane.filter(|&lane| streams.is_unfinished(lane)) {
            return if self.may_continue(lane) {
                Turn::Sent(self.write(lane))
            } else {
                Turn::Blocked(Wait::Credit(id, Class::Bulk))
            };
        }
        let policy = policy(channel, &self.routes.config, true);
        let Some(subscription) = receiver.subscriptions.get_mut(&self.id) else {
            return Turn::Empty;
        };
        self.routes.dropped |= subscription.queue.expire(self.now, policy);
        if subscription.queue.front().is_none() || receiver.resync_at.is_some() {
            return Turn::Empty;
        }
        self.group(channel, vec![id])
    }

    /// Sends a slice of the frame that a retired lane still has to finish.
    pub(crate) fn of_retired(mut self, lane: StreamId) -> Turn {
        if self.may_continue(lane) {
            Turn::Sent(self.write(lane))
        } else {
            Turn::Blocked(Wait::Retry)
        }
    }

    /// Goes on with a frame that was begun on one of the channel's lanes.
    fn continue_frame(&mut self) -> Turn {
        let Some(channel) = self.routes.channels.get(&self.id) else {
            return Turn::Empty;
        };
        let streams = &self.routes.streams;
        let lanes = channel.lanes.streams();
        let unfinished: Vec<StreamId> = lanes.filter(|&lane| streams.is_unfinished(lane)).collect();
        let mut turn = Turn::Empty;
        for lane in unfinished {
            if let Some(id) = self.slow_owner(lane) {
                self.routes.woken.push(Woken {
                    source: Source::Own(id, self.id),
                    class: Class::Bulk,
                    receiver: id,
                });
                continue;
            }
            if self.may_continue(lane) {
                return Turn::Sent(self.write(lane));
            }
            turn = Turn::Blocked(Wait::Retry);
        }
        turn
    }

    /// The only participant of a lane, if it is served on its own.
    fn slow_owner(&self, lane: StreamId) -> Option<ParticipantId> {
        let [id] = self.routes.streams.get(lane)?.destinations[..] else {
            return None;
        };
        self.routes.receivers.get(&id)?.is_slow().then_some(id)
    }

    /// Whether a frame that was begun may go on: nobody waits for those who cannot take it.
    fn may_continue(&mut self, lane: StreamId) -> bool {
        let receivers = &mut self.routes.receivers;
        self.routes.streams.get(lane).is_some_and(|stream| {
            stream.destinations.iter().any(|destination| {
                receivers
                    .get_mut(destination)
                    .is_some_and(|receiver| receiver.flow.has_credit(self.now))
            })
        })
    }

    /// The groups that share the channel. Those who are served on their own get turns of their own.
    fn groups(&mut self, channel: &ChannelState) -> Vec<Vec<ParticipantId>> {
        let routes = &mut *self.routes;
        let Some(channel_routes) = routes.channels.get_mut(&self.id) else {
            return Vec::new();
        };
        let groups = channel_routes.lanes.groups(
            self.now,
            self.id,
            channel.subscribers.iter(),
            &mut routes.receivers,
            (
                policy(channel, &routes.config, false),
                routes.config.lane_sharing,
            ),
        );
        let own = |receiver| Woken {
            source: Source::Own(receiver, self.id),
            class: channel.class(),
            receiver,
        };
        routes.woken.extend(groups.apart.into_iter().map(own));
        routes.dropped |= groups.dropped;
        groups.sharing
    }

    /// Sends a group's next message on the group's lane, if all may take it now.
    fn group(&mut self, channel: &ChannelState, group: Vec<ParticipantId>) -> Turn {
        let class = channel.class();
        if let Some(first) = self.wait_for_credit(class, &group) {
            return Turn::Blocked(Wait::Credit(first, class));
        }
        let choice = self.choose_lane(&group);
        for id in &group {
            let routes = &mut *self.routes;
            let Some(receiver) = routes.receivers.get_mut(id) else {
                return Turn::Blocked(Wait::Retry);
            };
            if !may_move(receiver, self.now, self.id, choice, &routes.streams) {
                receiver.flow.hurry();
                return Turn::Blocked(wait_to_move(receiver, *id, self.id));
            }
        }
        let Some(lane) = choice.or_else(|| self.open_lane(group)) else {
            return Turn::Empty;
        };
        match self.routes.streams.get(lane) {
            Some(stream) if stream.at_boundary() => Turn::Sent(self.write(lane)),
            Some(_) | None => Turn::Blocked(Wait::Retry),
        }
    }

    /// The first of a group that has no credit. The others wait for those that have none.
    fn wait_for_credit(&mut self, class: Class, group: &[ParticipantId]) -> Option<ParticipantId> {
        let receivers = &mut self.routes.receivers;
        let (mut waiting, mut fastest) = (Vec::new(), 0.0f64);
        for id in group {
            if let Some(receiver) = receivers.get_mut(id) {
                fastest = fastest.max(receiver.flow.pacing_rate());
                if !receiver.flow.has_credit_for(self.now, class) {
                    waiting.push(*id);
                }
            }
        }
        if waiting.len() < group.len() {
            for id in &waiting {
                if let Some(receiver) = receivers.get_mut(id) {
                    receiver.waits_in_group(self.now, fastest);
                }
            }
        }
        waiting.first().copied()
    }

    fn choose_lane(&mut self, group: &[ParticipantId]) -> Option<StreamId> {
        let routes = &mut *self.routes;
        let lanes = &mut routes.channels.get_mut(&self.id)?.lanes;
        let (streams, limit) = (&routes.streams, routes.config.stream_rotate_bytes);
        let gone_or_used_up = |lane| streams.get(lane).is_none() || streams.is_used_up(lane, limit);
        let mut ended = Vec::new();
        let receivers = &routes.receivers;
        let choice = lanes.choose(self.id, group, receivers, gone_or_used_up, &mut ended);
        for lane in ended {
            routes.retire(lane);
        }
        choice
    }

    fn open_lane(&mut self, group: Vec<ParticipantId>) -> Option<StreamId> {
        let channel = self.routes.channels.get_mut(&self.id)?;
        let lane = self.routes.streams.open(group.clone(), Some(self.id));
        channel.lanes.add(group, lane);
        Some(lane)
    }

    /// Writes the next slice of a lane, or of a primary stream that stands in for one. Returns its
    /// size.
    fn write(&mut self, lane: StreamId) -> usize {
        let (now, id) = (self.now, self.id);
        let routes = &mut *self.routes;
        let receivers = &mut routes.receivers;
        let Some(stream) = routes.streams.get_mut(lane) else {
            return 0;
        };
        let destinations = stream.destinations.clone();
        let retired = stream.retired;
        let mut sent = Traffic::default();
        let bytes = stream.slice(|room| {
            if retired {
                return None;
            }
            let frame = pop_same(receivers, id, &destinations, room)?;
            sent.count(frame.len());
            Some(frame)
        });
        let unfinished = !stream.at_boundary();
        for destination in &destinations {
            let Some(receiver) = receivers.get_mut(destination) else {
                continue;
            };
            receiver.flow.on_sent(bytes.len());
            receiver.flow.charge(bytes.len());
            receiver.counters.sent_bytes += bytes.len() as u64;
            receiver.counters.sent.add(sent);
            if receiver.primary == lane {
                receiver.in_control = false;
                receiver.borrowed_by = unfinished.then_some(id);
                if unfinished {
                    routes.woken.push(Woken {
                        source: Source::Participant(*destination),
                        class: Class::Periodic,
                        receiver: *destination,
                    });
                }
            }
            receiver.sent_on(now, id, lane, retired);
        }
        if let Some(channel) = routes.channels.get_mut(&id) {
            channel.sent.add(sent);
        }
        let size = bytes.len();
        routes.streams.write(lane, bytes);
        routes.shared_by = destinations;
        size
    }
}

/// Takes the next message from all destinations, if it is the same for all and fits.
fn pop_same(
    receivers: &mut BTreeMap<ParticipantId, Receiver>,
    channel: ChannelId,
    destinations: &[ParticipantId],
    room: usize,
) -> Option<Bytes> {
    let mut expected = None;
    for id in destinations {
        let subscription = receivers.get(id)?.subscriptions.get(&channel)?;
        let front = subscription.queue.front()?;
        if front.frame.len() > room || *expected.get_or_insert(front.seq) != front.seq {
            return None;
        }
    }
    let mut frame = None;
    for id in destinations {
        let subscription = receivers.get_mut(id)?.subscriptions.get_mut(&channel)?;
        frame = subscription.queue.pop().map(|message| message.frame);
    }
    frame
}
