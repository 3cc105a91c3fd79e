//! Access tokens that a participant mints itself.

use std::collections::BTreeMap;
use std::ops::Not;
use std::time::{Duration, SystemTime, SystemTimeError, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header};
use remote_access_protocol::{GRANT_ATTRIBUTE, ROLE_ATTRIBUTE, ROLE_ROBOT};
use remote_access_rights::{Grant, Rights, SignError, SigningKey};
use serde::Serialize;

use crate::secret::Secret;

/// Life of a minted token. The server refreshes it while the participant is connected.
const LIFETIME: Duration = Duration::from_secs(6 * 3600);
/// Life of the grant in a token that a program mints for itself: longer than it stays in the room, where
/// it gets no other one. The identity is not used again.
const GRANT_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);
/// Life of a token for one question to the server, beyond the time that clocks may differ.
const ADMIN_LIFETIME: Duration = Duration::from_secs(60);
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
    /// Its rights with robots, signed with the same secret. `None`: those that robots give anybody.
    pub rights: Option<Rights>,
}

/// A token cannot be minted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MintError {
    /// Signing failed.
    #[error("cannot sign the access token: {0}")]
    Sign(#[from] jsonwebtoken::errors::Error),
    /// The rights cannot be granted.
    #[error("cannot sign the rights: {0}")]
    Grant(#[from] SignError),
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
    attributes: BTreeMap<&'a str, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Grants<'a> {
    room: &'a str,
    room_join: bool,
    #[serde(skip_serializing_if = "Not::not")]
    room_admin: bool,
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
        let key = SigningKey::secret(self.secret.expose());
        self.mint_for(LIFETIME, GRANT_LIFETIME, &key)
    }

    /// A token to connect with within `lifetime`. Its rights, signed with `key`, last for `rights_for`.
    ///
    /// # Errors
    /// The clock is wrong, or signing fails.
    pub fn mint_for(
        &self,
        lifetime: Duration,
        rights_for: Duration,
        key: &SigningKey,
    ) -> Result<Secret, MintError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        let begin = now.saturating_sub(CLOCK_SKEW).as_secs();
        let mut attributes = BTreeMap::new();
        if self.role == Role::Robot {
            attributes.insert(ROLE_ATTRIBUTE, ROLE_ROBOT.to_owned());
        }
        if let Some(rights) = &self.rights {
            let grant = Grant {
                room: self.room.clone(),
                identity: self.identity.clone(),
                not_before: Some(begin),
                expires: (now + rights_for).as_secs(),
                rights: rights.clone(),
            };
            attributes.insert(GRANT_ATTRIBUTE, grant.sign(key)?);
        }
        let claims = Claims {
            iss: &self.key,
            sub: &self.identity,
            name: &self.name,
            nbf: begin,
            exp: (now + lifetime).as_secs(),
            video: Grants {
                room: &self.room,
                room_join: true,
                room_admin: false,
                can_publish: self.role == Role::Robot,
                can_publish_data: true,
                can_subscribe: true,
            },
            attributes,
        };
        self.sign(&claims)
    }

    /// A token to ask the server about the room with, within a minute.
    ///
    /// # Errors
    /// The clock is wrong, or signing fails.
    pub(crate) fn mint_for_admin(&self) -> Result<Secret, MintError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        self.sign(&Claims {
            iss: &self.key,
            sub: &self.identity,
            name: &self.name,
            nbf: now.saturating_sub(CLOCK_SKEW).as_secs(),
            exp: (now + ADMIN_LIFETIME).as_secs(),
            video: Grants {
                room: &self.room,
                room_join: false,
                room_admin: true,
                can_publish: false,
                can_publish_data: false,
                can_subscribe: false,
            },
            attributes: BTreeMap::new(),
        })
    }

    fn sign(&self, claims: &Claims<'_>) -> Result<Secret, MintError> {
        let signer = EncodingKey::from_secret(self.secret.expose().as_bytes());
        let token = jsonwebtoken::encode(&Header::default(), claims, &signer)?;
        Ok(Secret::new(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation};
    use remote_access_rights::{Holder, Verifier, VerifyingKey};
    use serde_json::Value;

    fn minted(secret: &str, role: Role) -> TokenMint {
        TokenMint {
            key: "key".into(),
            secret: Secret::new(secret.into()),
            room: "lab".into(),
            identity: "robot-1".into(),
            name: "Robot".into(),
            role,
            rights: None,
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
    fn rights_come_along_as_a_grant_for_the_same_identity() {
        let mut mint = minted("a secret", Role::Viewer);
        mint.rights = Some(Rights::all());
        let token = mint.mint().unwrap();
        let key = DecodingKey::from_secret(b"a secret");
        let claims =
            jsonwebtoken::decode::<Value>(token.expose(), &key, &Validation::default()).unwrap();
        let grant = claims.claims["attributes"][GRANT_ATTRIBUTE]
            .as_str()
            .unwrap();
        let verifier = Verifier::new(vec![VerifyingKey::secret("a secret")]);
        let holder = Holder {
            room: "lab",
            identity: "robot-1",
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let (grant, _) = verifier.verify(grant, holder, now.as_secs()).unwrap();
        assert_eq!(grant.rights, Rights::all());
    }

    #[test]
    fn secrets_are_not_printed() {
        let source = minted("hunter2", Role::Robot);
        assert!(!format!("{source:?}").contains("hunter2"));
    }
}
