//! Channel of the robot: its subscribers, and the messages kept for later ones.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::server::Channel;

use super::rate_limit::{RateLimit, RateLimiter};
use crate::class::Class;
use crate::counters::Traffic;
use crate::ids::{ParticipantId, PublisherId};
use crate::message::{Message, VideoFrame};

/// Publishers whose latched messages are kept per channel. A publisher that restarts counts anew.
const MAX_LATCHED_PUBLISHERS: usize = 64;
/// Time between two notes that messages of a channel are too large.
const TOO_LARGE_INTERVAL: Duration = Duration::from_secs(1);

/// A channel as the robot's side describes it.
#[derive(Clone, Debug)]
pub struct ChannelInfo {
    /// Description for viewers.
    pub channel: Channel,
    /// Delivery by the publishers.
    pub delivery: Delivery,
    /// Limit of what may be sent. Latched messages are exempt: each is a state that
    /// would stay wrong.
    pub rate_limit: RateLimit,
}

impl ChannelInfo {
    /// A channel with the default delivery and no rate limit.
    #[must_use]
    pub fn new(channel: Channel) -> Self {
        Self {
            channel,
            delivery: Delivery::default(),
            rate_limit: RateLimit::default(),
        }
    }
}

/// Delivery of a channel's messages by its publishers. The default is that of ROS 2: the last ten
/// messages, reliably, and none for later subscribers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// History depth of the publishers together.
    pub depth: usize,
    /// Whether the publishers deliver reliably.
    pub reliable: bool,
    /// Whether the publishers keep messages for later subscribers (transient local).
    pub latched: bool,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            depth: 10,
            reliable: true,
            latched: false,
        }
    }
}

/// A channel's state in the session.
#[derive(Debug)]
pub(crate) struct ChannelState {
    pub(crate) info: ChannelInfo,
    pub(crate) subscribers: BTreeSet<ParticipantId>,
    pub(crate) demand: Demand,
    /// When subscribers were told last that a message was too large.
    too_large_at: Option<Instant>,
    pub(crate) limiter: RateLimiter,
    /// Messages of the robot while somebody subscribed.
    pub(crate) received: Traffic,
    next_seq: u64,
    /// Number of the last frame, if the channel is a video.
    last_frame: Option<u64>,
    typical_size: usize,
    latched: BTreeMap<PublisherId, History>,
    latched_bytes: usize,
}

/// Demand for a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Nobody wants it.
    None,
    /// Somebody subscribes.
    Wanted,
    /// Nobody subscribes any more. The robot's side goes on until then, since its reader is not
    /// made in a moment, and a viewer that changes its mind often must not cost that.
    Lingers(Instant),
}

impl Demand {
    /// Time at which the robot's subscription is to end.
    pub(crate) fn ends_at(self) -> Option<Instant> {
        match self {
            Self::None | Self::Wanted => None,
            Self::Lingers(at) => Some(at),
        }
    }
}

/// The latched messages of one publisher.
#[derive(Debug, Default)]
struct History {
    messages: VecDeque<Message>,
    /// The newest message that did not fit the budget, while a complete history would hold it.
    missing: Option<u64>,
    /// The newest message, kept or not.
    newest: u64,
}

impl ChannelState {
    pub(crate) fn new(now: Instant, info: ChannelInfo) -> Self {
        Self {
            limiter: RateLimiter::new(now, info.rate_limit),
            received: Traffic::default(),
            info,
            subscribers: BTreeSet::new(),
            demand: Demand::None,
            too_large_at: None,
            next_seq: 0,
            last_frame: None,
            typical_size: 0,
            latched: BTreeMap::new(),
            latched_bytes: 0,
        }
    }

    /// Numbers a message that arrived. Frames that follow on one another have numbers that do.
    pub(crate) fn number(
        &mut self,
        now: Instant,
        frame: Bytes,
        video_frame: Option<VideoFrame>,
    ) -> Message {
        if let Some(video_frame) = video_frame {
            let follows = self.last_frame == video_frame.number.checked_sub(1);
            self.next_seq += u64::from(!follows);
            self.last_frame = Some(video_frame.number);
        }
        let seq = self.next_seq;
        self.next_seq += 1;
        self.typical_size = if seq == 0 {
            frame.len()
        } else {
            (self.typical_size * 7 + frame.len()) / 8
        };
        Message {
            seq,
            frame,
            queued_at: now,
            needs_previous: video_frame.is_some_and(|video_frame| !video_frame.is_key_frame),
            counted: None,
        }
    }

    /// Whether it is time to tell subscribers that a message was too large.
    pub(crate) fn may_tell_too_large(&mut self, now: Instant) -> bool {
        let recent = |at| now.saturating_duration_since(at) < TOO_LARGE_INTERVAL;
        let due = !self.too_large_at.is_some_and(recent);
        if due {
            self.too_large_at = Some(now);
        }
        due
    }

    /// Whether messages are frames of a video.
    pub(crate) fn is_video(&self) -> bool {
        self.last_frame.is_some()
    }

    pub(crate) fn class(&self) -> Class {
        let class = Class::of(self.info.delivery.latched, self.typical_size);
        // However small, it is no state that people wait for.
        if self.is_video() {
            class.max(Class::Periodic)
        } else {
            class
        }
    }

    /// Keeps a latched message for later subscribers; the channel may keep `room` bytes in all.
    ///
    /// Returns `false` if it did not fit.
    pub(crate) fn keep_latched(
        &mut self,
        publisher: PublisherId,
        message: Message,
        room: usize,
    ) -> bool {
        let size = message.frame.len();
        let depth = self.info.delivery.depth.max(1);
        let history = self.latched.entry(publisher).or_default();
        history.newest = message.seq;
        while history.messages.len() >= depth {
            if let Some(old) = history.messages.pop_front() {
                self.latched_bytes -= old.frame.len();
            }
        }
        let fits = self.latched_bytes + size <= room;
        if fits {
            history.messages.push_back(message);
            self.latched_bytes += size;
            let oldest = history.messages.front().map(|message| message.seq);
            if history.messages.len() == depth && history.missing < oldest {
                history.missing = None;
            }
        } else {
            history.missing = Some(message.seq);
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
            let bytes: usize = history
                .messages
                .iter()
                .map(|message| message.frame.len())
                .sum();
            self.latched_bytes -= bytes;
        }
    }

    /// Bytes of latched messages that are kept.
    pub(crate) fn latched_bytes(&self) -> usize {
        self.latched_bytes
    }

    /// Whether a later subscriber misses a latched message that was too large to be kept.
    pub(crate) fn latched_missing(&self) -> bool {
        let mut histories = self.latched.values();
        histories.any(|history| history.missing.is_some())
    }

    /// The latched messages in the order of their arrival.
    pub(crate) fn replay(&self) -> Vec<Message> {
        let mut messages: Vec<Message> = self
            .latched
            .values()
            .flat_map(|history| &history.messages)
            .cloned()
            .collect();
        messages.sort_by_key(|message| message.seq);
        messages
    }

    /// Forgets the latched messages: the robot's side begins again at the next subscription.
    pub(crate) fn forget_latched(&mut self) {
        self.latched.clear();
        self.latched_bytes = 0;
    }
}

#[cfg(test)]
pub(crate) mod tests {
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
            delivery: Delivery {
                depth,
                reliable: true,
                latched: true,
            },
            rate_limit: RateLimit::default(),
        };
        ChannelState::new(Instant::now(), info)
    }

    fn keep(channel: &mut ChannelState, publisher: u128, size: usize, room: usize) -> bool {
        let message = channel.number(Instant::now(), Bytes::from(vec![0; size]), None);
        channel.keep_latched(PublisherId(publisher), message, room)
    }

    #[test]
    fn the_history_of_each_publisher_is_kept_in_order() {
        let mut channel = latched(2);
        for publisher in [1, 2, 1, 1, 2] {
            assert!(keep(&mut channel, publisher, 10, 1000));
        }
        let seqs: Vec<u64> = channel.replay().iter().map(|message| message.seq).collect();
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
