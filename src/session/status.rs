//! Tells viewers about messages that they did not get.

use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::server::{ServerMessage, StatusLevel};
use remote_access_protocol::ChannelId;

/// Time between two reports of the same thing.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Most reports that one participant gets at a time, so that they never fill its link.
pub(super) const REPORTS_AT_ONCE: usize = 32;
/// A report is withdrawn when nothing was dropped for this long.
const CLEAR_AFTER: Duration = Duration::from_secs(5);

/// Drops of one subscription.
#[derive(Debug, Default)]
pub(super) struct DropReport {
    total: u64,
    last: Option<Instant>,
}

impl DropReport {
    /// Takes the drops since the last call and gives the status that the viewer is to get.
    pub fn update(
        &mut self,
        now: Instant,
        channel: ChannelId,
        topic: &str,
        dropped: u64,
    ) -> Option<Bytes> {
        if dropped > 0 {
            self.total += dropped;
            self.last = Some(now);
            let message = format!(
                "{topic}: {} messages dropped so far, the connection is too slow for all of them",
                self.total
            );
            return status(StatusLevel::Warning, message, drops_id(channel));
        }
        let last = self.last?;
        if now.saturating_duration_since(last) < CLEAR_AFTER {
            return None;
        }
        let withdrawal = self.withdrawal(channel);
        *self = Self::default();
        withdrawal
    }

    /// What withdraws the report, if one stands.
    pub fn withdrawal(&self, channel: ChannelId) -> Option<Bytes> {
        self.last?;
        let status_ids = vec![drops_id(channel)];
        ServerMessage::RemoveStatus { status_ids }.frame()
    }

    /// Whether a report stands that will have to be withdrawn.
    pub fn is_open(&self) -> bool {
        self.last.is_some()
    }
}

fn drops_id(channel: ChannelId) -> String {
    format!("drops-{channel}")
}

/// A status frame with an id.
pub(super) fn status(level: StatusLevel, message: String, id: String) -> Option<Bytes> {
    let id = Some(id);
    ServerMessage::Status { level, message, id }.frame()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(frame: Option<Bytes>) -> String {
        String::from_utf8_lossy(&frame.unwrap_or_default()).into_owned()
    }

    #[test]
    fn a_report_is_set_updated_and_removed() {
        let start = Instant::now();
        let mut report = DropReport::default();
        let mut update = |seconds, dropped| {
            let now = start + Duration::from_secs(seconds);
            text(report.update(now, ChannelId(7), "/camera", dropped))
        };
        assert_eq!(update(0, 0), "");
        assert!(update(1, 3).contains("/camera: 3 messages dropped"));
        assert!(update(2, 2).contains("/camera: 5 messages dropped"));
        assert_eq!(update(3, 0), "");
        assert!(update(8, 0).contains(r#"{"op":"removeStatus","statusIds":["drops-7"]}"#));
        assert_eq!(update(20, 0), "");
    }
}
