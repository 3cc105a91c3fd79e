//! What comes from the environment: the secrets, which are never parameters since any node can
//! read those.

use remote_access_room::Secret;

/// The environment of the process.
#[derive(Clone, Debug)]
pub struct Environment {
    /// `LIVEKIT_URL`.
    pub url: Option<String>,
    /// `LIVEKIT_TOKEN`.
    pub token: Option<Secret>,
    /// `LIVEKIT_API_KEY`.
    pub api_key: Option<String>,
    /// `LIVEKIT_API_SECRET`.
    pub api_secret: Option<Secret>,
    /// The machine's name.
    pub host_name: String,
    /// Makes names unique.
    pub random: u32,
}

impl Environment {
    /// Reads the process's environment. An empty variable counts as not set.
    #[must_use]
    pub fn read() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        Self {
            url: variable("LIVEKIT_URL"),
            token: variable("LIVEKIT_TOKEN").map(Secret::new),
            api_key: variable("LIVEKIT_API_KEY"),
            api_secret: variable("LIVEKIT_API_SECRET").map(Secret::new),
            host_name: gethostname::gethostname().to_string_lossy().into_owned(),
            random: rand::random(),
        }
    }

    /// The machine's name with something that differs from start to start.
    #[must_use]
    pub fn unique_name(&self) -> String {
        format!("{}-{:08x}", self.host_name, self.random)
    }
}
