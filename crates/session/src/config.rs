//! Configuration of a session.

use std::time::Duration;

use super::permission::{NameRule, Policy};

/// Largest piece that goes to the transport at once, in bytes.
///
/// LiveKit cuts a byte stream into chunks of this size. One piece is the longest time that a
/// message has to wait for another one, so larger writes would only add delay.
pub const SLICE_SIZE: usize = 15_000;

/// Limits of a session. Every queue in it is bounded by one of these.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// Most messages that wait for one participant on one channel. Default 1024.
    pub message_backlog_size: usize,
    /// Most bytes of messages that wait for all participants together. Default 128 MiB.
    ///
    /// A message that waits for several participants counts once, and for each of them another
    /// 64 B or so: the place in its queue.
    pub queue_budget: usize,
    /// Most bytes of control messages that wait for one participant. Default 32 MiB.
    ///
    /// A participant that lets more pile up is resynced: it gets new streams, with all that it has to know.
    pub control_queue_size: usize,
    /// Age at which a waiting message of a periodic topic is dropped. Default 2 s.
    pub max_age: Duration,
    /// Most bytes of latched messages that are kept for later subscribers. Default 64 MiB.
    pub latched_budget: usize,
    /// Bytes after which an outgoing stream is replaced at the next frame. Default 4,000,000,000.
    ///
    /// Receivers on LiveKit's Rust SDK end a stream at 5,000,000,000 bytes.
    pub stream_rotate_bytes: u64,
    /// Bytes per second for a participant that never acknowledges. Default 250,000.
    ///
    /// Without acknowledgements the session cannot see how much the participant can take, and
    /// what is sent too fast piles up in the server.
    pub unacknowledged_rate: u64,
    /// Bytes per second to one participant, at most. Default `None`, no limit.
    ///
    /// Control messages count, but do not wait. A second's worth may be sent beyond it at once.
    pub participant_rate: Option<u64>,
    /// Bytes per second to all participants together, at most. Default `None`, no limit.
    ///
    /// These are the bytes of the streams; headers, acknowledgements and repetitions of the
    /// transport add about a tenth.
    pub uplink_rate: Option<u64>,
    /// Most channels that one participant may subscribe to. Default 2048.
    pub max_subscriptions: usize,
    /// Most subscriptions of all participants together. Default 16,384.
    pub max_total_subscriptions: usize,
    /// Time for which the robot's side goes on with a channel that nobody subscribes to any more.
    /// Default 5 s.
    ///
    /// A reader is not made in a moment: viewers that change their minds often must not cost that.
    pub unsubscribe_linger: Duration,
    /// Subscriptions per second that one participant may begin. Default 50.
    ///
    /// Twice as many as it may have may come at once.
    pub subscription_rate: f64,
    /// Most streams that one participant may have open to the robot at once. Default 8.
    pub max_inbound_streams: usize,
    /// Bytes per second that one participant may send. Default 8,000,000.
    ///
    /// Eight seconds' worth may come at once. Beyond that its stream is ended.
    pub inbound_rate: u64,
    /// Messages per second that one participant may send. Default 2,000.
    ///
    /// Eight seconds' worth may come at once. Beyond that its stream is ended.
    pub inbound_message_rate: f64,
    /// Most bytes of incomplete frames from all participants together. Default 128 MiB.
    ///
    /// One participant has 16 MiB, a frame of the largest size, at most.
    pub inbound_budget: usize,
    /// Permissions of any viewer beside watching topics, whatever its rights. Default: none.
    pub policy: Policy,
    /// Whether a message for several viewers of equal rights goes out once. Default: yes.
    pub lane_sharing: bool,
    /// Topics that drive the robot: one driver at a time, and a stop when it is gone.
    pub command_topics: NameRule,
    /// Time without a command after which a stop is published. Default 500 ms.
    pub command_timeout: Duration,
    /// Age from which on a command is not published. Default 500 ms.
    ///
    /// Only commands that carry the time at which they were sent have an age. It counts from the
    /// quickest way that anything of the viewer took in the last 10 to 20 s.
    pub command_max_age: Duration,
    /// Most channels that one viewer may publish on. Default 64.
    pub max_client_channels: usize,
    /// Most service calls that one viewer may wait for at once. Default 32.
    pub max_service_calls: usize,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            message_backlog_size: 1024,
            queue_budget: 128 << 20,
            control_queue_size: 32 << 20,
            max_age: Duration::from_secs(2),
            latched_budget: 64 << 20,
            stream_rotate_bytes: 4_000_000_000,
            unacknowledged_rate: 250_000,
            participant_rate: None,
            uplink_rate: None,
            max_subscriptions: 2048,
            max_total_subscriptions: 16_384,
            unsubscribe_linger: Duration::from_secs(5),
            subscription_rate: 50.0,
            max_inbound_streams: 8,
            inbound_rate: 8_000_000,
            inbound_message_rate: 2_000.0,
            inbound_budget: 128 << 20,
            policy: Policy::default(),
            lane_sharing: true,
            command_topics: NameRule::default(),
            command_timeout: Duration::from_millis(500),
            command_max_age: Duration::from_millis(500),
            max_client_channels: 64,
            max_service_calls: 32,
        }
    }
}

impl SessionConfig {
    /// Reason why a participant with `own` subscriptions may have no further one, while all participants
    /// together have `all`.
    pub(crate) fn too_many_subscriptions(&self, own: usize, all: usize) -> Option<String> {
        let (limit, whose) = if own >= self.max_subscriptions {
            (self.max_subscriptions, "")
        } else if all >= self.max_total_subscriptions {
            (self.max_total_subscriptions, " of all viewers together")
        } else {
            return None;
        };
        Some(format!(
            "no more than {limit} subscriptions{whose} are possible"
        ))
    }
}
