//! Which network interfaces connections use.

use remote_access_room::{interface_filter, InterfaceFilter};

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
        let Self { allow, deny } = self;
        let allowed = (!allow.is_empty()).then_some(move |name: &str| allow.matches(name));
        interface_filter(allowed, move |name| deny.matches(name))
    }
}
