//! Channels of the robot and their messages, handed on.

use std::collections::BTreeSet;
use std::time::Instant;

use bytes::Bytes;
use remote_access_protocol::server::{ServerMessage, StatusLevel};
use remote_access_protocol::ChannelId;
use tracing::debug;

use super::Session;
use crate::audit::Act;
use crate::catalogues::Catalogues;
use crate::channels::channel::{ChannelInfo, Delivery};
use crate::channels::Received;
use crate::counters::DropReason;
use crate::ids::{ParticipantId, PublisherId};
use crate::message::VideoFrame;
use crate::permission::Action;
use crate::status::status;

impl Session {
    /// New channels. A channel whose id is known is ignored: ids are never used twice.
    pub fn add_channels(&mut self, now: Instant, channels: Vec<ChannelInfo>) {
        let added = self.channels.add(now, channels);
        for &id in &added {
            self.sender.add_channel(id);
        }
        let mut frames = Catalogues::default();
        let permissions = self.requests.exchange.permissions();
        let told: Vec<_> = permissions
            .map(|(id, permission)| {
                let seen = || self.channels.seen_by(permission, &added);
                let make = || self.channels.advertisements(&seen());
                (id, frames.of(permission, make))
            })
            .collect();
        for (id, frames) in told {
            for frame in frames {
                self.push_control(now, id, Some(frame));
            }
        }
    }

    /// The publishers of a channel deliver otherwise than before. An unknown id is ignored.
    pub fn update_channel(&mut self, id: ChannelId, delivery: Delivery) {
        self.channels.update(id, delivery);
    }

    /// Channels that exist no more, with their subscriptions. Unknown ids are ignored.
    pub fn remove_channels(&mut self, now: Instant, ids: &[ChannelId]) {
        let permissions = self.requests.exchange.permissions();
        let told: Vec<(ParticipantId, Vec<ChannelId>)> = permissions
            .map(|(id, permission)| (id, self.channels.seen_by(permission, ids)))
            .collect();
        for &id in ids {
            if self.channels.remove(id) {
                self.sender.remove_channel(id);
                self.reports.remove_channel(id);
            }
        }
        for (id, channel_ids) in told {
            if !channel_ids.is_empty() {
                let frame = ServerMessage::Unadvertise { channel_ids }.frame();
                self.push_control(now, id, frame);
            }
        }
    }

    /// Ends subscriptions to topics that a participant does not see any more.
    pub(super) fn end_unseen(&mut self, now: Instant, id: ParticipantId) {
        let subscribed = self.sender.receiver(id).into_iter();
        let subscribed = subscribed.flat_map(|receiver| receiver.subscriptions.keys().copied());
        let subscribed: Vec<ChannelId> = subscribed.collect();
        let permission = self.requests.exchange.permission(id);
        let seen = permission.map(|each| self.channels.seen_by(each, &subscribed));
        let seen: BTreeSet<ChannelId> = seen.into_iter().flatten().collect();
        let unseen = subscribed.into_iter().filter(|each| !seen.contains(each));
        let unseen: Vec<ChannelId> = unseen.collect();
        self.unsubscribe(now, id, &unseen);
    }

    /// A message on a channel: a complete MessageData frame. Nothing ever waits for a viewer here.
    pub fn message(
        &mut self,
        now: Instant,
        channel: ChannelId,
        publisher: PublisherId,
        frame: Bytes,
    ) {
        self.receive(now, channel, publisher, frame, None);
    }

    /// A frame of a video, otherwise as [`Session::message`]. What a viewer gets of it begins
    /// with a key frame and goes on without a gap.
    pub fn video_frame(
        &mut self,
        now: Instant,
        channel: ChannelId,
        publisher: PublisherId,
        frame: Bytes,
        video_frame: VideoFrame,
    ) {
        self.receive(now, channel, publisher, frame, Some(video_frame));
    }

    fn receive(
        &mut self,
        now: Instant,
        channel: ChannelId,
        publisher: PublisherId,
        frame: Bytes,
        video_frame: Option<VideoFrame>,
    ) {
        let received = self
            .channels
            .receive(now, channel, publisher, frame, video_frame);
        let Some(state) = self.channels.get(channel) else {
            return;
        };
        match received {
            Received::Unwanted => {}
            Received::OverRate => {
                self.sender.count_drop(state, DropReason::RateLimit);
                self.reports.schedule(now);
            }
            Received::Wanted(message) => {
                self.sender.enqueue(state, message);
                self.schedule_reports(now);
            }
        }
    }

    /// A message was too large to be sent, `size` bytes.
    pub fn message_too_large(&mut self, now: Instant, channel: ChannelId, size: usize) {
        if let Some(state) = self.channels.get(channel) {
            self.sender.count_drop(state, DropReason::TooLarge);
        }
        let Some(topic) = self.channels.too_large(now, channel) else {
            return;
        };
        let text = format!("{topic}: a message of {size} bytes is over the limit of 16 MiB");
        let frame = status(StatusLevel::Error, text, format!("size-{channel}"));
        for id in self.channels.subscribers(channel) {
            self.push_control(now, id, frame.clone());
        }
    }

    /// Messages of the robot were dropped on their way to the session, which was not run in time.
    pub fn messages_unread(&mut self, count: u64) {
        self.unread_messages += count;
    }

    pub(super) fn subscribe(&mut self, now: Instant, id: ParticipantId, channels: &[ChannelId]) {
        for &channel in channels {
            let (Some(state), Some(receiver)) =
                (self.channels.get(channel), self.sender.receiver(id))
            else {
                debug!(?id, %channel, "subscription to an unknown channel ignored");
                continue;
            };
            let topic = &state.info.channel.topic;
            let action = Action::See { topic };
            // For who may not see it, it does not exist.
            if !self.requests.exchange.permits(id, action) {
                self.requests.exchange.audit(now, id, Act::Refused(action));
                continue;
            }
            if receiver.subscriptions.contains_key(&channel) {
                debug!(?id, %channel, "participant is subscribed already");
                continue;
            }
            let own = receiver.subscriptions.len();
            let receivers = self.sender.routes().receivers.values();
            let all = receivers.map(|each| each.subscriptions.len()).sum();
            let too_many = self.config.too_many_subscriptions(own, all);
            let too_often = || {
                let text = "too many subscriptions in a short time: try again later".to_owned();
                (!self.inbound.may_subscribe(now, id)).then_some(text)
            };
            if let Some(text) = too_many.or_else(too_often) {
                debug!(?id, text, "subscription refused");
                self.refused_subscriptions += 1;
                let frame = status(StatusLevel::Error, text, "subscriptions".to_owned());
                self.push_control(now, id, frame);
                return;
            }
            debug!(?id, %channel, topic = state.info.channel.topic, "subscribed");
            if let Some(receiver) = self.sender.receiver_mut(id) {
                receiver.subscribe(now, channel);
            }
            if !self.channels.subscribe(channel, id) {
                self.replay(now, channel, id);
            }
        }
    }

    pub(super) fn unsubscribe(&mut self, now: Instant, id: ParticipantId, channels: &[ChannelId]) {
        for &channel in channels {
            if !self.sender.unsubscribe(channel, id) {
                debug!(?id, %channel, "participant is not subscribed");
                continue;
            }
            let withdrawal = self.reports.unsubscribe(id, channel);
            self.push_control(now, id, withdrawal);
            self.channels.unsubscribe(now, channel, id);
        }
    }

    /// Queues the latched messages of a channel for one subscriber, in place of what waits.
    pub(super) fn replay(&mut self, now: Instant, channel: ChannelId, id: ParticipantId) {
        let Some(state) = self.channels.get(channel) else {
            return;
        };
        self.sender.replay(state, id);
        if state.latched_missing() {
            let topic = &state.info.channel.topic;
            let text = format!("{topic}: latched messages are missing, the latched budget is full");
            let missing = status(StatusLevel::Warning, text, format!("latched-{channel}"));
            self.push_control(now, id, missing);
        }
        self.schedule_reports(now);
    }
}
