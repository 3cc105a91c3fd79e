//! Requests of the viewer to the robot.

use bytes::Bytes;
use remote_access_protocol::frame;

/// A subscription in the shape that the bridge and the peer both understand.
pub(crate) fn subscribe(channels: &[u64]) -> Option<Bytes> {
    let channels: Vec<_> = channels
        .iter()
        .map(|id| serde_json::json!({ "id": id }))
        .collect();
    frame::text(&serde_json::json!({ "op": "subscribe", "channels": channels }).to_string())
}
