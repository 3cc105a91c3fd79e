//! Counters of packets on the wire.

use std::time::Instant;

use crate::engine::ice::{Count, Pairs};
use crate::engine::network::Path;

/// Packets of DTLS, both ways, over all pairs.
#[derive(Debug, Default)]
pub(super) struct Wire {
    pub(super) sent: Count,
    pub(super) received: Count,
}

impl Wire {
    pub(super) fn sent(&mut self, path: Path, bytes: usize, now: Instant, pairs: &mut Pairs) {
        self.sent.add(bytes, now);
        pairs.data_sent(path, bytes, now);
    }

    pub(super) fn received(&mut self, path: Path, bytes: usize, now: Instant, pairs: &mut Pairs) {
        self.received.add(bytes, now);
        pairs.data_received(path, bytes, now);
    }
}
