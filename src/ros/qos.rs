//! The quality of service of a topic's subscription, from that of its publishers.

use super::filter::Patterns;
use rclrs::{QoSDurabilityPolicy, QoSDuration, QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy};
use std::time::Duration;

/// Depth of a publisher that does not tell it (Fast DDS never does): as much as the default of
/// `max_qos_depth` allows. Less would lose messages of a burst before they can be taken.
const UNKNOWN_DEPTH: u32 = 25;

/// Deadlines outside of these are how middlewares write that there is none.
const MIN_DEADLINE: Duration = Duration::from_nanos(1);
const MAX_DEADLINE: Duration = Duration::from_secs(24 * 3600);

/// QoS of a subscription to a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicQos {
    /// Reliable delivery; best effort otherwise.
    pub reliable: bool,
    /// Publishers keep their last messages for late subscribers ("latched").
    pub transient_local: bool,
    /// Messages the middleware keeps for us until they are taken.
    pub depth: u32,
}

impl TopicQos {
    pub(super) fn profile(self) -> QoSProfile {
        let profile = QoSProfile::topics_default().keep_last(self.depth);
        let profile = if self.reliable {
            profile.reliable()
        } else {
            profile.best_effort()
        };
        if self.transient_local {
            profile.transient_local()
        } else {
            profile.volatile()
        }
    }
}

/// The quality of service of a publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublisherQos {
    /// Reliable delivery, which subscriptions of either kind accept; best effort otherwise.
    pub reliable: bool,
    /// Keeps the last messages for late subscribers ("latched").
    pub transient_local: bool,
    /// Messages that are kept for subscribers that are slow or late.
    pub depth: u32,
    /// The longest time between two messages that it promises; None for no promise.
    pub deadline: Option<Duration>,
}

impl Default for PublisherQos {
    /// That of most ROS publishers: reliable, not latched, depth 10, no deadline.
    fn default() -> Self {
        Self {
            reliable: true,
            transient_local: false,
            depth: 10,
            deadline: None,
        }
    }
}

impl PublisherQos {
    /// The QoS with which every one of the subscriptions accepts the publisher, and which leaves
    /// the topic what it is for those that come later: latched if one of the subscriptions asks
    /// for it, or all other publishers are. It is reliable, which serves either kind.
    pub(super) fn matching(subscriptions: &[QoSProfile], publishers: &[QoSProfile]) -> Self {
        let is_latched =
            |profile: &QoSProfile| profile.durability == QoSDurabilityPolicy::TransientLocal;
        let deadline = |profile: &QoSProfile| match profile.deadline {
            QoSDuration::Custom(time) if (MIN_DEADLINE..MAX_DEADLINE).contains(&time) => Some(time),
            _ => None,
        };
        Self {
            transient_local: subscriptions.iter().any(is_latched)
                || (!publishers.is_empty() && publishers.iter().all(is_latched)),
            deadline: subscriptions.iter().filter_map(deadline).min(),
            ..Self::default()
        }
    }

    /// Whether every subscription that accepts a publisher of `other` accepts this one too.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        let in_time = match (self.deadline, other.deadline) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(own), Some(other)) => own <= other,
        };
        (self.reliable || !other.reliable)
            && (self.transient_local || !other.transient_local)
            && in_time
    }

    pub(super) fn profile(self) -> QoSProfile {
        let mut profile = TopicQos {
            reliable: self.reliable,
            transient_local: self.transient_local,
            depth: self.depth.max(1),
        }
        .profile();
        if let Some(deadline) = self.deadline {
            profile.deadline = QoSDuration::Custom(deadline);
        }
        profile
    }
}

/// Policy that derives the QoS of subscriptions from publishers.
#[derive(Debug, Clone)]
pub struct QosPolicy {
    /// Smallest depth of a subscription (parameter `min_qos_depth`).
    pub min_depth: u32,
    /// Largest depth of a subscription (parameter `max_qos_depth`). Bounds the memory that a
    /// topic can hold in the middleware.
    pub max_depth: u32,
    /// Topics always subscribed best effort (parameter `best_effort_qos_topic_whitelist`).
    pub best_effort: Patterns,
}

impl Default for QosPolicy {
    /// The defaults of foxglove_bridge: depth 1 to 25, no topic forced to best effort.
    fn default() -> Self {
        Self {
            min_depth: 1,
            max_depth: 25,
            best_effort: Patterns::default(),
        }
    }
}

impl QosPolicy {
    /// The QoS that matches all of a topic's publishers.
    ///
    /// Reliable and transient local only if every publisher is, since a subscription that asks
    /// for more than a publisher offers gets nothing from it. Without publishers the least is
    /// asked for, which matches whoever comes.
    pub(super) fn resolve(&self, topic: &str, publishers: &[QoSProfile]) -> TopicQos {
        let any = !publishers.is_empty();
        let transient_local = any
            && publishers
                .iter()
                .all(|p| p.durability == QoSDurabilityPolicy::TransientLocal);
        let reliable = any
            && publishers
                .iter()
                .all(|p| p.reliability == QoSReliabilityPolicy::Reliable)
            && !self.best_effort.matches(topic);
        let wanted = publishers.iter().fold(0u32, |sum, publisher| {
            let depth = match publisher.history {
                // A latched publisher may hold more than that for whoever comes.
                QoSHistoryPolicy::KeepLast { depth: 0 } if transient_local => self.max_depth,
                QoSHistoryPolicy::KeepLast { depth: 0 }
                | QoSHistoryPolicy::SystemDefault { .. } => UNKNOWN_DEPTH,
                QoSHistoryPolicy::KeepLast { depth } => depth,
                QoSHistoryPolicy::KeepAll => self.max_depth,
            };
            sum.saturating_add(depth)
        });
        let min = self.min_depth.max(1);
        TopicQos {
            reliable,
            transient_local,
            depth: wanted.clamp(min, self.max_depth.max(min)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publisher(depth: u32) -> QoSProfile {
        QoSProfile::topics_default()
            .keep_last(depth)
            .reliable()
            .volatile()
    }

    fn resolve(publishers: &[QoSProfile]) -> TopicQos {
        QosPolicy::default().resolve("/topic", publishers)
    }

    #[test]
    fn reliable_and_latched_only_if_all_publishers_are() {
        let latched = publisher(1).transient_local();
        assert_eq!(
            resolve(&[latched]),
            TopicQos {
                reliable: true,
                transient_local: true,
                depth: 1
            }
        );
        let mixed = resolve(&[latched, publisher(1)]);
        assert!(mixed.reliable && !mixed.transient_local);
        let mixed = resolve(&[latched, latched.best_effort()]);
        assert!(!mixed.reliable && mixed.transient_local);
    }

    #[test]
    fn without_publishers_the_least_is_asked_for() {
        assert_eq!(
            resolve(&[]),
            TopicQos {
                reliable: false,
                transient_local: false,
                depth: 1
            }
        );
    }

    #[test]
    fn depth_is_the_clamped_sum() {
        assert_eq!(resolve(&[publisher(3), publisher(4)]).depth, 7);
        assert_eq!(resolve(&[publisher(20), publisher(20)]).depth, 25);
        let policy = QosPolicy {
            min_depth: 5,
            ..QosPolicy::default()
        };
        assert_eq!(policy.resolve("/topic", &[publisher(1)]).depth, 5);
    }

    #[test]
    fn an_unknown_depth_counts_as_the_usual_but_latched_as_the_largest() {
        let policy = QosPolicy {
            max_depth: 100,
            ..QosPolicy::default()
        };
        let depth = |publishers: &[QoSProfile]| policy.resolve("/topic", publishers).depth;
        assert_eq!(depth(&[publisher(0), publisher(0)]), 2 * UNKNOWN_DEPTH);
        assert_eq!(depth(&[publisher(0).transient_local()]), 100);
        assert_eq!(resolve(&[publisher(0), publisher(0)]).depth, 25);
    }

    #[test]
    fn a_publisher_offers_what_the_most_demanding_subscription_asks_for() {
        let asks = publisher(1);
        let mut hurried = asks.best_effort();
        hurried.deadline = QoSDuration::Custom(Duration::from_millis(200));
        let mut endless = asks;
        endless.deadline = QoSDuration::Custom(Duration::from_secs(9_223_372_036));
        let of = |subscriptions: &[QoSProfile]| PublisherQos::matching(subscriptions, &[]);
        assert_eq!(of(&[]), PublisherQos::default());
        assert_eq!(of(&[asks, endless]), PublisherQos::default());
        let both = of(&[hurried, asks.transient_local()]);
        assert!(both.reliable && both.transient_local);
        assert_eq!(both.deadline, Some(Duration::from_millis(200)));
        assert!(both.covers(of(&[asks])) && !of(&[asks]).covers(both));
        assert!(both.covers(both) && !of(&[hurried]).covers(both));
    }

    #[test]
    fn a_publisher_beside_latched_ones_is_latched_too() {
        let latched = publisher(1).transient_local();
        let beside = |publishers: &[QoSProfile]| PublisherQos::matching(&[], publishers);
        assert!(beside(&[latched, latched]).transient_local);
        assert!(!beside(&[latched, publisher(1)]).transient_local);
    }

    #[test]
    fn a_topic_can_be_forced_to_best_effort() {
        let policy = QosPolicy {
            best_effort: Patterns::new(["/cam.*"]).expect("valid"),
            ..QosPolicy::default()
        };
        assert!(!policy.resolve("/camera", &[publisher(1)]).reliable);
        assert!(policy.resolve("/odom", &[publisher(1)]).reliable);
    }

    #[test]
    fn limits_in_the_wrong_order_do_not_panic() {
        let policy = QosPolicy {
            min_depth: 9,
            max_depth: 2,
            ..QosPolicy::default()
        };
        assert_eq!(policy.resolve("/topic", &[publisher(1)]).depth, 9);
    }
}
