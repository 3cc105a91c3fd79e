//! Counts of the viewer: messages, bytes, gaps and latencies per topic, and totals over time.

use std::collections::HashMap;

use parking_lot::Mutex;
use serde_json::{json, Value};

use crate::events::{emit, now};

/// Where the payload carries `u64` time in nanoseconds and `u64` sequence number, little endian.
const STAMP_OFFSET: usize = 16;
/// Seconds between two points of the timeline.
const TICK: f64 = 0.05;
/// More samples than this are thinned evenly in the report.
const MOST_SAMPLES: usize = 20_000;
/// Statuses and errors kept for the report.
const MOST_REMARKS: usize = 5;

/// The viewer's figures, shared by the tasks that read streams.
#[derive(Default)]
pub(crate) struct Tally {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    names: HashMap<u64, String>,
    topics: HashMap<u64, Topic>,
    messages: u64,
    bytes: u64,
    timeline: Vec<(f64, u64, u64)>,
    statuses: Vec<String>,
    errors: Vec<String>,
}

#[derive(Default)]
struct Topic {
    messages: u64,
    bytes: u64,
    missing: u64,
    repeated: u64,
    next: u64,
    samples: Vec<(f64, f64)>,
}

impl Tally {
    /// Remembers a channel's topic.
    pub(crate) fn name(&self, channel: u64, topic: String) {
        self.inner.lock().names.insert(channel, topic);
    }

    /// Number of channels that have been advertised.
    pub(crate) fn channels(&self) -> usize {
        self.inner.lock().names.len()
    }

    /// Counts a message; returns the sequence number that the topic waits for now.
    pub(crate) fn message(&self, channel: u64, data: &[u8]) -> u64 {
        let now = now();
        let inner = &mut *self.inner.lock();
        inner.mark(now);
        inner.messages += 1;
        inner.bytes += data.len() as u64;
        inner.topics.entry(channel).or_default().message(now, data)
    }

    /// Counts bytes of messages that are not read and have `size` bytes each; returns how many
    /// messages that are so far.
    pub(crate) fn bytes(&self, bytes: u64, size: u64) -> u64 {
        let inner = &mut *self.inner.lock();
        inner.mark(now());
        inner.bytes += bytes;
        inner.messages = inner.bytes / size;
        inner.messages
    }

    /// The highest sequence number that any topic waits for; a closed loop has one topic. Of
    /// messages that are not read, their number.
    pub(crate) fn next(&self) -> u64 {
        let inner = self.inner.lock();
        inner
            .topics
            .values()
            .map(|topic| topic.next)
            .max()
            .unwrap_or(inner.messages)
    }

    /// Keeps a status message of the robot.
    pub(crate) fn status(&self, message: String) {
        keep(&mut self.inner.lock().statuses, message);
    }

    /// Keeps an error.
    pub(crate) fn error(&self, message: String) {
        keep(&mut self.inner.lock().errors, message);
    }

    /// Everything, as the harness reads it.
    pub(crate) fn report(&self) -> Value {
        let inner = &mut *self.inner.lock();
        inner.timeline.push((now(), inner.messages, inner.bytes));
        let topics: serde_json::Map<_, _> = inner
            .topics
            .iter()
            .map(|(channel, topic)| {
                let name = inner.names.get(channel).map_or("?", String::as_str);
                (name.to_owned(), topic.report())
            })
            .collect();
        json!({
            "topics": topics,
            "timeline": inner.timeline,
            "statuses": inner.statuses,
            "errors": inner.errors,
        })
    }
}

impl Inner {
    /// Takes down what has arrived so far, before something else has.
    fn mark(&mut self, now: f64) {
        if self.timeline.is_empty() {
            emit("first", json!({}));
        }
        let last = self.timeline.last();
        if last.is_none_or(|&(last, _, _)| now - last >= TICK) {
            self.timeline.push((now, self.messages, self.bytes));
        }
    }
}

impl Topic {
    fn message(&mut self, now: f64, data: &[u8]) -> u64 {
        let Some((stamp, sequence)) = stamp(data) else {
            return self.next;
        };
        // What came before the subscription is not missing.
        if self.messages > 0 && sequence > self.next {
            self.missing += sequence - self.next;
        } else if self.messages > 0 && sequence < self.next {
            self.repeated += 1;
        }
        self.next = self.next.max(sequence + 1);
        self.messages += 1;
        self.bytes += data.len() as u64;
        self.samples.push((now, now - stamp as f64 / 1e9));
        self.next
    }

    fn report(&self) -> Value {
        let step = (self.samples.len() / MOST_SAMPLES).max(1);
        let samples: Vec<_> = self.samples.iter().step_by(step).collect();
        json!({
            "messages": self.messages,
            "bytes": self.bytes,
            "missing": self.missing,
            "repeated": self.repeated,
            "samples": samples,
        })
    }
}

fn stamp(data: &[u8]) -> Option<(u64, u64)> {
    let (stamp, rest) = data.get(STAMP_OFFSET..)?.split_first_chunk::<8>()?;
    let sequence = rest.first_chunk::<8>()?;
    Some((u64::from_le_bytes(*stamp), u64::from_le_bytes(*sequence)))
}

fn keep(remarks: &mut Vec<String>, remark: String) {
    if remarks.len() == MOST_REMARKS {
        remarks.remove(0);
    }
    remarks.push(remark);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(sequence: u64) -> Vec<u8> {
        let mut data = vec![0; STAMP_OFFSET];
        data.extend_from_slice(&0_u64.to_le_bytes());
        data.extend_from_slice(&sequence.to_le_bytes());
        data
    }

    #[test]
    fn counts_gaps_and_repeats_but_not_what_came_before() {
        let tally = Tally::default();
        for sequence in [100, 101, 105, 103, 106] {
            tally.message(1, &message(sequence));
        }
        let topic = &tally.report()["topics"]["?"];
        assert_eq!(topic["messages"], 5);
        assert_eq!(topic["missing"], 3);
        assert_eq!(topic["repeated"], 1);
        assert_eq!(tally.next(), 107);
    }

    #[test]
    fn a_short_message_is_counted_and_not_read() {
        let tally = Tally::default();
        assert_eq!(tally.message(1, &[0; 20]), 0);
        assert_eq!(tally.report()["timeline"][0][1], 0);
        assert_eq!(tally.report()["topics"]["?"]["messages"], 0);
    }

    #[test]
    fn keeps_the_latest_remarks() {
        let tally = Tally::default();
        for number in 0..7 {
            tally.status(number.to_string());
        }
        assert_eq!(tally.report()["statuses"], json!(["2", "3", "4", "5", "6"]));
    }
}
