//! One channel: what it is, who subscribes to it, and what is kept for later subscribers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::server::Channel;

use super::config::SessionConfig;
use super::counters::{Drops, Traffic};
use super::drr::Class;
use super::queue::{Entry, QueuePolicy};
use super::rate_limit::{RateLimit, RateLimiter};
use super::{ParticipantId, PublisherId, StreamId};

/// Publishers whose latched messages are kept per channel. A publisher that restarts counts anew.
const MAX_LATCHED_PUBLISHERS: usize = 64;

/// A channel as the robot's side describes it.
#[derive(Clone, Debug)]
pub struct ChannelInfo {
    /// What viewers are told.
    pub channel: Channel,
    /// History depth of the publishers together.
    pub depth: usize,
    /// Whether the publishers deliver reliably.
    pub reliable: bool,
    /// Whether the publishers keep messages for later subscribers (transient local).
    pub latched: bool,
    /// How often and how much may be sent. Latched messages are exempt: each is a state that
    /// would stay wrong.
    pub rate_limit: RateLimit,
}

/// A channel's state in the session.
#[derive(Debug)]
pub(super) struct ChannelState {
    pub info: ChannelInfo,
    pub subscribers: BTreeSet<ParticipantId>,
    /// The open lanes by their exact, sorted set of destinations.
    pub lanes: BTreeMap<Vec<ParticipantId>, StreamId>,
    /// Turns that the channel had: decides which of its groups comes first.
    pub turns: usize,
    /// When subscribers were told last that a message was too large.
    pub too_large_at: Option<Instant>,
    pub limiter: RateLimiter,
    pub counters: ChannelCounters,
    next_seq: u64,
    typical_size: usize,
    latched: BTreeMap<PublisherId, History>,
    latched_bytes: usize,
}

/// What became of a channel's messages.
#[derive(Debug, Default)]
pub(super) struct ChannelCounters {
    /// From the robot.
    pub received: Traffic,
    /// On the uplink: a message for several participants at once counts once.
    pub sent: Traffic,
    /// Drops of subscriptions that are over.
    pub past_drops: Drops,
}

/// The latched messages of one publisher.
#[derive(Debug, Default)]
struct History {
    entries: VecDeque<Entry>,
    /// The newest message that did not fit the budget, while a complete history would hold it.
    missing: Option<u64>,
    /// The newest message, kept or not.
    newest: u64,
}

/// Large messages that wait and came over more time than this are behind a slow link, if only for the
/// moment: what counts then is the latest.
const BULK_PATIENCE: Duration = Duration::from_millis(250);

impl ChannelState {
    pub fn new(now: Instant, info: ChannelInfo) -> Self {
        Self {
            limiter: RateLimiter::new(now, info.rate_limit),
            counters: ChannelCounters::default(),
            info,
            subscribers: BTreeSet::new(),
            lanes: BTreeMap::new(),
            turns: 0,
            too_large_at: None,
            next_seq: 0,
            typical_size: 0,
            latched: BTreeMap::new(),
            latched_bytes: 0,
        }
    }

    /// Numbers a message that arrived.
    pub fn entry(&mut self, now: Instant, frame: Bytes) -> Entry {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.typical_size = if seq == 0 {
            frame.len()
        } else {
            (self.typical_size * 7 + frame.len()) / 8
        };
        Entry {
            seq,
            frame,
            queued_at: now,
            counted: None,
        }
    }

    pub fn class(&self) -> Class {
        Class::of(self.info.latched, self.typical_size)
    }

    /// How messages may wait for a participant; one behind a slow link gets the latest only.
    pub fn policy(&self, config: &SessionConfig, slow: bool) -> QueuePolicy {
        let backlog = config.message_backlog_size;
        let class = self.class();
        let every_message_counts =
            self.info.latched || (self.info.reliable && class == Class::State);
        if every_message_counts {
            return QueuePolicy {
                depth: backlog,
                max_age: None,
                newest_after: None,
            };
        }
        let depth = match (class, slow) {
            (Class::Bulk, true) => 1,
            (Class::Bulk, false) | (_, true) => self.info.depth.min(backlog),
            (_, false) => backlog,
        };
        QueuePolicy {
            depth,
            max_age: Some(config.max_age),
            newest_after: (class == Class::Bulk).then_some(BULK_PATIENCE),
        }
    }

    /// Keeps a latched message for later subscribers; the channel may keep `room` bytes in all.
    ///
    /// Returns `false` if it did not fit.
    pub fn keep_latched(&mut self, publisher: PublisherId, entry: Entry, room: usize) -> bool {
        let size = entry.frame.len();
        let depth = self.info.depth.max(1);
        let history = self.latched.entry(publisher).or_default();
        history.newest = entry.seq;
        while history.entries.len() >= depth {
            if let Some(old) = history.entries.pop_front() {
                self.latched_bytes -= old.frame.len();
            }
        }
        let fits = self.latched_bytes + size <= room;
        if fits {
            history.entries.push_back(entry);
            self.latched_bytes += size;
            let oldest = history.entries.front().map(|entry| entry.seq);
            if history.entries.len() == depth && history.missing < oldest {
                history.missing = None;
            }
        } else {
            history.missing = Some(entry.seq);
        }
        self.forget_oldest_publisher();
        fits
    }

    fn forget_oldest_publisher(&mut self) {
        if self.latched.len() <= MAX_LATCHED_PUBLISHERS {
            return;
        }
        let oldest = self
            .latched
            .iter()
            .min_by_key(|(_, history)| history.newest)
            .map(|(&publisher, _)| publisher);
        if let Some(history) = oldest.and_then(|publisher| self.latched.remove(&publisher)) {
            let bytes: usize = history.entries.iter().map(|entry| entry.frame.len()).sum();
            self.latched_bytes -= bytes;
        }
    }

    /// Bytes of latched messages that are kept.
    pub fn latched_bytes(&self) -> usize {
        self.latched_bytes
    }

    /// Whether a later subscriber misses a latched message that was too large to be kept.
    pub fn latched_missing(&self) -> bool {
        let mut histories = self.latched.values();
        histories.any(|history| history.missing.is_some())
    }

    /// The latched messages in the order of their arrival.
    pub fn replay(&self) -> Vec<Entry> {
        let mut entries: Vec<Entry> = self
            .latched
            .values()
            .flat_map(|history| &history.entries)
            .cloned()
            .collect();
        entries.sort_by_key(|entry| entry.seq);
        entries
    }

    /// Forgets the latched messages: the robot's side starts anew at the next subscription.
    pub fn forget_latched(&mut self) {
        self.latched.clear();
        self.latched_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use remote_access_protocol::ChannelId;

    pub(crate) fn latched(depth: usize) -> ChannelState {
        let info = ChannelInfo {
            channel: Channel {
                id: ChannelId(1),
                topic: "/tf_static".into(),
                encoding: "cdr".into(),
                schema_name: "tf2_msgs/msg/TFMessage".into(),
                schema_encoding: Some("ros2msg".into()),
                schema: String::new(),
                metadata: BTreeMap::new(),
            },
            depth,
            reliable: true,
            latched: true,
            rate_limit: RateLimit::default(),
        };
        ChannelState::new(Instant::now(), info)
    }

    fn keep(channel: &mut ChannelState, publisher: u128, size: usize, room: usize) -> bool {
        let entry = channel.entry(Instant::now(), Bytes::from(vec![0; size]));
        channel.keep_latched(PublisherId(publisher), entry, room)
    }

    #[test]
    fn the_history_of_each_publisher_is_kept_in_order() {
        let mut channel = latched(2);
        for publisher in [1, 2, 1, 1, 2] {
            assert!(keep(&mut channel, publisher, 10, 1000));
        }
        let seqs: Vec<u64> = channel.replay().iter().map(|entry| entry.seq).collect();
        assert_eq!(seqs, [1, 2, 3, 4]);
        assert_eq!(channel.latched_bytes(), 40);
    }

    #[test]
    fn what_does_not_fit_is_not_kept_and_leaves_no_stale_message() {
        let mut channel = latched(1);
        assert!(keep(&mut channel, 1, 10, 1000));
        assert!(!keep(&mut channel, 1, 2000, 1000));
        assert!(channel.latched_missing());
        assert!(channel.replay().is_empty());
        assert_eq!(channel.latched_bytes(), 0);
    }

    #[test]
    fn a_message_may_take_the_room_of_the_one_it_replaces() {
        let mut channel = latched(1);
        assert!(keep(&mut channel, 1, 60, 100));
        assert!(keep(&mut channel, 1, 70, 100));
        assert_eq!(channel.latched_bytes(), 70);
    }

    #[test]
    fn nothing_is_missing_once_the_history_is_complete_again() {
        let mut channel = latched(2);
        assert!(!keep(&mut channel, 1, 2000, 1000));
        assert!(keep(&mut channel, 1, 10, 1000));
        assert!(channel.latched_missing());
        assert!(keep(&mut channel, 1, 10, 1000));
        assert!(!channel.latched_missing());
    }

    #[test]
    fn publishers_that_restart_for_ever_do_not_pile_up() {
        let mut channel = latched(1);
        for publisher in 0..1000 {
            keep(&mut channel, publisher, 10, 1_000_000);
        }
        for publisher in 1000..2000 {
            keep(&mut channel, publisher, 2_000_000, 1_000_000);
        }
        for publisher in 0..1000 {
            keep(&mut channel, publisher, 10, 1_000_000);
        }
        assert_eq!(channel.latched.len(), MAX_LATCHED_PUBLISHERS);
        assert_eq!(channel.replay().len(), MAX_LATCHED_PUBLISHERS);
        assert_eq!(channel.latched_bytes(), 10 * MAX_LATCHED_PUBLISHERS);
    }
}
