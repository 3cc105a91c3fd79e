//! Requests that are not answered yet.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use remote_access_protocol::{AssetRequestId, CallId, ServiceId};

use super::request::{Encoding, RequestKey};
use crate::ids::ParticipantId;

/// A request that is not answered yet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pending {
    Call {
        service: ServiceId,
        call: CallId,
        encoding: Encoding,
    },
    /// `get` or `set`; answered with values if there is an id, or always for a `get`.
    Parameters {
        id: Option<String>,
        answer: bool,
        sets: bool,
    },
    Asset {
        request: AssetRequestId,
        uri: String,
    },
}

/// The requests that are not answered yet, each with the time until which that may take.
#[derive(Debug, Default)]
pub(crate) struct PendingRequests {
    requests: BTreeMap<RequestKey, (Pending, Instant)>,
    next: u64,
}

impl PendingRequests {
    pub(crate) fn add(
        &mut self,
        now: Instant,
        participant: ParticipantId,
        what: Pending,
        timeout: Duration,
    ) -> RequestKey {
        let number = self.next;
        self.next += 1;
        let key = RequestKey {
            participant,
            number,
        };
        self.requests.insert(key, (what, now + timeout));
        key
    }

    pub(crate) fn take(&mut self, key: RequestKey) -> Option<Pending> {
        self.requests.remove(&key).map(|(what, _)| what)
    }

    /// Number of a kind that one participant waits for.
    pub(crate) fn count(
        &self,
        participant: ParticipantId,
        kind: impl Fn(&Pending) -> bool,
    ) -> usize {
        self.of(participant).filter(|(_, what)| kind(what)).count()
    }

    /// All that one participant waits for.
    pub(crate) fn of(
        &self,
        participant: ParticipantId,
    ) -> impl Iterator<Item = (RequestKey, &Pending)> {
        let key = |number| RequestKey {
            participant,
            number,
        };
        self.requests
            .range(key(0)..=key(u64::MAX))
            .map(|(&key, (what, _))| (key, what))
    }

    /// Everything that is waited for.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (RequestKey, &Pending)> {
        self.requests.iter().map(|(&key, (what, _))| (key, what))
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.requests.values().map(|&(_, deadline)| deadline).min()
    }

    /// Requests whose time is up.
    pub(crate) fn expired(&self, now: Instant) -> Vec<(RequestKey, Pending)> {
        let due = self.requests.iter().filter(|(_, (_, at))| *at <= now);
        due.map(|(&key, (what, _))| (key, what.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_is_taken_once_and_expires_in_time() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let mut pending = PendingRequests::default();
        let viewer = ParticipantId(1);
        let asset = || Pending::Asset {
            request: AssetRequestId(1),
            uri: String::new(),
        };
        let first = pending.add(start, viewer, asset(), second);
        let later = pending.add(start, viewer, asset(), 2 * second);
        let other = pending.add(start, ParticipantId(2), asset(), 3 * second);
        assert_eq!(pending.count(viewer, |_| true), 2);
        let expired = pending.expired(start + second);
        assert!(matches!(expired[..], [(key, _)] if key == first));
        assert!(pending.take(first).is_some());
        assert!(pending.take(first).is_none());
        assert_eq!(pending.next_deadline(), Some(start + 2 * second));
        assert!(pending.take(later).is_some());
        assert_eq!(pending.of(ParticipantId(2)).count(), 1);
        assert!(pending.take(other).is_some());
        assert_eq!(pending.next_deadline(), None);
    }
}
