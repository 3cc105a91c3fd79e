//! The demand of viewers: a state that the robot's side looks up, not a queue.

use std::collections::BTreeMap;
use std::sync::Arc;

use flume::{Receiver, Sender};
use parking_lot::Mutex;
use remote_access_protocol::ChannelId;

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

    pub(super) fn start(&self, channel: ChannelId) {
        let mut wanted = self.wanted.lock();
        wanted.starts += 1;
        let start = wanted.starts;
        wanted.channels.insert(channel, start);
        drop(wanted);
        self.tell();
    }

    pub(super) fn end(&self, channel: ChannelId) {
        self.wanted.lock().channels.remove(&channel);
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
