//! The figures of a run.

use std::time::Duration;

/// Results of a run.
#[derive(Debug, Default, Clone)]
pub struct Report {
    /// Bytes of bulk that arrived.
    pub bulk_bytes: u64,
    /// Duration, from the moment it was connected.
    pub time: Duration,
    /// The longest time without a message of the bulk arriving.
    pub longest_stall: Duration,
    /// After an outage: when the next message of the bulk arrived.
    pub recovery: Option<Duration>,
    /// Bytes of bulk that arrived in the ten seconds after an outage.
    pub bytes_after_outage: u64,
    /// Age of each small message when it arrived, sorted. Those that did not arrive count with
    /// their age at the end.
    pub small_ages: Vec<Duration>,
    /// Bytes of packets that the sender put on the wire.
    pub wire_bytes: u64,
    /// Packets of the sender that the link lost, and that its queue had no room for.
    pub packets_lost: u64,
    /// Packets of the sender that the queue had no room for.
    pub packets_overflowed: u64,
    /// The longest time that a packet of the sender waited for the bottleneck.
    pub longest_queue: Duration,
    /// The connection ended or never came about, and when.
    pub died: Option<Duration>,
}

impl Report {
    /// Bulk that arrived, in Mbit/s.
    pub fn goodput(&self) -> f64 {
        self.bulk_bytes as f64 * 8e-6 / self.time.as_secs_f64().max(f64::MIN_POSITIVE)
    }

    /// Bytes on the wire for each byte of bulk that arrived.
    pub fn cost(&self) -> f64 {
        self.wire_bytes as f64 / self.bulk_bytes.max(1) as f64
    }

    /// The age that this share of the small messages did not exceed, `share` being 0 to 1. Zero if
    /// there were none.
    pub fn small_age(&self, share: f64) -> Duration {
        let last = self.small_ages.len().saturating_sub(1);
        let index = (share * last as f64).round() as usize;
        self.small_ages
            .get(index.min(last))
            .copied()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_nothing_are_nothing() {
        let report = Report::default();
        assert_eq!(report.goodput(), 0.0);
        assert_eq!(report.small_age(0.99), Duration::ZERO);
    }

    #[test]
    fn percentiles_and_goodput() {
        let report = Report {
            bulk_bytes: 1_000_000,
            time: Duration::from_secs(4),
            wire_bytes: 1_100_000,
            small_ages: (0..=100).map(Duration::from_millis).collect(),
            ..Report::default()
        };
        assert_eq!(report.goodput(), 2.0);
        assert_eq!(report.cost(), 1.1);
        assert_eq!(report.small_age(0.5), Duration::from_millis(50));
        assert_eq!(report.small_age(0.99), Duration::from_millis(99));
        assert_eq!(report.small_age(1.0), Duration::from_millis(100));
    }
}
