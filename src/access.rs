//! Access of viewers: their grants, checked, as rights of the session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use remote_access_rights::{Holder, Names, Rules, Verifier};
use remote_access_session::{NameRule, Rights};

use crate::driver::Access;

/// Longest time until rights end, ten years, so that times can be computed with.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// Decides on the rights of viewers.
#[derive(Clone, Debug)]
pub struct AccessControl {
    /// Checks grants.
    pub verifier: Verifier,
    /// Rights of viewers without a grant (parameter `viewer_default_rights`).
    pub default: Rules,
    /// The service or topic that drivers may use as well; empty if there is none.
    pub emergency_stop: String,
}

impl AccessControl {
    /// The rights of a viewer. `now` and `clock`, in seconds since 1970, are the same moment.
    ///
    /// One whose grant does not count has no rights at all: the default might be more than what it
    /// was granted.
    #[must_use]
    pub fn access(
        &self,
        now: Instant,
        clock: u64,
        holder: Holder<'_>,
        grant: Option<&str>,
    ) -> Access {
        let Some(grant) = grant else {
            return Access {
                rights: self.rights(&self.default, None),
                problem: None,
            };
        };
        match self.verifier.verify(grant, holder, clock) {
            Ok((grant, rules)) => {
                let left = Duration::from_secs(grant.expires - clock).min(LONGEST);
                Access {
                    rights: self.rights(&rules, Some(now + left)),
                    problem: None,
                }
            }
            Err(error) => Access {
                rights: Rights::none(),
                problem: Some(format!(
                    "this viewer has no rights, since its grant does not count: {error}; ask for a new link or token"
                )),
            },
        }
    }

    fn rights(&self, rules: &Rules, expires: Option<Instant>) -> Rights {
        Rights {
            see: rule(&rules.see),
            publish: self.with_emergency_stop(rules, &rules.publish),
            call: self.with_emergency_stop(rules, &rules.call),
            read: rule(&rules.read),
            set: rule(&rules.set),
            assets: rule(&rules.assets),
            drive: rules.drive,
            override_driver: rules.override_driver,
            expires,
            group: rules.fingerprint,
        }
    }

    /// The rule extended by the emergency stop, for those who may drive.
    fn with_emergency_stop(&self, rules: &Rules, names: &Names) -> NameRule {
        if !rules.drive || self.emergency_stop.is_empty() || names.is_all() {
            return rule(names);
        }
        let names = names.clone();
        let stop: Arc<str> = self.emergency_stop.as_str().into();
        NameRule::new(move |name| *name == *stop || names.has(name))
    }
}

fn rule(names: &Names) -> NameRule {
    if names.is_all() {
        return NameRule::all();
    }
    if names.is_empty() {
        return NameRule::default();
    }
    let names = names.clone();
    NameRule::new(move |name| names.has(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use remote_access_rights::{Grant, Rights as Written, SigningKey, VerifyingKey};

    const CLOCK: u64 = 1_800_000_000;
    const ANNA: Holder<'static> = Holder {
        room: "robot1",
        identity: "anna",
    };

    fn control(default: &[&str], emergency_stop: &str) -> AccessControl {
        AccessControl {
            verifier: Verifier::new(vec![VerifyingKey::secret("secret")]),
            default: Written::parse(default).unwrap().compile().unwrap(),
            emergency_stop: emergency_stop.to_owned(),
        }
    }

    fn grant(entries: &[&str]) -> String {
        let grant = Grant {
            room: "robot1".to_owned(),
            identity: "anna".to_owned(),
            not_before: None,
            expires: CLOCK + 3600,
            rights: Written::parse(entries).unwrap(),
        };
        grant.sign(&SigningKey::secret("secret")).unwrap()
    }

    #[test]
    fn a_grant_counts_instead_of_the_default_until_it_ends() {
        let now = Instant::now();
        let control = control(&["watch"], "");
        let without = control.access(now, CLOCK, ANNA, None);
        assert!(without.rights.see.holds("/tf") && !without.rights.drive);
        assert_eq!((without.rights.expires, without.problem), (None, None));
        let text = grant(&["see=/camera/.*", "drive"]);
        let with = control.access(now, CLOCK, ANNA, Some(&text)).rights;
        assert!(with.drive && with.see.holds("/camera/a") && !with.see.holds("/tf"));
        assert_eq!(with.expires, Some(now + Duration::from_secs(3600)));
        assert_ne!(with.group, without.rights.group);
    }

    #[test]
    fn a_grant_that_does_not_count_leaves_nothing_and_is_not_repeated() {
        let now = Instant::now();
        let control = control(&["all"], "");
        let text = grant(&["drive"]);
        for (clock, text) in [
            (CLOCK + 3600, text.as_str()),
            (CLOCK, "eyJ.a.b"),
            (CLOCK, ""),
        ] {
            let access = control.access(now, clock, ANNA, Some(text));
            let problem = access.problem.unwrap();
            assert!(!access.rights.see.holds("/tf") && !access.rights.drive);
            assert!(!problem.contains("eyJ"), "{problem}");
        }
    }

    #[test]
    fn a_driver_may_use_the_emergency_stop_and_others_may_not() {
        let now = Instant::now();
        let control = control(&["watch"], "/stop");
        let text = grant(&["drive", "call=/lamp"]);
        let driver = control.access(now, CLOCK, ANNA, Some(&text)).rights;
        assert!(driver.call.holds("/stop") && driver.publish.holds("/stop"));
        assert!(driver.call.holds("/lamp") && !driver.call.holds("/other"));
        let watcher = control.access(now, CLOCK, ANNA, None).rights;
        assert!(!watcher.call.holds("/stop"));
    }
}
