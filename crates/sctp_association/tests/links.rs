//! Associations over a simulated link. The implementation behind the trait may change; these must
//! hold for any.

use std::time::{Duration, Instant};

use link_sim::{Association, Endpoint, Report, Scenario};
use sctp_association::{LONGEST_WAIT, UNSENT};

/// Plays a case. That messages arrive complete, once and in order is checked by the simulator.
fn play(scenario: &Scenario, seed: u64) -> Report {
    let start = Instant::now();
    let ends = [true, false].map(|client| -> Box<dyn Endpoint> {
        Box::new(Association::new(client, LONGEST_WAIT, UNSENT, start))
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
fn losses_on_the_air_leave_most_of_a_link() {
    for (name, link) in [("C", 20.0), ("F", 5.0), ("jitter", 20.0)] {
        let report = play(&case(name), 1);
        let goodput = report.goodput();
        assert!(goodput > link / 2.0, "{name}: {goodput} of {link} Mbit/s");
        assert!(
            report.cost() < 1.1,
            "{name}: {} bytes per byte",
            report.cost()
        );
    }
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
