//! Status messages for participants.

use bytes::Bytes;
use remote_access_protocol::server::{ServerMessage, StatusLevel};

/// A status frame with an id.
pub(crate) fn status(level: StatusLevel, message: String, id: String) -> Option<Bytes> {
    let id = Some(id);
    ServerMessage::Status { level, message, id }.frame()
}

/// A frame that withdraws a status.
pub(crate) fn withdraw(id: String) -> Option<Bytes> {
    let status_ids = vec![id];
    ServerMessage::RemoveStatus { status_ids }.frame()
}
