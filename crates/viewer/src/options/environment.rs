//! What the environment of the process says.

use std::path::PathBuf;

use remote_access_room::{EncryptionVariables, Secret};

/// The environment of the process. An empty variable counts as not set.
#[derive(Clone, Debug, Default)]
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
    /// `LIVEKIT_PAGE_TOKENS`.
    pub page_tokens: Vec<Secret>,
    /// `LIVEKIT_API_KEY`.
    pub api_key: Option<String>,
    /// `LIVEKIT_API_SECRET`.
    pub api_secret: Option<Secret>,
    /// Key for end-to-end encryption.
    pub encryption: EncryptionVariables,
    /// A name for this machine that differs from start to start.
    pub unique_name: String,
}

impl Environment {
    /// Reads the process's environment.
    #[must_use]
    pub fn read() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        let host = gethostname::gethostname().to_string_lossy().into_owned();
        let page_tokens = variable("LIVEKIT_PAGE_TOKENS").unwrap_or_default();
        Self {
            url: variable("LIVEKIT_URL"),
            token: variable("LIVEKIT_TOKEN").map(Secret::new),
            token_file: variable("LIVEKIT_TOKEN_FILE").map(PathBuf::from),
            token_endpoint: variable("LIVEKIT_TOKEN_ENDPOINT"),
            token_endpoint_key: variable("LIVEKIT_TOKEN_ENDPOINT_KEY").map(Secret::new),
            page_tokens: page_tokens
                .split_whitespace()
                .map(|token| Secret::new(token.to_owned()))
                .collect(),
            api_key: variable("LIVEKIT_API_KEY"),
            api_secret: variable("LIVEKIT_API_SECRET").map(Secret::new),
            encryption: EncryptionVariables::read(),
            unique_name: format!("{host}-{:08x}", rand::random::<u32>()),
        }
    }
}
