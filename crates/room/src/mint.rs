//! Access tokens that a participant mints itself.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, SystemTimeError, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header};
use remote_access_protocol::{ROLE_ATTRIBUTE, ROLE_ROBOT};
use serde::Serialize;

use crate::secret::Secret;

/// Life of a minted token. The server refreshes it while the participant is connected.
const LIFETIME: Duration = Duration::from_secs(6 * 3600);
/// A minted token is valid this long before now, for clocks that differ.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// Role of a participant with a minted token in its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It offers its data to viewers. Its token says so, and robots ignore each other.
    Robot,
    /// It watches robots, and publishes no media.
    Viewer,
}

/// Key, room and identity for the tokens of one participant.
#[derive(Clone, Debug)]
pub struct TokenMint {
    /// The server's API key.
    pub key: String,
    /// The secret of the key.
    pub secret: Secret,
    /// The room to join.
    pub room: String,
    /// The participant's identity in the room. A second participant of the same identity ends
    /// the first one's connection.
    pub identity: String,
    /// The participant's name, shown to people.
    pub name: String,
    /// Its role in the room.
    pub role: Role,
}

/// A token cannot be minted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
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

impl TokenMint {
    /// A token to connect with now. It is valid for six hours.
    ///
    /// # Errors
    /// The clock is wrong, or signing fails.
    pub fn mint(&self) -> Result<Secret, MintError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let claims = Claims {
            iss: &self.key,
            sub: &self.identity,
            name: &self.name,
            nbf: now.saturating_sub(CLOCK_SKEW).as_secs(),
            exp: (now + LIFETIME).as_secs(),
            video: Grants {
                room: &self.room,
                room_join: true,
                can_publish: self.role == Role::Robot,
                can_publish_data: true,
                can_subscribe: true,
            },
            attributes: match self.role {
                Role::Robot => BTreeMap::from([(ROLE_ATTRIBUTE, ROLE_ROBOT)]),
                Role::Viewer => BTreeMap::new(),
            },
        };
        let signer = EncodingKey::from_secret(self.secret.expose().as_bytes());
        let token = jsonwebtoken::encode(&Header::default(), &claims, &signer)?;
        Ok(Secret::new(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    fn minted(secret: &str, role: Role) -> TokenMint {
        TokenMint {
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
        let token = minted("a secret", Role::Robot).mint().unwrap();
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
        let token = minted("a secret", Role::Viewer).mint().unwrap();
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
        assert!(!format!("{source:?}").contains("hunter2"));
    }
}
