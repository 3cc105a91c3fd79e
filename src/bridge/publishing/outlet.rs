//! Outlet for the messages of viewers on one topic, for the thread of requests and that of stops.

use std::sync::Arc;

use parking_lot::Mutex;
use remote_access_session::Encoding;
use serde_json::json;
use tracing::{info, warn};

use crate::ros::{PublishError, Publisher};

/// One topic and type. Its publisher may be replaced.
pub(super) struct Outlet(Mutex<Current>);

struct Current {
    publisher: Arc<Publisher>,
    /// The frame of the last message, for types with a header.
    frame_id: String,
}

impl Outlet {
    pub(super) fn new(publisher: Publisher) -> Self {
        Self(Mutex::new(Current {
            publisher: Arc::new(publisher),
            frame_id: String::new(),
        }))
    }

    pub(super) fn publisher(&self) -> Arc<Publisher> {
        Arc::clone(&self.0.lock().publisher)
    }

    /// Puts another publisher in the place of the present one, which comes back.
    pub(super) fn replace(&self, publisher: Publisher) -> Arc<Publisher> {
        std::mem::replace(&mut self.0.lock().publisher, Arc::new(publisher))
    }

    /// Publishes a message, unless it is void by then. A stop does not wait while it is read.
    pub(super) fn publish(
        &self,
        encoding: Encoding,
        message: &[u8],
        is_void: impl FnOnce() -> bool,
    ) -> Result<(), PublishError> {
        let publisher = self.publisher();
        let read = match encoding {
            Encoding::Cdr => publisher.read(message),
            Encoding::Json => publisher.read_json(message),
        }?;
        let frame_id = publisher.has_header().then(|| match encoding {
            Encoding::Cdr => frame_id_of_cdr(message),
            Encoding::Json => frame_id_of_json(message),
        });
        let mut current = self.0.lock();
        if is_void() {
            return Ok(());
        }
        current.publisher.publish_read(&read)?;
        if let Some(frame_id) = frame_id {
            current.frame_id = frame_id.unwrap_or_default();
        }
        Ok(())
    }

    /// Publishes the type's default values, if that is to be done, with the time `now` in nanoseconds
    /// and the frame of the last message where there is a header.
    pub(super) fn stop(&self, now: u64, is_due: impl FnOnce() -> bool) {
        let current = self.0.lock();
        if !is_due() {
            return;
        }
        let publisher = &current.publisher;
        let message = if publisher.has_header() {
            let stamp = json!({"sec": now / 1_000_000_000, "nanosec": now % 1_000_000_000});
            json!({"header": {"stamp": stamp, "frame_id": current.frame_id}})
        } else {
            json!({})
        };
        let topic = publisher.topic();
        match publisher.publish_json(message.to_string().as_bytes()) {
            Ok(()) => info!(topic, "published a stop"),
            Err(error) => warn!(topic, %error, "cannot publish a stop"),
        }
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
