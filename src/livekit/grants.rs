//! Grants of the participants of a room, as their access tokens carry them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use livekit::id::ParticipantIdentity;
use remote_access_rights::Holder;
use remote_access_session::{Rights, TokenBucket};
use tracing::warn;

use super::description::Description;
use crate::access::AccessControl;
use crate::driver::Access;

/// Changes of its grant that a participant may have per second, in the long run.
const CHANGES: f64 = 0.2;
/// Changes at once.
const BURST: f64 = 5.0;
/// Participants whose changes are counted.
const MAX_COUNTED: usize = 1024;

/// The grants in one room.
pub(super) struct Grants {
    access: Arc<AccessControl>,
    room: String,
    changes: HashMap<ParticipantIdentity, TokenBucket>,
}

impl Grants {
    pub(super) fn new(access: Arc<AccessControl>, room: String) -> Self {
        Self {
            access,
            room,
            changes: HashMap::new(),
        }
    }

    /// Access of a participant that has changed its grant while it was there.
    pub(super) fn changed(&mut self, participant: &Description) -> Access {
        if self.may_change(Instant::now(), &participant.identity) {
            return self.of(participant);
        }
        // One that may change its own attributes, which the server forbids unless it is told otherwise.
        let problem = "this viewer has no rights, since its grant changes too often";
        Access {
            rights: Rights::none(),
            problem: Some(problem.to_owned()),
        }
    }

    /// Access of a participant as it is now.
    pub(super) fn of(&self, participant: &Description) -> Access {
        let now = Instant::now();
        let clock = SystemTime::now().duration_since(UNIX_EPOCH);
        let clock = clock.map_or(0, |time| time.as_secs());
        let identity = &participant.identity;
        let holder = Holder {
            room: &self.room,
            identity: identity.as_str(),
        };
        let grant = participant.grant.as_deref();
        let access = self.access.access(now, clock, holder, grant);
        if let Some(problem) = &access.problem {
            warn!(%identity, problem, "a viewer's grant does not count");
        }
        access
    }

    /// A participant is gone.
    pub(super) fn forget(&mut self, now: Instant, identity: &ParticipantIdentity) {
        // One that leaves to come back at once has not more changes than others.
        let counted = self.changes.get_mut(identity);
        if counted.is_none_or(|bucket| bucket.is_full(now)) {
            self.changes.remove(identity);
        }
    }

    fn may_change(&mut self, now: Instant, identity: &ParticipantIdentity) -> bool {
        if self.changes.len() >= MAX_COUNTED {
            self.changes.retain(|_, bucket| !bucket.is_full(now));
        }
        if self.changes.len() >= MAX_COUNTED && !self.changes.contains_key(identity) {
            return true;
        }
        let bucket = self.changes.entry(identity.clone());
        let bucket = bucket.or_insert_with(|| TokenBucket::new(now, CHANGES, BURST));
        bucket.take(now, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use remote_access_rights::{Rights as Written, Verifier};
    use std::time::Duration;

    fn grants() -> Grants {
        let access = AccessControl {
            verifier: Verifier::new(Vec::new()),
            default: Written::parse(["watch"]).unwrap().compile().unwrap(),
            emergency_stop: String::new(),
        };
        Grants::new(Arc::new(access), "robot1".to_owned())
    }

    /// Changes of 100 that count.
    fn changes(grants: &mut Grants, now: Instant, who: &str) -> usize {
        let identity = who.to_owned().into();
        (0..100)
            .filter(|_| grants.may_change(now, &identity))
            .count()
    }

    #[test]
    fn a_few_changes_of_a_grant_count_and_then_one_now_and_then() {
        let start = Instant::now();
        let mut grants = grants();
        assert_eq!(changes(&mut grants, start, "anna"), 5);
        // Who comes back at once has no more, and others have their own.
        grants.forget(start, &"anna".to_owned().into());
        assert_eq!(changes(&mut grants, start, "anna"), 0);
        assert_eq!(changes(&mut grants, start, "ben"), 5);
        let later = start + Duration::from_secs(5);
        assert_eq!(changes(&mut grants, later, "anna"), 1);
    }

    #[test]
    fn those_who_are_counted_are_bounded() {
        let mut grants = grants();
        for number in 0..2 * MAX_COUNTED {
            changes(&mut grants, Instant::now(), &number.to_string());
        }
        assert!(grants.changes.len() <= MAX_COUNTED);
    }
}
