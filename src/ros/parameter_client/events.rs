//! Parameter events of nodes.

use super::super::filter::Patterns;
use super::super::parameter_value::ParameterValue;
use remote_access_cdr::Definition;
use serde_json::Value;

/// A parameter with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterEntry {
    /// `/namespace/node.parameter`.
    pub name: String,
    /// Its value.
    pub value: ParameterValue,
}

/// Largest parameter event as JSON, in bytes.
const MAX_EVENT: usize = 16 * 1024 * 1024;

/// Changes of allowed parameters in a parameter event. None if it is no such event.
pub(super) fn changes_of(
    definition: &Definition,
    event: &[u8],
    allow: &Patterns,
) -> Option<Vec<ParameterEntry>> {
    let json = definition.to_json(event, MAX_EVENT).ok()?;
    let event: Value = serde_json::from_slice(&json).ok()?;
    let node = event["node"].as_str()?;
    let mut entries = Vec::new();
    for kind in ["new_parameters", "changed_parameters", "deleted_parameters"] {
        for parameter in event[kind].as_array().into_iter().flatten() {
            let name = format!("{node}.{}", parameter["name"].as_str()?);
            let value = match kind {
                "deleted_parameters" => ParameterValue::NotSet,
                _ => ParameterValue::from_json(&parameter["value"])?,
            };
            if allow.matches(&name) {
                entries.push(ParameterEntry { name, value });
            }
        }
    }
    Some(entries)
}
