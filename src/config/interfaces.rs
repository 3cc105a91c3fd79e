//! Which network interfaces connections use.

use std::sync::Arc;

use remote_access_room::InterfaceFilter;

use super::error::ConfigError;
use super::table as parameter;
use super::values::Values;
use crate::ros::Patterns;

/// The network interfaces that may be used.
#[derive(Clone, Debug)]
pub struct Interfaces {
    /// Those allowed; by default nearly all.
    allow: Patterns,
    /// Those denied even if allowed.
    deny: Patterns,
}

impl Interfaces {
    pub(super) fn read(values: Values<'_>) -> Result<Self, ConfigError> {
        Ok(Self {
            allow: values.patterns(&parameter::NETWORK_INTERFACES)?,
            deny: values.patterns(&parameter::NETWORK_INTERFACE_DENYLIST)?,
        })
    }

    /// The same for the connections of the process.
    #[must_use]
    pub fn into_filter(self) -> InterfaceFilter {
        Arc::new(move |interface| self.is_wanted(interface))
    }

    /// Whether an interface is to be used; `None` leaves it to the default.
    fn is_wanted(&self, interface: &str) -> Option<bool> {
        if self.deny.matches(interface) {
            Some(false)
        } else {
            (!self.allow.is_empty()).then(|| self.allow.matches(interface))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denied_interface_is_not_used_and_an_unnamed_one_by_default() {
        let interfaces = |allow: &[&str], deny: &[&str]| Interfaces {
            allow: Patterns::new(allow).unwrap(),
            deny: Patterns::new(deny).unwrap(),
        };
        assert_eq!(interfaces(&[], &[]).is_wanted("docker0"), None);
        let without_lte = interfaces(&[], &["wwan.*"]);
        assert_eq!(without_lte.is_wanted("wwan0"), Some(false));
        assert_eq!(without_lte.is_wanted("wlan0"), None);
        let some = interfaces(&["w.*", "docker0"], &["wwan.*"]);
        assert_eq!(some.is_wanted("wwan0"), Some(false));
        assert_eq!(some.is_wanted("docker0"), Some(true));
        assert_eq!(some.is_wanted("eth0"), Some(false));
    }
}
