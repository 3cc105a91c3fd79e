//! Access tokens from a token endpoint, as LiveKit's own clients ask for them:
//! <https://docs.livekit.io/frontends/authentication/tokens/endpoint/>.

use std::collections::BTreeMap;
use std::time::Duration;

use remote_access_protocol::{ROLE_ATTRIBUTE, ROLE_ROBOT};
use reqwest::{header, redirect, Client, StatusCode};
use serde::{Deserialize, Serialize};

use crate::mint::Role;
use crate::secret::{Access, Secret};

/// Longest time for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest answer in bytes. Tokens have about 500.
const MAX_ANSWER: usize = 64 * 1024;

/// A service that makes tokens.
#[derive(Clone, Debug)]
pub struct TokenEndpoint {
    /// Its URL, `http://` or `https://`.
    pub url: String,
    /// Key of the participant, sent as `Authorization: Bearer`.
    pub key: Option<Secret>,
    /// The room to ask for. Empty: the endpoint chooses.
    pub room: String,
    /// The identity to ask for.
    pub identity: String,
    /// The name to ask for, shown to people.
    pub name: String,
    /// Role of the participant in the room.
    pub role: Role,
}

/// Why a token endpoint gives no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenEndpointError {
    /// It cannot be asked.
    #[error("cannot ask it: {0}")]
    Request(String),
    /// It refuses.
    #[error("it answers {0}; if it wants a key, set LIVEKIT_TOKEN_ENDPOINT_KEY")]
    Refused(StatusCode),
    /// Its answer is too long.
    #[error("its answer is longer than {MAX_ANSWER} bytes")]
    TooLong,
    /// Its answer is not of the form that LiveKit's clients expect.
    #[error("its answer is no JSON object with the texts server_url and participant_token")]
    Answer,
}

impl From<reqwest::Error> for TokenEndpointError {
    /// Leaves out the URL, which may hold a secret, and tells the causes.
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        Self::Request(text)
    }
}

#[derive(Serialize)]
struct Request<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    room_name: &'a str,
    participant_identity: &'a str,
    participant_name: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    participant_attributes: BTreeMap<&'a str, &'a str>,
}

/// Written in either of the two forms that are in use.
#[derive(Deserialize)]
struct Answer {
    #[serde(alias = "serverUrl")]
    server_url: String,
    #[serde(alias = "participantToken")]
    participant_token: String,
}

impl TokenEndpoint {
    /// Asks for a token.
    pub(crate) async fn access(&self) -> Result<Access, TokenEndpointError> {
        // Redirects are not followed: they could carry the key elsewhere.
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .build()?;
        let mut request = client.post(&self.url).json(&Request {
            room_name: &self.room,
            participant_identity: &self.identity,
            participant_name: &self.name,
            participant_attributes: match self.role {
                Role::Robot => BTreeMap::from([(ROLE_ATTRIBUTE, ROLE_ROBOT)]),
                Role::Viewer => BTreeMap::new(),
            },
        });
        if let Some(key) = &self.key {
            let bearer = format!("Bearer {}", key.expose());
            request = request.header(header::AUTHORIZATION, bearer);
        }
        let mut response = request.send().await?;
        if !response.status().is_success() {
            return Err(TokenEndpointError::Refused(response.status()));
        }
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if text.len() + chunk.len() > MAX_ANSWER {
                return Err(TokenEndpointError::TooLong);
            }
            text.extend_from_slice(&chunk);
        }
        // What serde says of a wrong answer may quote the token.
        let answer: Answer =
            serde_json::from_slice(&text).map_err(|_| TokenEndpointError::Answer)?;
        Ok(Access {
            token: Secret::new(answer.participant_token),
            server_url: Some(answer.server_url),
        })
    }
}
