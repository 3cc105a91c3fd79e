//! One direction of a link.

use std::ops::Range;
use std::time::Duration;

/// Which packets get lost on the way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// Each with this probability, 0 to 1.
    Random(f64),
    /// The link has a bad state, in which half of the packets are lost (the model of Gilbert and
    /// Elliott).
    Bursts {
        /// Probability per packet that the bad state begins.
        begin: f64,
        /// Probability per packet that it ends.
        end: f64,
    },
}

/// Properties of one direction of a link.
#[derive(Debug, Clone)]
pub struct LinkConfig {
    /// Time a packet travels, without waiting for its turn.
    pub delay: Duration,
    /// Bits per second at the bottleneck.
    pub rate: f64,
    /// The longest wait for a turn. Packets that would wait longer are dropped.
    pub queue: Duration,
    /// Loss after the bottleneck.
    pub loss: Loss,
    /// Random time on top of the delay, up to this much. Packets never overtake each other.
    pub jitter: Duration,
    /// From when to when no packet gets through, since the beginning.
    pub outage: Option<Range<Duration>>,
    /// Bytes that the layers below add to each packet.
    pub overhead: usize,
}

/// One direction of a link, with its queue and its dice.
#[derive(Debug)]
pub struct Link {
    config: LinkConfig,
    random: fastrand::Rng,
    /// When the bottleneck has sent everything before.
    free: Duration,
    last_arrival: Duration,
    bad: bool,
    sent: u64,
    sent_bytes: u64,
    lost: u64,
    overflowed: u64,
    longest_wait: Duration,
}

impl Link {
    /// A link that nothing was sent on yet.
    pub fn new(config: LinkConfig, seed: u64) -> Self {
        Self {
            config,
            random: fastrand::Rng::with_seed(seed),
            free: Duration::ZERO,
            last_arrival: Duration::ZERO,
            bad: false,
            sent: 0,
            sent_bytes: 0,
            lost: 0,
            overflowed: 0,
            longest_wait: Duration::ZERO,
        }
    }

    /// Sends a packet of this many bytes. Returns when it arrives, or `None` if it does not.
    pub fn send(&mut self, bytes: usize, now: Duration) -> Option<Duration> {
        let lost = self.is_lost();
        let wait = self.free.saturating_sub(now);
        self.sent += 1;
        self.sent_bytes += bytes as u64;
        if wait > self.config.queue {
            self.overflowed += 1;
            return None;
        }
        self.longest_wait = self.longest_wait.max(wait);
        let bits = 8.0 * (bytes + self.config.overhead) as f64;
        self.free = now.max(self.free) + Duration::from_secs_f64(bits / self.config.rate);
        let jitter = self.config.jitter.mul_f64(self.random.f64());
        let arrival = (self.free + self.config.delay + jitter).max(self.last_arrival);
        self.last_arrival = arrival;
        let out = self
            .config
            .outage
            .as_ref()
            .is_some_and(|outage| outage.contains(&now) || outage.contains(&arrival));
        if lost || out {
            self.lost += 1;
            return None;
        }
        Some(arrival)
    }

    fn is_lost(&mut self) -> bool {
        match self.config.loss {
            Loss::Random(probability) => self.random.f64() < probability,
            Loss::Bursts { begin, end } => {
                let change = if self.bad { end } else { begin };
                self.bad ^= self.random.f64() < change;
                self.bad && self.random.bool()
            }
        }
    }

    /// Packets that were sent, whatever became of them.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Bytes of these packets, without those of the layers below.
    pub fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// Packets that were lost on the way.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Packets that the queue had no room for.
    pub fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// The longest wait of a packet for its turn.
    pub fn longest_wait(&self) -> Duration {
        self.longest_wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn config() -> LinkConfig {
        LinkConfig {
            delay: 25 * MS,
            rate: 8e6,
            queue: 100 * MS,
            loss: Loss::Random(0.0),
            jitter: Duration::ZERO,
            outage: None,
            overhead: 0,
        }
    }

    #[test]
    fn packets_take_turns_and_the_queue_has_an_end() {
        let mut link = Link::new(config(), 1);
        // 1,000 bytes at 8 Mbit/s take a millisecond.
        let arrivals: Vec<_> = (0..103).map(|_| link.send(1_000, Duration::ZERO)).collect();
        assert_eq!(arrivals[0], Some(26 * MS));
        assert_eq!(arrivals[1], Some(27 * MS));
        assert_eq!(arrivals[100], Some(126 * MS));
        assert_eq!(arrivals[101..], [None, None]);
        assert_eq!((link.sent(), link.overflowed(), link.lost()), (103, 2, 0));
        assert_eq!(link.longest_wait(), 100 * MS);
        assert_eq!(link.send(1_000, 200 * MS), Some(226 * MS));
    }

    #[test]
    fn overhead_takes_time_too() {
        let mut link = Link::new(
            LinkConfig {
                overhead: 1_000,
                ..config()
            },
            1,
        );
        assert_eq!(link.send(1_000, Duration::ZERO), Some(27 * MS));
    }

    #[test]
    fn loses_about_as_much_as_it_should_and_the_same_with_the_same_seed() {
        let burst = Loss::Bursts {
            begin: 0.002,
            end: 0.1,
        };
        for (loss, least, most) in [(Loss::Random(0.01), 800, 1_200), (burst, 700, 1_300)] {
            let run = |seed| {
                let mut link = Link::new(LinkConfig { loss, ..config() }, seed);
                (0..100_000)
                    .map(|i| link.send(100, i * 2 * MS).is_none())
                    .collect::<Vec<_>>()
            };
            let lost = run(7).iter().filter(|lost| **lost).count();
            assert!((least..most).contains(&lost), "{lost} of 100,000");
            assert_eq!(run(7), run(7));
            assert_ne!(run(7), run(8));
        }
    }

    #[test]
    fn bursts_come_in_bursts() {
        let loss = Loss::Bursts {
            begin: 0.002,
            end: 0.1,
        };
        let mut link = Link::new(LinkConfig { loss, ..config() }, 3);
        let lost: Vec<_> = (0..100_000)
            .map(|i| link.send(100, i * 2 * MS).is_none())
            .collect();
        let total = lost.iter().filter(|lost| **lost).count();
        let pairs = lost.windows(2).filter(|pair| pair[0] && pair[1]).count();
        assert!(
            pairs * 4 > total,
            "{pairs} of {total} are followed by another"
        );
    }

    #[test]
    fn jitter_never_lets_packets_overtake() {
        let mut link = Link::new(
            LinkConfig {
                jitter: 20 * MS,
                ..config()
            },
            5,
        );
        let arrivals: Vec<_> = (0..1_000).filter_map(|i| link.send(10, i * MS)).collect();
        assert!(arrivals.is_sorted());
        let late = (0..1_000).zip(&arrivals);
        assert!(late.clone().any(|(i, at)| *at > i * MS + 35 * MS));
        assert!(late.clone().all(|(i, at)| *at < i * MS + 46 * MS));
    }

    #[test]
    fn nothing_passes_in_an_outage() {
        let mut link = Link::new(
            LinkConfig {
                outage: Some(100 * MS..200 * MS),
                ..config()
            },
            5,
        );
        for at in 0..300 {
            // Those already under way when it begins are lost as well.
            let lost = link.send(100, at * MS).is_none();
            assert_eq!(lost, (75..200).contains(&at), "at {at} ms");
        }
    }
}
