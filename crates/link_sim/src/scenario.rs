//! The cases that engines are compared on.

use std::ops::Range;
use std::time::Duration;

use crate::link::{LinkConfig, Loss};

/// Bytes around each SCTP packet: a DTLS 1.2 record with AES-GCM, UDP, IPv4.
const OVERHEAD: usize = 37 + 8 + 20;

/// Traffic from the first end to the second.
#[derive(Debug, Clone)]
pub struct Traffic {
    /// Bytes of each message of the bulk stream, which always has another one.
    pub bulk_message: usize,
    /// The bulk stream is given another message while less than this many bytes of it wait in the
    /// endpoint.
    pub backlog: usize,
    /// Bulk bytes that may be under way at most: the flow control of the application above, which
    /// hears from the receiver. `None` leaves it to the protocol.
    pub window: Option<usize>,
    /// A message of 100 bytes on a stream of its own, this often.
    pub small_every: Option<Duration>,
    /// The small messages are lossy.
    pub small_lossy: bool,
}

/// A link, what is sent on it, and for how long.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// A letter or two for the command line.
    pub name: &'static str,
    /// Description, for tables.
    pub title: &'static str,
    /// Both directions are alike.
    pub link: LinkConfig,
    /// Traffic.
    pub traffic: Traffic,
    /// Duration, once the connection is there.
    pub time: Duration,
}

impl Scenario {
    /// A link without loss on which bulk flows for a minute.
    pub fn new(name: &'static str, title: &'static str, delay_ms: u64, mbit: f64) -> Self {
        Self {
            name,
            title,
            link: LinkConfig {
                delay: Duration::from_millis(delay_ms),
                rate: mbit * 1e6,
                queue: Duration::from_millis(100),
                loss: Loss::Random(0.0),
                jitter: Duration::ZERO,
                outage: None,
                overhead: OVERHEAD,
            },
            traffic: Traffic {
                bulk_message: 15_000,
                backlog: 256 * 1024,
                window: None,
                small_every: None,
                small_lossy: false,
            },
            time: Duration::from_secs(60),
        }
    }

    /// Loses this share of the packets, 0 to 1.
    #[must_use]
    pub fn losing(mut self, share: f64) -> Self {
        self.link.loss = Loss::Random(share);
        self
    }

    /// The queue before the bottleneck holds this many milliseconds.
    #[must_use]
    pub fn queue_ms(mut self, milliseconds: u64) -> Self {
        self.link.queue = Duration::from_millis(milliseconds);
        self
    }

    /// Adds up to this many milliseconds to each packet's delay.
    #[must_use]
    pub fn jitter_ms(mut self, milliseconds: u64) -> Self {
        self.link.jitter = Duration::from_millis(milliseconds);
        self
    }

    /// Loses everything between these seconds.
    #[must_use]
    pub fn outage(mut self, seconds: Range<u64>) -> Self {
        self.link.outage =
            Some(Duration::from_secs(seconds.start)..Duration::from_secs(seconds.end));
        self
    }

    /// Sends a small message every 50 ms beside the bulk.
    #[must_use]
    pub fn with_small(mut self) -> Self {
        self.traffic.small_every = Some(Duration::from_millis(50));
        self
    }

    /// No more than this many bytes of bulk are under way.
    #[must_use]
    pub fn window(mut self, bytes: usize) -> Self {
        self.traffic.window = Some(bytes);
        self
    }
}

/// The cases, from a wire to a satellite.
pub fn all() -> Vec<Scenario> {
    let burst = Loss::Bursts {
        begin: 0.002,
        end: 0.1,
    };
    let mut bursts = Scenario::new(
        "bursts",
        "25 ms, 20 Mbit/s, bursts of loss, about 1 %",
        25,
        20.0,
    );
    bursts.link.loss = burst;
    vec![
        Scenario::new("A", "1 ms, 100 Mbit/s", 1, 100.0).queue_ms(50),
        Scenario::new("B", "25 ms, 20 Mbit/s", 25, 20.0),
        Scenario::new("C", "25 ms, 20 Mbit/s, 1 % loss", 25, 20.0).losing(0.01),
        Scenario::new("D", "25 ms, 20 Mbit/s, 0.1 % loss", 25, 20.0).losing(0.001),
        Scenario::new("E", "80 ms, 10 Mbit/s, 2 % loss", 80, 10.0)
            .losing(0.02)
            .queue_ms(200),
        Scenario::new("F", "25 ms, 5 Mbit/s, 1 % loss, queue 400 ms", 25, 5.0)
            .losing(0.01)
            .queue_ms(400),
        Scenario::new("G", "150 ms, 2 Mbit/s, 5 % loss", 150, 2.0)
            .losing(0.05)
            .queue_ms(200),
        bursts,
        Scenario::new("jitter", "25–45 ms, 20 Mbit/s, 1 % loss", 25, 20.0)
            .losing(0.01)
            .jitter_ms(20),
        Scenario::new("shallow", "25 ms, 20 Mbit/s, queue 5 ms", 25, 20.0).queue_ms(5),
        Scenario::new(
            "outage",
            "25 ms, 20 Mbit/s, 10 s without the link",
            25,
            20.0,
        )
        .outage(20..30),
        Scenario::new("small", "F, a small message beside the bulk", 25, 5.0)
            .losing(0.01)
            .queue_ms(400)
            .with_small(),
        Scenario::new("small-0", "F without loss, a small message beside", 25, 5.0)
            .queue_ms(400)
            .with_small(),
        Scenario::new(
            "near",
            "1 ms, 5 Mbit/s, 1 % loss, small beside bulk held to 48 kB",
            1,
            5.0,
        )
        .losing(0.01)
        .with_small()
        .window(48_000),
        Scenario::new("small-w", "F, small beside bulk held to 128 kB", 25, 5.0)
            .losing(0.01)
            .queue_ms(400)
            .with_small()
            .window(128_000),
    ]
}
