//! Grants: signed, and bound to a room, an identity and a time.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{decode, decode_header, encode, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::error::RightsError;
use crate::keys::{SigningKey, VerifyingKey};
use crate::rights::{Rights, Rules};

/// Longest grant in bytes: a stream's header, which carries one, has 4 KiB at most.
pub const MAX_GRANT: usize = 3 * 1024;
/// Audience of a grant, its claim `aud`. It tells grants from access tokens, which the same secret signs.
pub const AUDIENCE: &str = "remote_access_bridge";
/// Seconds by which clocks may differ.
const LEEWAY: u64 = 60;

/// Rights of one identity in one room until a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The room.
    pub room: String,
    /// The identity of the viewer in the room.
    pub identity: String,
    /// Begin, in seconds since 1970, if it has one.
    pub not_before: Option<u64>,
    /// End, in seconds since 1970.
    pub expires: u64,
    /// Rights of the viewer.
    pub rights: Rights,
}

/// Holder of a grant.
#[derive(Clone, Copy, Debug)]
pub struct Holder<'a> {
    /// The room that it is in.
    pub room: &'a str,
    /// Its identity, as the server tells it.
    pub identity: &'a str,
}

/// Why a grant does not count. The texts are for the viewer's user and hold nothing of the grant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// It is too long.
    #[error("it has {0} bytes: {MAX_GRANT} are possible")]
    TooLong(usize),
    /// It is no grant.
    #[error("it is none, or damaged")]
    Malformed,
    /// It is signed in a way that the robot has no key for.
    #[error(
        "the robot has no key to check it: it needs LIVEKIT_API_SECRET, or its parameter `grant_public_key` if the \
         grant is signed with a private key"
    )]
    NoKey,
    /// It is signed by somebody else.
    #[error(
        "its signature is not of the robot's server, or of the owner of its `grant_public_key`"
    )]
    Signature,
    /// It is for something else, such as an access token.
    #[error("it is no grant for a viewer of a robot")]
    OtherAudience,
    /// It is for another room.
    #[error("it is for another room")]
    OtherRoom,
    /// It is for somebody else.
    #[error("it is for another identity")]
    OtherIdentity,
    /// Its time has not come.
    #[error("it is not valid yet: is the robot's clock right?")]
    NotYet,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// Its rights are wrong.
    #[error("what it grants is wrong: {0}")]
    Rights(#[from] RightsError),
}

/// Why a grant cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// Its rights are wrong.
    #[error(transparent)]
    Rights(#[from] RightsError),
    /// It would be too long.
    #[error("the rights are too long: with {0} bytes the grant would not fit {MAX_GRANT}; use fewer or shorter patterns")]
    TooLong(usize),
    /// Signing failed.
    #[error("the key cannot sign")]
    Key,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    aud: String,
    sub: String,
    room: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<u64>,
    exp: u64,
    rights: Rights,
}

impl Grant {
    /// Writes the grant as a JSON Web Token.
    ///
    /// # Errors
    /// The rights are wrong or too long, or the key cannot sign.
    pub fn sign(&self, key: &SigningKey) -> Result<String, SignError> {
        self.rights.compile()?;
        let claims = Claims {
            aud: AUDIENCE.to_owned(),
            sub: self.identity.clone(),
            room: self.room.clone(),
            nbf: self.not_before,
            exp: self.expires,
            rights: self.rights.clone(),
        };
        let text = encode(&Header::new(key.algorithm), &claims, &key.key);
        let text = text.map_err(|_| SignError::Key)?;
        if text.len() > MAX_GRANT {
            return Err(SignError::TooLong(text.len()));
        }
        Ok(text)
    }
}

/// Reads grants and checks them.
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    keys: Vec<VerifyingKey>,
}

impl Verifier {
    /// A verifier that takes what one of the keys has signed. With none it takes nothing.
    #[must_use]
    pub fn new(keys: Vec<VerifyingKey>) -> Self {
        Self { keys }
    }

    /// Reads a grant that `holder` presents at `now`, in seconds since 1970. Returns it with its rules.
    ///
    /// # Errors
    /// It does not count, see [`GrantError`].
    pub fn verify(
        &self,
        text: &str,
        holder: Holder<'_>,
        now: u64,
    ) -> Result<(Grant, Rules), GrantError> {
        if text.len() > MAX_GRANT {
            return Err(GrantError::TooLong(text.len()));
        }
        let grant = self.read(text)?;
        if grant.room != holder.room {
            return Err(GrantError::OtherRoom);
        }
        if grant.identity != holder.identity {
            return Err(GrantError::OtherIdentity);
        }
        if grant
            .not_before
            .is_some_and(|begin| begin > now.saturating_add(LEEWAY))
        {
            return Err(GrantError::NotYet);
        }
        if grant.expires <= now {
            return Err(GrantError::Expired);
        }
        let rules = grant.rights.compile()?;
        Ok((grant, rules))
    }

    /// Checks the signature, with keys that are made for the algorithm that the grant names.
    fn read(&self, text: &str) -> Result<Grant, GrantError> {
        let header = decode_header(text).map_err(|_| GrantError::Malformed)?;
        let keys = self.keys.iter();
        let mut result = Err(GrantError::NoKey);
        for key in keys.filter(|key| key.algorithm == header.alg) {
            result = claims(text, key);
            if result.is_ok() {
                break;
            }
        }
        let claims = result?;
        if claims.aud != AUDIENCE {
            return Err(GrantError::OtherAudience);
        }
        Ok(Grant {
            room: claims.room,
            identity: claims.sub,
            not_before: claims.nbf,
            expires: claims.exp,
            rights: claims.rights,
        })
    }
}

fn claims(text: &str, key: &VerifyingKey) -> Result<Claims, GrantError> {
    let mut validation = Validation::new(key.algorithm);
    // The rest is checked here: against the time that is passed in, and with better words.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    let decoded = decode::<Claims>(text, &key.key, &validation);
    decoded
        .map(|data| data.claims)
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => GrantError::Signature,
            // An access token, for example, has other claims.
            ErrorKind::Json(_) => GrantError::OtherAudience,
            _ => GrantError::Malformed,
        })
}
