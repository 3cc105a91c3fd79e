//! The association behind the seam, over a simulated link. The engine that stands there may change;
//! these must hold for any.

use std::time::{Duration, Instant};

use bytes::Bytes;
use link_sim::{Delivery, Endpoint, Event, Outgoing, Report, Scenario};

use super::{Message, Payload, Reliability, SctpAssociation, SctpEvent, UNSENT};

/// An association that is fed in the order of its messages.
struct End {
    inner: Box<dyn SctpAssociation>,
    queue: std::collections::VecDeque<Message>,
    buffered: [usize; 4],
}

impl Endpoint for End {
    fn handle_packet(&mut self, packet: &[u8], now: Instant) {
        self.inner.handle_packet(packet, now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.inner.handle_timeout(now);
    }

    fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        self.inner.poll_timeout(now)
    }

    fn poll_packet(&mut self, now: Instant) -> Option<Bytes> {
        while self.inner.unsent() < UNSENT {
            let Some(message) = self.queue.pop_front() else {
                break;
            };
            self.inner.send(message, now).unwrap();
        }
        self.inner.poll_packet(now)
    }

    fn poll_event(&mut self) -> Option<Event> {
        loop {
            return Some(match self.inner.poll_event()? {
                SctpEvent::Connected => Event::Connected,
                SctpEvent::Message { stream, data, .. } => Event::Message { stream, data },
                SctpEvent::Closed => Event::Closed,
                SctpEvent::StreamReset { .. } => continue,
                SctpEvent::Sent { stream, bytes } => {
                    // Panics if more is reported than was accepted.
                    self.buffered[usize::from(stream)] -= bytes;
                    continue;
                }
            });
        }
    }

    fn send(&mut self, message: Outgoing, _now: Instant) {
        self.buffered[usize::from(message.stream)] += message.data.len();
        self.queue.push_back(Message {
            stream: message.stream,
            payload: Payload::Binary,
            data: message.data,
            ordered: message.delivery == Delivery::Reliable,
            reliability: match message.delivery {
                Delivery::Reliable => Reliability::Reliable,
                Delivery::Lossy => Reliability::MaxRetransmits(0),
            },
        });
    }

    fn buffered(&self, stream: u16) -> usize {
        self.buffered[usize::from(stream)]
    }
}

/// Plays a case. That messages arrive complete, once and in order is checked by the simulator.
fn play(scenario: &Scenario, seed: u64) -> Report {
    let start = Instant::now();
    let ends = [true, false].map(|client| -> Box<dyn Endpoint> {
        Box::new(End {
            inner: super::new(client, start),
            queue: Default::default(),
            buffered: [0; 4],
        })
    });
    link_sim::run(scenario, ends, start, seed)
}

fn case(name: &str) -> Scenario {
    let found = link_sim::all().into_iter().find(|case| case.name == name);
    found.unwrap()
}

#[test]
fn a_clean_link_is_used() {
    let report = play(&case("B"), 1);
    assert_eq!(report.died, None);
    assert!(report.goodput() > 15.0, "{} of 20 Mbit/s", report.goodput());
    assert!(report.cost() < 1.1, "{} bytes per byte", report.cost());
}

#[test]
fn bad_links_never_end_it() {
    for name in ["C", "G", "bursts", "jitter", "shallow"] {
        let report = play(&case(name), 2);
        assert_eq!(report.died, None, "{name}");
        assert!(report.bulk_bytes > 500_000, "{name}: {report:?}");
        assert!(
            report.longest_stall < Duration::from_secs(10),
            "{name}: {report:?}"
        );
    }
}

#[test]
fn a_lost_copy_is_sent_again_soon() {
    for seed in 1..=5 {
        let report = play(&case("near"), seed);
        assert!(
            report.longest_stall < Duration::from_millis(500),
            "seed {seed}: {report:?}"
        );
        let late = report.small_age(0.99);
        assert!(late < Duration::from_millis(200), "seed {seed}: {late:?}");
    }
}

#[test]
fn it_goes_on_soon_after_an_outage() {
    let report = play(&case("outage"), 3);
    let recovery = report.recovery.expect("it never went on");
    assert!(recovery < Duration::from_secs(1), "{recovery:?}");
    assert!(report.goodput() > 10.0, "{} Mbit/s", report.goodput());
}

#[test]
fn lossy_messages_get_lost_and_only_they() {
    let mut scenario = case("small");
    scenario.traffic.small_lossy = true;
    scenario.link.loss = link_sim::Loss::Random(0.05);
    let report = play(&scenario, 4);
    let sent = scenario.time.as_millis() / 50;
    let arrived = report.small_ages.len() as u128;
    assert!(
        arrived < sent && arrived * 10 > sent * 8,
        "{arrived} of {sent}"
    );
}
