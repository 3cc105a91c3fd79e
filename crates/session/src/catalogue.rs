//! The robot's channels: which there are and how their publishers deliver.

use std::collections::btree_map::Entry;
use std::time::Instant;

use remote_access_protocol::server::ServerMessage;
use remote_access_protocol::ChannelId;

use super::channel::{ChannelInfo, ChannelState};
use super::Session;

impl Session {
    /// New channels. A channel whose id is known is ignored: ids are never used twice.
    pub fn add_channels(&mut self, now: Instant, channels: Vec<ChannelInfo>) {
        let mut added = Vec::with_capacity(channels.len());
        for info in channels {
            let id = info.channel.id;
            if let Entry::Vacant(vacant) = self.channels.entry(id) {
                vacant.insert(ChannelState::new(now, info));
                added.push(id);
            }
        }
        let frames = self.advertise_frames(&added);
        self.broadcast_control(now, &frames);
    }

    /// The publishers of a channel deliver otherwise than before. An unknown id is ignored.
    pub fn update_channel(&mut self, id: ChannelId, depth: usize, reliable: bool, latched: bool) {
        if let Some(state) = self.channels.get_mut(&id) {
            state.info.depth = depth;
            state.info.reliable = reliable;
            state.info.latched = latched;
            if !latched {
                self.latched -= state.latched_bytes();
                state.forget_latched();
            }
        }
    }

    /// Channels that exist no more, with their subscriptions. Unknown ids are ignored.
    pub fn remove_channels(&mut self, now: Instant, ids: &[ChannelId]) {
        let mut removed = Vec::with_capacity(ids.len());
        for &id in ids {
            let Some(channel) = self.channels.remove(&id) else {
                continue;
            };
            for subscriber in &channel.subscribers {
                if let Some(participant) = self.participants.get_mut(subscriber) {
                    participant.forget(id);
                }
            }
            self.latched -= channel.latched_bytes();
            self.events.retain(|event| event.channel() != id);
            for stream in channel.lanes.into_values() {
                self.retire_stream(stream);
            }
            removed.push(id);
        }
        if removed.is_empty() {
            return;
        }
        let channel_ids = removed;
        let frame = ServerMessage::Unadvertise { channel_ids }.frame();
        self.broadcast_control(now, frame.as_slice());
    }
}
