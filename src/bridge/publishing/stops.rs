//! Stops: each comes a way of its own, which waits for nothing, and has its place among the requests.
//!
//! Whichever comes first is published. Until both have come, the channel's messages are void: they
//! came before the stop.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use flume::Receiver;
use parking_lot::Mutex;
use remote_access_session::{ClientChannelKey, Encoding};

use super::outlet::Outlet;
use super::PublisherKey;
use crate::ros::Ros;

/// A channel of a viewer.
#[derive(Clone)]
pub(super) struct Channel {
    pub publisher: PublisherKey,
    pub encoding: Encoding,
    pub outlet: Arc<Outlet>,
}

/// The channels of viewers, for the thread of requests and that of stops.
#[derive(Clone, Default)]
pub(super) struct Channels(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    channels: HashMap<ClientChannelKey, Channel>,
    /// Those of which a stop has come one way only.
    balances: HashMap<ClientChannelKey, Balance>,
    last_message: Option<Instant>,
}

/// The stops of a channel that have come one way only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Balance {
    /// Those that came at once, less those whose place among the requests was reached.
    ahead: i64,
    /// Those of them that came before the channel did, so that none was published.
    owed: i64,
}

impl Balance {
    /// A stop came at once. Returns whether it is to be published.
    fn at_once(&mut self, channel_is_known: bool) -> bool {
        self.ahead += 1;
        self.owed += i64::from(!channel_is_known && self.ahead > 0);
        channel_is_known && self.ahead > 0
    }

    /// The place of a stop among the requests was reached. Returns whether it is to be published.
    fn in_order(&mut self) -> bool {
        self.ahead -= 1;
        let owed = self.owed > 0;
        self.owed -= i64::from(owed);
        owed || self.ahead < 0
    }
}

impl Channels {
    pub(super) fn insert(&self, key: ClientChannelKey, channel: Channel) {
        self.0.lock().channels.insert(key, channel);
    }

    pub(super) fn remove(&self, key: ClientChannelKey) -> Option<Channel> {
        self.0.lock().channels.remove(&key)
    }

    /// The channel, on which something is published now.
    pub(super) fn use_now(&self, key: ClientChannelKey) -> Option<Channel> {
        let mut known = self.0.lock();
        known.last_message = Some(Instant::now());
        known.channels.get(&key).cloned()
    }

    /// When something was published last.
    pub(super) fn last_message(&self) -> Option<Instant> {
        self.0.lock().last_message
    }

    /// Whether a message that is there now came before a stop that was published.
    pub(super) fn is_void(&self, key: ClientChannelKey) -> bool {
        let known = self.0.lock();
        known.balances.get(&key).is_some_and(|each| each.ahead > 0)
    }

    /// The place of a stop among the requests was reached.
    pub(super) fn stop_in_order(&self, ros: &Ros, key: ClientChannelKey) {
        self.stop(ros, key, |balance, _| balance.in_order());
    }

    /// Publishes stops as they come, until no more can come.
    pub(super) fn start(
        &self,
        ros: Arc<Ros>,
        stops: Receiver<ClientChannelKey>,
    ) -> std::io::Result<JoinHandle<()>> {
        let channels = self.clone();
        let run = move || {
            for key in stops {
                channels.stop(&ros, key, Balance::at_once);
            }
        };
        std::thread::Builder::new()
            .name("bridge-stops".into())
            .spawn(run)
    }

    fn stop(
        &self,
        ros: &Ros,
        key: ClientChannelKey,
        came: impl FnOnce(&mut Balance, bool) -> bool,
    ) {
        match self.use_now(key) {
            // Counted while nothing else can be published: what follows a stop on the topic does so
            // there too.
            Some(channel) => channel.outlet.stop(ros.now_ns(), || {
                self.count(key, |balance| came(balance, true))
            }),
            None => {
                self.count(key, |balance| came(balance, false));
            }
        }
    }

    fn count(&self, key: ClientChannelKey, came: impl FnOnce(&mut Balance) -> bool) -> bool {
        let mut known = self.0.lock();
        let balance = known.balances.entry(key).or_default();
        let due = came(balance);
        if *balance == Balance::default() {
            known.balances.remove(&key);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_stop_that_comes_two_ways_the_first_is_published() {
        let mut balance = Balance::default();
        assert!(balance.at_once(true) && balance.ahead > 0);
        assert!(!balance.in_order());
        assert!(balance.in_order() && balance.ahead <= 0);
        assert!(!balance.at_once(true));
        assert!(balance.at_once(true) && balance.at_once(true));
        assert!(!balance.in_order() && balance.ahead > 0 && !balance.in_order());
        assert_eq!(balance, Balance::default());
    }

    #[test]
    fn a_stop_before_its_channel_is_published_in_its_place_and_voids_what_came_before() {
        let mut balance = Balance::default();
        assert!(!balance.at_once(false));
        // The channel is made, and a second stop comes before the place of the first one.
        assert!(balance.ahead > 0);
        assert!(balance.at_once(true));
        assert!(balance.in_order() && balance.ahead > 0);
        assert!(!balance.in_order());
        assert_eq!(balance, Balance::default());
    }
}
