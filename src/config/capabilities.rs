//! Capabilities: permissions of any viewer beside watching topics, whatever its rights.

use remote_access_protocol::capability::{Capability, UnknownCapability};

use super::error::ConfigError;
use super::table as parameter;
use super::values::Values;
use crate::ros::Patterns;
use remote_access_session::{NameRule, Policy};

pub(super) fn policy(values: Values) -> Result<Policy, ConfigError> {
    let key = &parameter::CAPABILITIES;
    let entries = values.entries(key)?;
    let capabilities: Result<Vec<Capability>, UnknownCapability> =
        entries.iter().map(|text| text.parse()).collect();
    let capabilities = capabilities.map_err(|reason| ConfigError::Capability {
        name: key.name,
        reason,
    })?;
    let client_topics = rule(values.patterns(&parameter::CLIENT_TOPIC_WHITELIST)?);
    Ok(Policy::new(capabilities, client_topics))
}

pub(super) fn rule(patterns: Patterns) -> NameRule {
    NameRule::new(move |name| patterns.matches(name))
}
