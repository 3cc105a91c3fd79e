//! Needs of those who watch videos, for the encoders.

use std::collections::BTreeMap;

use remote_access_protocol::ChannelId;

use super::receiver::Receiver;
use crate::channels::Channels;
use crate::ids::ParticipantId;
use crate::transmit::Lag;

/// Needs of a participant that watches a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VideoNeed {
    pub(crate) channel: ChannelId,
    /// It cannot go on without a key frame.
    pub(crate) key_frame: bool,
    /// Frames come faster than it can take them.
    pub(crate) behind: Option<Lag>,
    /// Bytes per second that it can take of each of its videos, if that was measured.
    pub(crate) rate: Option<u64>,
}

/// The needs of all participants since the last call.
pub(crate) fn needs(
    receivers: &mut BTreeMap<ParticipantId, Receiver>,
    channels: &Channels,
) -> Vec<VideoNeed> {
    let mut watched: BTreeMap<ParticipantId, u64> = BTreeMap::new();
    for id in channels.videos().flat_map(|(_, subscribers)| subscribers) {
        *watched.entry(*id).or_default() += 1;
    }
    let mut needs = Vec::new();
    for (channel, subscribers) in channels.videos() {
        for id in subscribers {
            let Some(receiver) = receivers.get_mut(id) else {
                continue;
            };
            let videos = watched.get(id).copied().unwrap_or(1);
            let rate = receiver.flow.measured_rate().map(|rate| rate / videos);
            let subscription = receiver.subscriptions.get_mut(&channel);
            let breaks = subscription.map(|each| each.queue.take_breaks());
            if let Some(breaks) = breaks.filter(|breaks| breaks.any()) {
                needs.push(VideoNeed {
                    channel,
                    key_frame: breaks.needs_key_frame,
                    behind: breaks.behind,
                    rate,
                });
            }
        }
    }
    needs
}
