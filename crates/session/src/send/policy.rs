//! Policy of a channel for messages that wait.

use std::time::Duration;

use super::queue::QueuePolicy;
use crate::channels::channel::ChannelState;
use crate::class::Class;
use crate::config::SessionConfig;

/// Large messages that wait and came over more time than this are behind a slow link, if only for the
/// moment: what counts then is the latest.
const BULK_PATIENCE: Duration = Duration::from_millis(250);
/// The same for medium ones. They are soon sent after a hiccup of the path, which lasts less: a
/// recording must not miss them for that.
const PERIODIC_PATIENCE: Duration = Duration::from_millis(500);

/// Age at which a frame of a video is dropped, with those that need it. Who drives by it is better
/// off with a jump to the next key frame than with what has been.
const VIDEO_AGE: Duration = Duration::from_millis(400);
/// Age of the oldest frame of a video that waits at which the encoder is told: soon enough to help
/// before it is dropped, and no hiccup of the path.
const VIDEO_LATE: Duration = Duration::from_millis(150);

/// The policy for a participant; one behind a slow link gets the latest only.
pub(crate) fn policy(channel: &ChannelState, config: &SessionConfig, slow: bool) -> QueuePolicy {
    let backlog = config.message_backlog_size;
    let class = channel.class();
    let delivery = channel.info.delivery;
    let every_message_counts = delivery.latched || (delivery.reliable && class == Class::State);
    if every_message_counts {
        return QueuePolicy {
            depth: backlog,
            max_age: None,
            newest_after: None,
            late_after: None,
        };
    }
    if channel.is_video() {
        return QueuePolicy {
            depth: backlog,
            max_age: Some(config.max_age.min(VIDEO_AGE)),
            newest_after: None,
            late_after: Some(VIDEO_LATE),
        };
    }
    let depth = match (class, slow) {
        (Class::Bulk, true) => 1,
        (Class::Bulk, false) | (Class::State | Class::Periodic, true) => {
            delivery.depth.min(backlog)
        }
        (Class::State | Class::Periodic, false) => backlog,
    };
    QueuePolicy {
        depth,
        max_age: Some(config.max_age),
        newest_after: match class {
            Class::State => None,
            Class::Periodic => Some(PERIODIC_PATIENCE),
            Class::Bulk => Some(BULK_PATIENCE),
        },
        late_after: None,
    }
}
