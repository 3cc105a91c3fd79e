//! What viewers may do beside watching topics.

use remote_access_protocol::capability::{Capability, UnknownCapability};

use super::table::Values;
use super::{patterns, ConfigError};
use crate::ros::Patterns;
use remote_access_session::{NameRule, Rights};

pub(super) fn rights(values: &Values) -> Result<Rights, ConfigError> {
    let name = "capabilities";
    let capabilities: Result<Vec<Capability>, UnknownCapability> = values
        .strings(name)
        .iter()
        .filter(|text| !text.is_empty())
        .map(|text| text.parse())
        .collect();
    let capabilities = capabilities.map_err(|reason| ConfigError::Value {
        name,
        reason: reason.to_string(),
    })?;
    let client_topics = rule(patterns(values, "client_topic_whitelist")?);
    Ok(Rights::new(capabilities, client_topics))
}

pub(super) fn rule(patterns: Patterns) -> NameRule {
    NameRule::new(move |name| patterns.matches(name))
}
