//! Catalogues of what the robot offers, one for each group of viewers with equal rights.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::permission::Permission;

/// Groups whose catalogues are kept. With more they are made anew.
const MAX_GROUPS: usize = 32;

/// Catalogues of the groups of viewers that were told one.
#[derive(Debug, Default)]
pub(crate) struct Catalogues(BTreeMap<(u128, bool), Vec<Bytes>>);

impl Catalogues {
    /// The catalogue of those with this permission, made if it is not there.
    pub(crate) fn of(
        &mut self,
        permission: &Permission,
        make: impl FnOnce() -> Vec<Bytes>,
    ) -> Vec<Bytes> {
        let key = (permission.rights.group, permission.may_send);
        if self.0.len() >= MAX_GROUPS && !self.0.contains_key(&key) {
            self.0.clear();
        }
        self.0.entry(key).or_insert_with(make).clone()
    }

    /// Forgets them: what the robot offers has changed.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permission::{Policy, Rights};

    #[test]
    fn each_group_has_its_own_and_a_crowd_of_groups_is_bounded() {
        let with = |group| {
            let rights = Rights {
                group,
                ..Rights::all()
            };
            Permission::new(Policy::default(), rights)
        };
        let mut catalogues = Catalogues::default();
        let frame = |text: &'static str| vec![Bytes::from_static(text.as_bytes())];
        assert_eq!(catalogues.of(&with(1), || frame("one")), frame("one"));
        assert_eq!(catalogues.of(&with(2), || frame("two")), frame("two"));
        assert_eq!(catalogues.of(&with(1), || frame("never")), frame("one"));
        let mut silent = with(1);
        silent.may_send = false;
        assert_eq!(catalogues.of(&silent, || frame("silent")), frame("silent"));
        for group in 0..1000 {
            catalogues.of(&with(group), Vec::new);
            assert!(catalogues.0.len() <= MAX_GROUPS);
        }
    }
}
