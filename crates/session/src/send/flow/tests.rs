use super::*;

const MS: Duration = Duration::from_millis(1);

#[test]
fn without_acknowledgements_the_rate_is_fixed() {
    let start = Instant::now();
    let mut flow = FlowControl::new(start, 250_000, None);
    let mut sent = 0;
    for step in 0..10_000 {
        if flow.has_credit(start + step * MS) {
            flow.on_sent(15_000);
            flow.charge(15_000);
            sent += 15_000;
        }
    }
    let allowed = 2_500_000 + INITIAL_WINDOW as usize;
    assert!(
        sent <= allowed + 15_000 && sent >= allowed - 15_000,
        "{sent}"
    );
}

#[test]
fn stamps_increase_and_unknown_or_old_acks_change_nothing() {
    let now = Instant::now();
    let mut flow = FlowControl::new(now, 1, None);
    let first = flow.mark(now, 5);
    flow.on_sent(100);
    let second = flow.mark(now, 5);
    assert!(second > first);
    flow.on_ack(now, second + 1);
    assert!(!flow.acknowledges());
    flow.on_ack(now, second);
    assert!(flow.has_arrived(100));
    flow.on_ack(now, first);
    assert!(flow.has_arrived(100));
    assert!(!flow.has_arrived(101));
}

/// A bottleneck that delivers `rate` bytes per second with a base round trip of `rtt`.
fn queue_after(rate: u64, rtt: Duration, seconds: u32) -> (f64, f64) {
    let start = Instant::now();
    let mut flow = FlowControl::new(start, 250_000, None);
    let mut backlog = 0.0f64;
    let mut pending: VecDeque<(Instant, u64)> = VecDeque::new();
    let mut delivered = 0.0;
    let mut worst = 0.0f64;
    for step in 0..seconds * 1000 {
        let now = start + step * MS;
        let drained = (rate as f64 / 1000.0).min(backlog);
        backlog -= drained;
        delivered += drained;
        while flow.has_credit(now) {
            flow.on_sent(5_000);
            flow.charge(5_000);
            backlog += 5_000.0;
        }
        if step % 100 == 0 {
            let stamp = flow.mark(now, u64::from(step));
            let queueing = Duration::from_secs_f64(backlog / rate as f64);
            pending.push_back((now + rtt + queueing, stamp));
        }
        while let Some(&(_, stamp)) = pending.front().filter(|(at, _)| *at <= now) {
            pending.pop_front();
            flow.on_ack(now, stamp);
        }
        if step > seconds * 500 {
            worst = worst.max(backlog / rate as f64);
        }
    }
    (delivered / (f64::from(seconds) * rate as f64), worst)
}

#[test]
fn a_slow_link_is_used_without_a_long_queue() {
    for (rate, rtt) in [
        (625_000, 50 * MS),
        (125_000, 100 * MS),
        (5_000_000, 20 * MS),
    ] {
        let (used, queue) = queue_after(rate, rtt, 60);
        assert!(used > 0.8, "{rate} B/s: used {used}");
        let limit = 0.35f64.max(2.0 * MIN_WINDOW as f64 / rate as f64);
        assert!(queue < limit, "{rate} B/s: {queue} s queued");
    }
}

#[test]
fn an_end_of_acknowledgements_is_noticed_only_after_acknowledgements_began() {
    let start = Instant::now();
    let mut flow = FlowControl::new(start, 1, None);
    assert!(!flow.stopped_acknowledging(start + 10_000 * MS));
    let stamp = flow.mark(start, 0);
    flow.on_ack(start + 10 * MS, stamp);
    assert!(!flow.stopped_acknowledging(start + 300 * MS));
    assert!(flow.stopped_acknowledging(start + 500 * MS));
}

#[test]
fn a_viewer_whose_pings_are_not_all_answered_still_acknowledges() {
    let start = Instant::now();
    let mut flow = FlowControl::new(start, 1, None);
    let (mut pongs, mut stamps) = (0, VecDeque::new());
    for step in 0..6_000u32 {
        let now = start + step * MS;
        // A ping each 100 ms, and acknowledgements as late as those of a busy viewer.
        if step % 100 == 0 && !flow.ping(now, u64::from(step), || None).is_empty() {
            pongs += 1;
            stamps.push_back((now + 90 * MS, flow.mark(now, u64::from(step))));
        }
        if let Some((_, stamp)) = stamps.front().filter(|(at, _)| *at <= now).copied() {
            stamps.pop_front();
            flow.on_ack(now, stamp);
        }
        assert!(!flow.stopped_acknowledging(now), "after {step} ms");
    }
    assert!(pongs < 25, "{pongs} of 60 pings");
    assert!(flow.stopped_acknowledging(start + 7_000 * MS));
}
