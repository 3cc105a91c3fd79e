//! The connection to the viewers as a message, for programs of the robot that go by it.

use std::time::Instant;

use serde_json::{json, Value};

use crate::driver::Report;

/// Makes the messages, one after the other: rates are those since the last one.
#[derive(Default)]
pub(super) struct ConnectionMessages {
    last: Option<Sample>,
}

#[derive(Clone, Copy)]
struct Sample {
    at: Instant,
    connections: u64,
    sent_bytes: u64,
    received_bytes: u64,
}

impl ConnectionMessages {
    /// The connection as it is `now`.
    pub(super) fn next(&mut self, now: Instant, report: &Report) -> Value {
        let path = report.path.as_ref();
        let sample = path.map(|path| Sample {
            at: now,
            connections: report.connections,
            sent_bytes: path.sent_bytes,
            received_bytes: path.received_bytes,
        });
        let last = std::mem::replace(&mut self.last, sample);
        let rates = sample
            .zip(last)
            .and_then(|(sample, last)| sample.since(last));
        let path = path.map(|path| {
            json!({
                "kind": path.kind.name(),
                "round_trip_ms": (path.round_trip.as_secs_f64() * 1e4).round() / 10.0,
                "checks_sent": path.checks_sent,
                "checks_answered": path.checks_answered,
                "sent_bytes_per_second": rates.map(|(sent, _)| sent),
                "received_bytes_per_second": rates.map(|(_, received)| received),
            })
        });
        json!({
            "state": report.connection.name(),
            "connections": report.connections,
            "viewers": report.viewers.len(),
            "path": path,
        })
    }
}

impl Sample {
    /// Bytes per second sent and received since another sample; `None` across a change of the path,
    /// whose bytes are counted from 0.
    fn since(self, last: Self) -> Option<(u64, u64)> {
        let seconds = self.at.saturating_duration_since(last.at).as_secs_f64();
        if self.connections != last.connections || seconds <= 0.0 {
            return None;
        }
        let rate = |now: u64, before: u64| Some((now.checked_sub(before)? as f64 / seconds) as u64);
        Some((
            rate(self.sent_bytes, last.sent_bytes)?,
            rate(self.received_bytes, last.received_bytes)?,
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::driver::{ConnectionState, PathKind, PathStats};

    fn report(connections: u64, sent_bytes: u64) -> Report {
        Report {
            connection: ConnectionState::Up,
            connections,
            path: Some(PathStats {
                kind: PathKind::RelayTls,
                round_trip: Duration::from_micros(12_340),
                sent_bytes,
                received_bytes: sent_bytes / 10,
                checks_sent: 9,
                checks_answered: 8,
            }),
            ..Report::default()
        }
    }

    #[test]
    fn rates_are_those_since_the_last_message_on_the_same_path() {
        let mut messages = ConnectionMessages::default();
        let start = Instant::now();
        let mut sent = |seconds, report: &Report| {
            let message = messages.next(start + Duration::from_secs(seconds), report);
            message["path"]["sent_bytes_per_second"].clone()
        };
        assert_eq!(sent(0, &report(1, 1_000)), Value::Null);
        assert_eq!(sent(2, &report(1, 9_000)), json!(4_000));
        // Another connection, and another path of the same one.
        assert_eq!(sent(3, &report(2, 10_000)), Value::Null);
        assert_eq!(sent(4, &report(2, 100)), Value::Null);
        assert_eq!(sent(5, &Report::default()), Value::Null);
    }

    #[test]
    fn a_message_tells_the_path_or_that_there_is_none() {
        let mut messages = ConnectionMessages::default();
        let message = messages.next(Instant::now(), &report(3, 0));
        assert_eq!(message["state"], "up");
        assert_eq!(message["connections"], 3);
        assert_eq!(message["path"]["kind"], "relay/tls");
        assert_eq!(message["path"]["round_trip_ms"], 12.3);
        let message = messages.next(Instant::now(), &Report::default());
        assert_eq!(message["state"], "down");
        assert_eq!(message["path"], Value::Null);
    }
}
