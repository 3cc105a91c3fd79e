//! Report of the messages of one subscription that its participant did not get.

use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::server::StatusLevel;
use remote_access_protocol::ChannelId;

use crate::counters::Drops;
use crate::status::{status, withdraw};

/// A report is withdrawn when nothing was dropped for this long.
const CLEAR_AFTER: Duration = Duration::from_secs(5);

/// Report about the drops of one subscription.
#[derive(Debug, Default)]
pub(crate) struct DropReport {
    /// The drops before the report that stands.
    before: Drops,
    /// The drops that it was told of.
    told: Drops,
    last: Option<Instant>,
}

impl DropReport {
    /// Whether `drops` holds some that the viewer was not told of.
    pub(crate) fn is_news(&self, drops: &Drops) -> bool {
        reported(drops) != reported(&self.told)
    }

    /// Takes all drops so far, and returns the status that the participant is to get.
    pub(crate) fn update(
        &mut self,
        now: Instant,
        channel: ChannelId,
        topic: &str,
        drops: &Drops,
    ) -> Option<Bytes> {
        if self.is_news(drops) {
            self.told = *drops;
            self.last = Some(now);
            let slow = drops.by_slowness() - self.before.by_slowness();
            let limited = drops.rate_limit - self.before.rate_limit;
            let (level, why) = match (slow, limited) {
                (_, 0) => (StatusLevel::Warning, SLOW.to_owned()),
                (0, _) => (StatusLevel::Info, LIMITED.to_owned()),
                _ => (
                    StatusLevel::Warning,
                    format!("{slow} since {SLOW}, {limited} since {LIMITED}"),
                ),
            };
            let total = slow + limited;
            let message = format!("{topic}: {total} messages dropped so far, {why}");
            return status(level, message, drops_id(channel));
        }
        let last = self.last?;
        if now.saturating_duration_since(last) < CLEAR_AFTER {
            return None;
        }
        let withdrawal = self.withdrawal(channel);
        *self = Self {
            before: *drops,
            told: *drops,
            last: None,
        };
        withdrawal
    }

    /// A frame that withdraws the report, if one stands.
    pub(crate) fn withdrawal(&self, channel: ChannelId) -> Option<Bytes> {
        self.last?;
        withdraw(drops_id(channel))
    }

    /// Whether a report stands that will have to be withdrawn.
    pub(crate) fn is_open(&self) -> bool {
        self.last.is_some()
    }
}

const SLOW: &str = "the connection is too slow for all of them";
const LIMITED: &str = "the topic has a rate limit";

/// The drops that a viewer is told of by a report that is updated.
fn reported(drops: &Drops) -> (u64, u64) {
    (drops.by_slowness(), drops.rate_limit)
}

fn drops_id(channel: ChannelId) -> String {
    format!("drops-{channel}")
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
        let mut drops = Drops::default();
        let mut update = |seconds, slow, limited| {
            let now = start + Duration::from_secs(seconds);
            drops.overtaken += slow;
            drops.rate_limit += limited;
            text(report.update(now, ChannelId(7), "/camera", &drops))
        };
        assert_eq!(update(0, 0, 0), "");
        assert!(update(1, 3, 0).contains("/camera: 3 messages dropped so far, the connection"));
        assert!(update(2, 2, 0).contains("/camera: 5 messages dropped"));
        assert_eq!(update(3, 0, 0), "");
        assert!(update(8, 0, 0).contains(r#"{"op":"removeStatus","statusIds":["drops-7"]}"#));
        assert_eq!(update(20, 0, 0), "");
        assert!(update(21, 0, 4).contains("/camera: 4 messages dropped so far, the topic has"));
        assert!(update(22, 1, 0).contains("5 messages dropped so far, 1 since the connection"));
    }
}
