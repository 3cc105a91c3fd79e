//! Settings from the environment: the secrets, which are never parameters since any node can
//! read those.

use std::path::PathBuf;

use remote_access_room::{EncryptionVariables, Secret};

/// The environment of the process.
#[derive(Clone, Debug)]
pub struct Environment {
    /// `LIVEKIT_URL`.
    pub url: Option<String>,
    /// `LIVEKIT_TOKEN`.
    pub token: Option<Secret>,
    /// `LIVEKIT_TOKEN_FILE`.
    pub token_file: Option<PathBuf>,
    /// `LIVEKIT_TOKEN_ENDPOINT`.
    pub token_endpoint: Option<String>,
    /// `LIVEKIT_TOKEN_ENDPOINT_KEY`.
    pub token_endpoint_key: Option<Secret>,
    /// `LIVEKIT_API_KEY`.
    pub api_key: Option<String>,
    /// `LIVEKIT_API_SECRET`.
    pub api_secret: Option<Secret>,
    /// Key for end-to-end encryption.
    pub encryption: EncryptionVariables,
    /// The machine's name.
    pub host_name: String,
    /// Differs from machine to machine, and from one ROS domain to another.
    pub machine: String,
}

impl Environment {
    /// Reads the process's environment. An empty variable counts as not set.
    #[must_use]
    pub fn read() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        Self {
            url: variable("LIVEKIT_URL"),
            token: variable("LIVEKIT_TOKEN").map(Secret::new),
            token_file: variable("LIVEKIT_TOKEN_FILE").map(PathBuf::from),
            token_endpoint: variable("LIVEKIT_TOKEN_ENDPOINT"),
            token_endpoint_key: variable("LIVEKIT_TOKEN_ENDPOINT_KEY").map(Secret::new),
            api_key: variable("LIVEKIT_API_KEY"),
            api_secret: variable("LIVEKIT_API_SECRET").map(Secret::new),
            encryption: EncryptionVariables::read(),
            host_name: gethostname::gethostname().to_string_lossy().into_owned(),
            machine: machine(),
        }
    }

    /// A name for a node of this machine that is the same at each start: the machine's name, and a
    /// number that differs from other machines of that name and from other nodes.
    #[must_use]
    pub fn stable_name(&self, node: &str) -> String {
        let number = fnv1a([self.machine.as_str(), node].join("\n").as_bytes());
        format!("{}-{number:08x}", self.host_name)
    }
}

/// The machine's id, where it has one, and the ROS domain.
fn machine() -> String {
    let id = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let domain = std::env::var("ROS_DOMAIN_ID").unwrap_or_default();
    format!("{}\n{domain}", id.trim())
}

/// A hash that never changes: the 32-bit FNV-1a.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
impl Environment {
    /// An environment in which nothing is set.
    pub(super) fn empty(machine: &str) -> Self {
        Self {
            url: None,
            token: None,
            token_file: None,
            token_endpoint: None,
            token_endpoint_key: None,
            api_key: None,
            api_secret: None,
            encryption: EncryptionVariables::default(),
            host_name: "robot1".into(),
            machine: machine.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_at_each_start_and_another_one_elsewhere() {
        let stable_name = |machine, node| Environment::empty(machine).stable_name(node);
        let name = stable_name("id", "/bridge");
        assert_eq!(name, "robot1-5f00339a");
        assert_ne!(name, stable_name("other", "/bridge"));
        assert_ne!(name, stable_name("id", "/other/bridge"));
    }
}
