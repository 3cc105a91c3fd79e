//! Rate limits by topic: entries like `/camera/.*=5`.

use std::sync::Arc;

use flume::{Receiver, Sender};
use parking_lot::Mutex;

use crate::ros::{PatternError, Patterns};
use remote_access_session::RateLimit;

/// Which topics have which rate limit. The first entry that matches counts.
#[derive(Clone, Debug, Default)]
pub struct TopicRates {
    /// Messages per second.
    pub messages: Rates,
    /// Bytes per second.
    pub bytes: Rates,
}

impl TopicRates {
    /// The limit of a topic.
    #[must_use]
    pub fn of(&self, topic: &str) -> RateLimit {
        RateLimit {
            messages: self.messages.of(topic),
            bytes: self.bytes.of(topic),
        }
    }
}

/// Rate limits that may change while the bridge runs. Clones share them.
#[derive(Clone, Debug)]
pub struct LiveRates {
    rates: Arc<Mutex<TopicRates>>,
    changed: Sender<()>,
    changes: Receiver<()>,
}

impl LiveRates {
    /// They begin as these.
    #[must_use]
    pub fn new(rates: TopicRates) -> Self {
        // One word is enough for any number of changes.
        let (changed, changes) = flume::bounded(1);
        Self {
            rates: Arc::new(Mutex::new(rates)),
            changed,
            changes,
        }
    }

    /// Changes them. Never waits.
    pub fn change(&self, change: impl FnOnce(&mut TopicRates)) {
        change(&mut self.rates.lock());
        // If there is a word already, it tells of this as well.
        self.changed.try_send(()).ok();
    }

    /// The limit that a topic has now.
    pub(super) fn of(&self, topic: &str) -> RateLimit {
        self.rates.lock().of(topic)
    }

    /// Gets a word when they have changed.
    pub(super) fn changes(&self) -> &Receiver<()> {
        &self.changes
    }
}

/// One list of such entries.
#[derive(Clone, Debug, Default)]
pub struct Rates(Vec<(Patterns, f64)>);

/// An entry that is no rate limit. The text says what is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RateError {
    /// There is no `=` in it.
    #[error("{0:?} is not of the form regex=number")]
    Form(String),
    /// The text after the last `=` is no positive number.
    #[error(
        "{0:?} does not end with a number above 0; topics that are not to be offered at all belong \
         into topic_denylist"
    )]
    Number(String),
    /// The text before it is not a regular expression.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

impl Rates {
    /// Parses entries of the form `regex=number`. Empty ones are left out.
    ///
    /// # Errors
    /// One of them is not of that form.
    pub fn parse(entries: &[String]) -> Result<Self, RateError> {
        let entries = entries.iter().filter(|entry| !entry.is_empty());
        entries
            .map(|entry| rate(entry))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    fn of(&self, topic: &str) -> Option<f64> {
        let matching = self.0.iter().find(|(pattern, _)| pattern.matches(topic));
        matching.map(|&(_, rate)| rate)
    }
}

fn rate(entry: &str) -> Result<(Patterns, f64), RateError> {
    let (pattern, number) = entry
        .rsplit_once('=')
        .ok_or_else(|| RateError::Form(entry.to_owned()))?;
    let rate = number.trim().parse().ok();
    let rate = rate.filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    let rate = rate.ok_or_else(|| RateError::Number(entry.to_owned()))?;
    Ok((Patterns::new([pattern.trim()])?, rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(entries: &[&str]) -> Result<Rates, RateError> {
        let entries: Vec<String> = entries.iter().map(|&entry| entry.to_owned()).collect();
        Rates::parse(&entries)
    }

    #[test]
    fn the_first_entry_that_matches_the_whole_name_counts() {
        let rates = rates(&["", "/camera/front=10", "/camera/.* = 0.5", "/a=b=3"]).expect("valid");
        let found =
            ["/camera/front", "/camera/rear", "/x/camera/rear", "/a=b"].map(|t| rates.of(t));
        assert_eq!(found, [Some(10.0), Some(0.5), None, Some(3.0)]);
    }

    #[test]
    fn a_bad_entry_is_named() {
        for bad in [
            "/camera",
            "/camera=",
            "/camera=fast",
            "/x=0",
            "/x=-1",
            "/x=inf",
            "/x=NaN",
            "(=1",
        ] {
            let problem = rates(&["/fine=1", bad]).expect_err(bad).to_string();
            let part = bad.trim_end_matches("=1");
            assert!(problem.contains(part), "{bad}: {problem}");
        }
    }
}
