//! Subscriptions: the robot has one to a channel while any client has one.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::server::Channel;
use remote_access_protocol::{ChannelId, LATCHED_METADATA};

use super::{ClientId, State};
use crate::local::{Subscription, SubscriptionId};
use crate::outbox::Data;

/// Subscriptions that one client may have.
const MAX_SUBSCRIPTIONS: usize = 10_000;
/// Bytes of latched messages that are kept of one channel, 32 MiB.
const MAX_CHANNEL_BYTES: usize = 32 * 1024 * 1024;
/// Messages that are kept of one channel: the robot keeps those of 64 publishers.
const MAX_CHANNEL_MESSAGES: usize = 64;
/// Bytes of latched messages that are kept of all channels, 256 MiB.
const MAX_BYTES: usize = 256 * 1024 * 1024;

/// The latest messages of latched channels, for clients that subscribe later than others. The
/// robot sends them to its new subscribers, but it has this program as one for all clients.
#[derive(Debug, Default)]
pub(super) struct Latched {
    channels: BTreeMap<ChannelId, History>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct History {
    messages: VecDeque<(u64, Bytes)>,
    bytes: usize,
}

impl Latched {
    fn keep(&mut self, channel: ChannelId, log_time: u64, message: &Bytes) {
        let size = message.len();
        let others = self.bytes - self.channels.get(&channel).map_or(0, |kept| kept.bytes);
        let history = self.channels.entry(channel).or_default();
        let before = history.bytes;
        // A copy: the original shares its memory with its neighbours on the stream.
        let message = Bytes::copy_from_slice(message);
        history.messages.push_back((log_time, message));
        history.bytes += size;
        while history.messages.len() > MAX_CHANNEL_MESSAGES
            || history.bytes > MAX_CHANNEL_BYTES
            || history.bytes + others > MAX_BYTES
        {
            match history.messages.pop_front() {
                Some((_, old)) => history.bytes -= old.len(),
                None => break,
            }
        }
        self.bytes = self.bytes - before + history.bytes;
    }

    fn of(&self, channel: ChannelId) -> impl Iterator<Item = &(u64, Bytes)> {
        let history = self.channels.get(&channel);
        history.into_iter().flat_map(|history| &history.messages)
    }

    pub(super) fn forget(&mut self, channel: ChannelId) {
        if let Some(history) = self.channels.remove(&channel) {
            self.bytes -= history.bytes;
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl State {
    /// Subscribes a client to channels. The robot is asked for those that nobody watched.
    pub(super) fn subscribe(&mut self, id: ClientId, subscriptions: &[Subscription]) {
        let mut first = Vec::new();
        for subscription in subscriptions {
            let channel = subscription.channel_id;
            let Some(client) = self.clients.get_mut(&id) else {
                return;
            };
            let Some(offered) = self.offer.channels.get_mut(&channel) else {
                self.refuse(id, "subscribe", format!("there is no channel {channel}"));
                continue;
            };
            if client.subscriptions.contains_key(&subscription.id) {
                let text = format!("subscription {} exists already", subscription.id.0);
                self.refuse(id, "subscribe", text);
                continue;
            }
            if client.subscriptions.len() >= MAX_SUBSCRIPTIONS {
                let text = format!("no more than {MAX_SUBSCRIPTIONS} subscriptions are possible");
                self.refuse(id, "subscribe", text);
                break;
            }
            client.subscriptions.insert(subscription.id, channel);
            if !offered.is_watched() {
                first.push(channel);
            }
            offered.watchers.push((id, subscription.id));
            for (log_time, message) in self.latched.of(channel) {
                client.outbox.push_data(Data {
                    subscription: subscription.id,
                    log_time: *log_time,
                    message: message.clone(),
                });
            }
        }
        if !first.is_empty() {
            self.requests.push(ClientMessage::Subscribe(first));
        }
    }

    /// Ends subscriptions of a client. The robot is asked to stop what nobody watches any more.
    pub(super) fn unsubscribe(&mut self, id: ClientId, subscriptions: &[SubscriptionId]) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let mut last = Vec::new();
        for subscription in subscriptions {
            let Some(channel) = client.subscriptions.remove(subscription) else {
                continue;
            };
            client.outbox.forget(*subscription);
            let Some(offered) = self.offer.channels.get_mut(&channel) else {
                continue;
            };
            offered
                .watchers
                .retain(|watcher| *watcher != (id, *subscription));
            if !offered.is_watched() {
                last.push(channel);
                self.latched.forget(channel);
            }
        }
        if !last.is_empty() {
            self.requests.push(ClientMessage::Unsubscribe(last));
        }
    }

    /// Subscribes to new channels that are to be watched without a client.
    pub(super) fn keep_watched(&mut self, channels: &[Channel]) {
        let mut first = Vec::new();
        for channel in channels {
            let matches = self
                .watch
                .iter()
                .any(|topic| topic.is_match(&channel.topic));
            let offered = self.offer.channels.get_mut(&channel.id);
            if let Some(offered) = offered.filter(|_| matches) {
                offered.kept = true;
                first.push(channel.id);
            }
        }
        if !first.is_empty() {
            self.requests.push(ClientMessage::Subscribe(first));
        }
    }

    /// Hands a message to all that watch its channel.
    pub(super) fn deliver(&mut self, channel: ChannelId, log_time: u64, message: Bytes) {
        let Some(offered) = self.offer.channels.get(&channel) else {
            return;
        };
        if !offered.is_watched() {
            return;
        }
        if let Some(recorder) = &self.recorder {
            recorder.record(&offered.channel, log_time, &message);
        }
        if is_latched(&offered.channel) {
            self.latched.keep(channel, log_time, &message);
        }
        for &(id, subscription) in &offered.watchers {
            if let Some(client) = self.clients.get(&id) {
                client.outbox.push_data(Data {
                    subscription,
                    log_time,
                    message: message.clone(),
                });
            }
        }
    }
}

fn is_latched(channel: &Arc<Channel>) -> bool {
    channel.metadata.get(LATCHED_METADATA).map(String::as_str) == Some("true")
}
