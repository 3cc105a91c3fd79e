//! Tells what is lost on the air from what a full queue drops.
//!
//! Reno halves its window at every loss, since on a wire each is a full queue. A radio link loses
//! packets of any flow: with 1 % of loss and a round trip of 50 ms Reno gets 2 Mbit/s out of any
//! link. A queue that is full also delays what passes it. So a loss counts as congestion only if the
//! packets after it took longer than the shortest round trips do, or if many are lost: a queue may
//! be too short to be noticed, or a policer drops what is too much. Veno and BBR decide alike.

use std::time::{Duration, Instant};

/// Delay in a queue that counts as congestion, on top of a share of the round trip. Radio links vary
/// by as much without a queue, and a large picture of a video makes one of 20 ms at 5 Mbit/s.
const QUEUE: Duration = Duration::from_millis(30);
/// The share of the shortest round trip that is added to it.
const QUEUE_SHARE: u32 = 4;
/// Share of packets lost above which every loss is congestion: that of four in a row.
const LIMIT: f64 = 0.11;
/// Packets over which that share is averaged.
const PACKETS: f64 = 32.0;
/// The shortest round trip is that of between one and two such periods: routes change.
const PERIOD: Duration = Duration::from_secs(10);

/// Round trips and losses of late.
#[derive(Debug, Default)]
pub(crate) struct LossCause {
    /// Shortest round trips of this period and the one before.
    shortest: [Option<Duration>; 2],
    began: Option<Instant>,
    /// Share of packets lost.
    lost: f64,
}

impl LossCause {
    /// A packet has arrived that took this long, acknowledgement included.
    pub(crate) fn arrived(&mut self, round_trip: Duration, now: Instant) {
        let began = *self.began.get_or_insert(now);
        if began + PERIOD <= now {
            self.began = Some(now);
            let before = self.shortest[0].filter(|_| now < began + 2 * PERIOD);
            self.shortest = [None, before];
        }
        let shortest = self.shortest[0].map_or(round_trip, |shortest| shortest.min(round_trip));
        self.shortest[0] = Some(shortest);
        self.lost -= self.lost / PACKETS;
    }

    /// The shortest round trip of late.
    pub(crate) fn shortest(&self) -> Option<Duration> {
        self.shortest.into_iter().flatten().min()
    }

    /// A packet was lost. `after` is the shortest round trip of those that were sent after it;
    /// returns whether it was dropped by a queue, as far as one can tell.
    pub(crate) fn lost(&mut self, after: Option<Duration>) -> bool {
        self.lost += (1.0 - self.lost) / PACKETS;
        let Some((shortest, after)) = self.shortest().zip(after) else {
            return true;
        };
        self.lost > LIMIT || after > shortest + shortest / QUEUE_SHARE + QUEUE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_loss_without_a_queue_is_none_of_a_queue() {
        let start = Instant::now();
        let mut cause = LossCause::default();
        for number in 0..10_000 {
            cause.arrived(50 * MS, start + number * MS);
            if number % 50 == 49 {
                assert!(!cause.lost(Some(70 * MS)), "packet {number}");
            }
        }
        assert!(cause.lost(Some(100 * MS)));
        assert!(cause.lost(None), "nothing speaks for the link");
    }

    #[test]
    fn many_losses_are_congestion() {
        let start = Instant::now();
        let mut cause = LossCause::default();
        let mut congestion = 0;
        for number in 0..1000 {
            cause.arrived(50 * MS, start + number * MS);
            congestion += u32::from(number % 5 == 4 && cause.lost(Some(50 * MS)));
        }
        assert!(congestion > 190, "{congestion} of 200");
    }

    #[test]
    fn a_longer_route_is_no_queue_after_a_while() {
        let start = Instant::now();
        let mut cause = LossCause::default();
        cause.arrived(20 * MS, start);
        cause.arrived(90 * MS, start + PERIOD);
        assert!(cause.lost(Some(90 * MS)));
        cause.arrived(90 * MS, start + 2 * PERIOD);
        assert!(!cause.lost(Some(90 * MS)));
    }
}
