//! Publishing for viewers: one ROS publisher for each topic and type, whoever publishes on it.

mod shared;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tracing::{info, warn};

use super::answers::Answers;
use crate::driver::Answer;
use crate::ros::{Ros, RosError};
use remote_access_session::{ClientChannelKey, Encoding};
use shared::{Retired, Shared};

/// A publisher that nobody uses is kept for this time: its last message, perhaps a stop, must
/// reach its subscribers, and a viewer that comes back need not wait until they are matched again.
const LINGER: Duration = Duration::from_secs(5);

/// At the end of the process the last messages, perhaps stops, are given this time to be read:
/// what is still in shared memory goes with its publisher.
const FAREWELL: Duration = Duration::from_millis(500);

/// The publishers for viewers.
pub(super) struct Publishing {
    ros: Arc<Ros>,
    answers: Answers,
    channels: HashMap<ClientChannelKey, Channel>,
    publishers: HashMap<PublisherKey, Shared>,
    /// Publishers that were replaced.
    retired: Vec<Retired>,
    last_message: Option<Instant>,
}

/// Topic and type.
type PublisherKey = (String, String);

struct Channel {
    publisher: PublisherKey,
    encoding: Encoding,
}

/// Why a viewer cannot publish on a topic.
#[derive(Debug, thiserror::Error)]
enum OpenError {
    /// Another type on the topic would not reach anybody, and the topic would be lost to those who
    /// watch it.
    #[error("the topic has the type {present}, not {wanted}")]
    OtherType { present: String, wanted: String },
    #[error(transparent)]
    Ros(#[from] RosError),
}

impl Publishing {
    pub(super) fn new(ros: Arc<Ros>, answers: Answers) -> Self {
        Self {
            ros,
            answers,
            channels: HashMap::new(),
            publishers: HashMap::new(),
            retired: Vec::new(),
            last_message: None,
        }
    }

    pub(super) fn advertise(
        &mut self,
        key: ClientChannelKey,
        topic: String,
        type_name: String,
        encoding: Encoding,
    ) {
        let publisher = (topic, type_name);
        if let Err(error) = self.open(&publisher) {
            let reason = error.to_string();
            let answer = Answer::ChannelFailed { key, reason };
            self.answers.give(answer);
            return;
        }
        self.channels.insert(
            key,
            Channel {
                publisher,
                encoding,
            },
        );
    }

    /// Makes a publisher, or takes the one that is there.
    fn open(&mut self, key: &PublisherKey) -> Result<(), OpenError> {
        if let Some(shared) = self.publishers.get_mut(key) {
            shared.users += 1;
            shared.idle_since = None;
            return Ok(());
        }
        let (topic, type_name) = key;
        let types = self.ros.types_of(topic);
        if let Some(other) = types.iter().find(|other| *other != type_name) {
            return Err(OpenError::OtherType {
                present: other.clone(),
                wanted: type_name.clone(),
            });
        }
        let shared = Shared::open(&self.ros, topic, type_name)?;
        info!(topic, type_name, "publishing for viewers");
        self.publishers.insert(key.clone(), shared);
        Ok(())
    }

    pub(super) fn publish(&mut self, key: ClientChannelKey, message: &[u8]) {
        self.last_message = Some(Instant::now());
        let ros = Arc::clone(&self.ros);
        let Some((channel, shared)) = self.shared(key) else {
            return;
        };
        let retired = shared.keep_up(&ros);
        let result = match channel {
            Encoding::Cdr => shared.publisher.publish(message),
            Encoding::Json => shared.publisher.publish_json(message),
        };
        match result {
            Ok(()) if shared.publisher.has_header() => {
                let frame_id = match channel {
                    Encoding::Cdr => frame_id_of_cdr(message),
                    Encoding::Json => frame_id_of_json(message),
                };
                shared.frame_id = frame_id.unwrap_or_default();
            }
            Ok(()) => {}
            Err(error) => {
                let reason = error.to_string();
                self.answers.give(Answer::PublishFailed { key, reason });
            }
        }
        self.retired.extend(retired);
    }

    /// Publishes the type's default values, with the time and the frame of the last message where
    /// there is a header.
    pub(super) fn stop(&mut self, key: ClientChannelKey) {
        self.last_message = Some(Instant::now());
        let now = self.ros.now_ns();
        let Some((_, shared)) = self.shared(key) else {
            return;
        };
        let message = if shared.publisher.has_header() {
            let stamp = json!({"sec": now / 1_000_000_000, "nanosec": now % 1_000_000_000});
            json!({"header": {"stamp": stamp, "frame_id": shared.frame_id}})
        } else {
            json!({})
        };
        let topic = shared.publisher.topic().to_owned();
        match shared
            .publisher
            .publish_json(message.to_string().as_bytes())
        {
            Ok(()) => info!(topic, "published a stop"),
            Err(error) => warn!(topic, %error, "cannot publish a stop"),
        }
    }

    pub(super) fn unadvertise(&mut self, key: ClientChannelKey) {
        let Some(channel) = self.channels.remove(&key) else {
            return;
        };
        if let Some(shared) = self.publishers.get_mut(&channel.publisher) {
            shared.users -= 1;
            if shared.users == 0 {
                shared.idle_since = Some(Instant::now());
            }
        }
    }

    /// Ends publishers that nobody has used for a while. Returns when to call this again.
    pub(super) fn end_idle(&mut self) -> Option<Instant> {
        let now = Instant::now();
        self.publishers
            .retain(|_, shared| shared.idle_since.is_none_or(|since| since + LINGER > now));
        self.retired.retain(|retired| retired.since + LINGER > now);
        let idle = self.publishers.values().filter_map(|each| each.idle_since);
        let retired = self.retired.iter().map(|retired| retired.since);
        idle.chain(retired).min().map(|since| since + LINGER)
    }

    /// Waits until the last message has been read, most probably.
    pub(super) fn finish(self) {
        if let Some(last) = self.last_message {
            std::thread::sleep(FAREWELL.saturating_sub(last.elapsed()));
        }
    }

    fn shared(&mut self, key: ClientChannelKey) -> Option<(Encoding, &mut Shared)> {
        let channel = self.channels.get(&key)?;
        let shared = self.publishers.get_mut(&channel.publisher)?;
        Some((channel.encoding, shared))
    }
}

/// The frame of a message that begins with a std_msgs/Header: encapsulation, two integers for the
/// stamp, then a string with its length, which counts the final zero.
fn frame_id_of_cdr(message: &[u8]) -> Option<String> {
    const LENGTH: usize = 12;
    let length: [u8; 4] = message.get(LENGTH..LENGTH + 4)?.try_into().ok()?;
    let little_endian = message.get(1)? & 1 == 1;
    let length = if little_endian {
        u32::from_le_bytes(length)
    } else {
        u32::from_be_bytes(length)
    };
    let end = usize::try_from(length).ok()?.checked_sub(1)?;
    let text = message.get(LENGTH + 4..)?.get(..end)?;
    String::from_utf8(text.to_vec()).ok()
}

fn frame_id_of_json(message: &[u8]) -> Option<String> {
    let message: serde_json::Value = serde_json::from_slice(message).ok()?;
    Some(message.get("header")?.get("frame_id")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_frame_of_a_stamped_message_is_found() {
        let mut cdr = vec![0, 1, 0, 0];
        cdr.extend_from_slice(&[0; 8]);
        cdr.extend_from_slice(&5u32.to_le_bytes());
        cdr.extend_from_slice(b"base\0more");
        assert_eq!(frame_id_of_cdr(&cdr).as_deref(), Some("base"));
        cdr[1] = 0;
        cdr[12..16].copy_from_slice(&5u32.to_be_bytes());
        assert_eq!(frame_id_of_cdr(&cdr).as_deref(), Some("base"));
        for length in 0..cdr.len() {
            let _ = frame_id_of_cdr(&cdr[..length]);
        }
        let json = br#"{"header": {"frame_id": "base"}}"#;
        assert_eq!(frame_id_of_json(json).as_deref(), Some("base"));
        assert_eq!(frame_id_of_json(b"{}"), None);
    }
}
