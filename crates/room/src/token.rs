//! Access tokens: given, or minted from key and secret.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime, SystemTimeError, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header};
use remote_access_protocol::{ROLE_ATTRIBUTE, ROLE_ROBOT};
use serde::Serialize;

/// Life of a minted token. The server refreshes it while the participant is connected.
const LIFETIME: Duration = Duration::from_secs(6 * 3600);
/// A minted token is valid this long before now, for clocks that differ.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// A value that is never printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value, to hand it to whoever needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What a participant with a minted token is in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It offers its data to viewers. Its token says so, and robots ignore each other.
    Robot,
    /// It watches robots, and publishes no media.
    Viewer,
}

/// Where a participant's access token comes from.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// A token that somebody else made. It names room and identity.
    Given(Secret),
    /// The participant mints its own tokens.
    Minted {
        /// The server's API key.
        key: String,
        /// The secret of the key.
        secret: Secret,
        /// The room to join.
        room: String,
        /// The participant's identity in the room. A second participant of the same identity ends
        /// the first one's connection.
        identity: String,
        /// The participant's name, shown to people.
        name: String,
        /// What it is in the room.
        role: Role,
    },
}

/// A token could not be minted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Signing failed.
    #[error("cannot sign the access token: {0}")]
    Sign(#[from] jsonwebtoken::errors::Error),
    /// The clock is before 1970.
    #[error("the system clock is wrong: {0}")]
    Clock(#[from] SystemTimeError),
}

/// The claims of a LiveKit access token,
/// see <https://docs.livekit.io/frontends/authentication/tokens/>.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    name: &'a str,
    nbf: u64,
    exp: u64,
    video: Grants<'a>,
    attributes: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Grants<'a> {
    room: &'a str,
    room_join: bool,
    can_publish: bool,
    can_publish_data: bool,
    can_subscribe: bool,
}

impl TokenSource {
    /// A token to connect with now.
    pub fn token(&self) -> Result<Secret, TokenError> {
        match self {
            Self::Given(token) => Ok(token.clone()),
            Self::Minted {
                key,
                secret,
                room,
                identity,
                name,
                role,
            } => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
                let claims = Claims {
                    iss: key,
                    sub: identity,
                    name,
                    nbf: now.saturating_sub(CLOCK_SKEW).as_secs(),
                    exp: (now + LIFETIME).as_secs(),
                    video: Grants {
                        room,
                        room_join: true,
                        can_publish: *role == Role::Robot,
                        can_publish_data: true,
                        can_subscribe: true,
                    },
                    attributes: match role {
                        Role::Robot => BTreeMap::from([(ROLE_ATTRIBUTE, ROLE_ROBOT)]),
                        Role::Viewer => BTreeMap::new(),
                    },
                };
                let signer = EncodingKey::from_secret(secret.expose().as_bytes());
                let token = jsonwebtoken::encode(&Header::default(), &claims, &signer)?;
                Ok(Secret(token))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    fn minted(secret: &str, role: Role) -> TokenSource {
        TokenSource::Minted {
            key: "key".into(),
            secret: Secret::new(secret.into()),
            room: "lab".into(),
            identity: "robot-1".into(),
            name: "Robot".into(),
            role,
        }
    }

    #[test]
    fn a_minted_token_lets_the_identity_join_the_room() {
        let token = minted("a secret", Role::Robot).token().unwrap();
        let key = DecodingKey::from_secret(b"a secret");
        let claims =
            jsonwebtoken::decode::<Value>(token.expose(), &key, &Validation::default()).unwrap();
        assert_eq!(claims.claims["attributes"]["role"], "robot");
        assert_eq!(claims.claims["iss"], "key");
        assert_eq!(claims.claims["sub"], "robot-1");
        assert_eq!(claims.claims["video"]["room"], "lab");
        assert_eq!(claims.claims["video"]["roomJoin"], true);
        assert_eq!(claims.claims["video"]["canPublishData"], true);
        let other = DecodingKey::from_secret(b"another");
        assert!(
            jsonwebtoken::decode::<Value>(token.expose(), &other, &Validation::default()).is_err()
        );
    }

    #[test]
    fn a_viewer_may_send_data_but_no_media_and_is_no_robot() {
        let token = minted("a secret", Role::Viewer).token().unwrap();
        let key = DecodingKey::from_secret(b"a secret");
        let claims =
            jsonwebtoken::decode::<Value>(token.expose(), &key, &Validation::default()).unwrap();
        assert_eq!(claims.claims["video"]["canPublishData"], true);
        assert_eq!(claims.claims["video"]["canPublish"], false);
        assert_eq!(claims.claims["attributes"], serde_json::json!({}));
    }

    #[test]
    fn secrets_are_not_printed() {
        let source = minted("hunter2", Role::Robot);
        let given = TokenSource::Given(Secret::new("hunter2".into()));
        assert!(!format!("{source:?} {given:?}").contains("hunter2"));
    }
}
