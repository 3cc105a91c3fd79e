//! Log of drops, rare enough that a slow viewer does not fill it.

use std::time::{Duration, Instant};

/// Time between two lines about dropped messages.
const INTERVAL: Duration = Duration::from_secs(30);

/// Log of the drops of all participants.
#[derive(Debug, Default)]
pub(crate) struct DropLog {
    at: Option<Instant>,
    logged: u64,
}

impl DropLog {
    /// Drops since the last line, if one is due for them. `total` is those of
    /// all viewers that are there; it falls when one leaves.
    pub(crate) fn news(&mut self, now: Instant, total: u64) -> Option<u64> {
        let recent = |at| now.saturating_duration_since(at) < INTERVAL;
        if self.at.is_some_and(recent) {
            return None;
        }
        let news = total.saturating_sub(self.logged);
        self.logged = total;
        if news == 0 {
            return None;
        }
        self.at = Some(now);
        Some(news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_of_all_drops_since_the_last_and_comes_once_in_a_while() {
        let start = Instant::now();
        let mut log = DropLog::default();
        let mut news = |seconds, total| log.news(start + Duration::from_secs(seconds), total);
        assert_eq!(news(0, 0), None);
        assert_eq!(news(1, 3), Some(3));
        assert_eq!(news(2, 10), None);
        assert_eq!(news(30, 50), None);
        assert_eq!(news(31, 60), Some(57));
        assert_eq!(news(100, 60), None);
        assert_eq!(news(101, 61), Some(1));
        // A viewer with 50 drops has left, another one came.
        assert_eq!(news(140, 11), None);
        assert_eq!(news(141, 15), Some(4));
    }
}
