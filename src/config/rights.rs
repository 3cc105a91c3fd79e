//! Rights of viewers by their grants, and without one.

use remote_access_rights::{Rights, Verifier, VerifyingKey};

use super::environment::Environment;
use super::error::ConfigError;
use super::table as parameter;
use super::values::Values;
use crate::access::AccessControl;

/// Grants are checked with the secret of the API key, if the node has it, and with the public key.
pub(super) fn access(
    values: Values,
    environment: &Environment,
) -> Result<AccessControl, ConfigError> {
    let secret = environment.api_secret.as_ref();
    let mut keys: Vec<VerifyingKey> = secret
        .map(|secret| VerifyingKey::secret(secret.expose()))
        .into_iter()
        .collect();
    let public = values.get(&parameter::GRANT_PUBLIC_KEY)?;
    if !public.is_empty() {
        let key = VerifyingKey::public(&public).map_err(|reason| ConfigError::GrantKey {
            name: parameter::GRANT_PUBLIC_KEY.name,
            reason,
        })?;
        keys.push(key);
    }
    let name = parameter::VIEWER_DEFAULT_RIGHTS.name;
    let entries = values.entries(&parameter::VIEWER_DEFAULT_RIGHTS)?;
    let rights = Rights::parse(entries).and_then(|rights| rights.compile());
    Ok(AccessControl {
        verifier: Verifier::new(keys),
        default: rights.map_err(|reason| ConfigError::Rights { name, reason })?,
        emergency_stop: values.full_name(&parameter::EMERGENCY_STOP)?,
    })
}
