//! The demand of viewers: a state that the robot's side looks up, not a queue.

use std::collections::BTreeMap;
use std::sync::Arc;

use flume::{Receiver, Sender};
use parking_lot::Mutex;
use remote_access_protocol::ChannelId;
use remote_access_session::Lag;

/// The channels that have subscribers.
///
/// Each has a number that grows when a channel is wanted anew, so that a quick end and new start
/// is not missed: latched messages come again only to a new ROS subscription.
#[derive(Clone, Debug)]
pub struct Demand {
    wanted: Arc<Mutex<Wanted>>,
    changed: Sender<()>,
}

#[derive(Debug, Default)]
struct Wanted {
    channels: BTreeMap<ChannelId, u64>,
    starts: u64,
    hints: BTreeMap<ChannelId, VideoHint>,
}

/// Needs of the viewers of a video, for its encoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VideoHint {
    /// A key frame.
    pub key_frame: bool,
    /// Fewer bits, since a viewer falls behind.
    pub behind: Option<Lag>,
    /// Bytes per second that the slowest viewer can take, if that was measured.
    pub rate: Option<u64>,
}

impl VideoHint {
    /// Adds what another one asks for.
    pub fn add(&mut self, other: Self) {
        self.key_frame |= other.key_frame;
        self.behind = self.behind.max(other.behind);
        self.rate = self.rate.into_iter().chain(other.rate).min();
    }
}

impl Demand {
    pub(super) fn new() -> (Self, Receiver<()>) {
        let (changed, receiver) = flume::bounded(1);
        let demand = Self {
            wanted: Arc::default(),
            changed,
        };
        (demand, receiver)
    }

    /// The wanted channels, each with the number of its start.
    #[must_use]
    pub fn wanted(&self) -> BTreeMap<ChannelId, u64> {
        self.wanted.lock().channels.clone()
    }

    /// Tasks for encoders since the last call.
    #[must_use]
    pub fn take_hints(&self) -> BTreeMap<ChannelId, VideoHint> {
        std::mem::take(&mut self.wanted.lock().hints)
    }

    pub(super) fn hint(&self, channel: ChannelId, hint: VideoHint) {
        self.wanted
            .lock()
            .hints
            .entry(channel)
            .or_default()
            .add(hint);
        self.tell();
    }

    pub(super) fn start(&self, channel: ChannelId) {
        let mut wanted = self.wanted.lock();
        wanted.starts += 1;
        let start = wanted.starts;
        wanted.channels.insert(channel, start);
        drop(wanted);
        self.tell();
    }

    pub(super) fn end(&self, channel: ChannelId) {
        let mut wanted = self.wanted.lock();
        wanted.channels.remove(&channel);
        wanted.hints.remove(&channel);
        drop(wanted);
        self.tell();
    }

    fn tell(&self) {
        // A word that waits already says the same.
        let _ = self.changed.try_send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_wait_together_until_they_are_taken() {
        let (demand, changed) = Demand::new();
        let key_frame = VideoHint {
            key_frame: true,
            ..VideoHint::default()
        };
        let behind = |lag, rate| VideoHint {
            behind: Some(lag),
            rate: Some(rate),
            ..VideoHint::default()
        };
        demand.hint(ChannelId(1), key_frame);
        demand.hint(ChannelId(1), behind(Lag::FramesWait, 9));
        demand.hint(ChannelId(1), behind(Lag::PathQueue, 7));
        let all = VideoHint {
            key_frame: true,
            ..behind(Lag::FramesWait, 7)
        };
        assert!(changed.try_recv().is_ok());
        assert_eq!(demand.take_hints(), BTreeMap::from([(ChannelId(1), all)]));
        assert!(demand.take_hints().is_empty());
        demand.hint(ChannelId(1), key_frame);
        demand.end(ChannelId(1));
        assert!(demand.take_hints().is_empty());
    }

    #[test]
    fn a_quick_end_and_start_is_seen_as_a_new_start() {
        let (demand, changed) = Demand::new();
        demand.start(ChannelId(1));
        let before = demand.wanted()[&ChannelId(1)];
        demand.end(ChannelId(1));
        demand.start(ChannelId(1));
        assert!(demand.wanted()[&ChannelId(1)] > before);
        assert!(changed.try_recv().is_ok());
        assert!(changed.try_recv().is_err());
    }
}
