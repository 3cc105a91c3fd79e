//! Status messages for participants.

use bytes::Bytes;
use remote_access_protocol::server::{ServerMessage, StatusLevel, Wheel};

/// A status frame with an id.
pub(crate) fn status(level: StatusLevel, message: String, id: String) -> Option<Bytes> {
    status_of_wheel(level, message, id, None)
}

/// A status frame that tells of a wheel, with what it tells as fields.
pub(crate) fn status_of_wheel(
    level: StatusLevel,
    message: String,
    id: String,
    wheel: Option<Wheel>,
) -> Option<Bytes> {
    let status = ServerMessage::Status {
        level,
        message,
        id: Some(id),
        wheel,
    };
    status.frame()
}

/// A frame that withdraws a status.
pub(crate) fn withdraw(id: String) -> Option<Bytes> {
    let status_ids = vec![id];
    ServerMessage::RemoveStatus { status_ids }.frame()
}
