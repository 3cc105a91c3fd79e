//! A token to make: from what is asked for and the environment to the link.

use std::path::PathBuf;
use std::time::Duration;

use remote_access_rights::{Rights, SigningKey};
use remote_access_room::{EncryptionKey, EncryptionVariables, Role, Secret, TokenMint};

use super::error::TokenToolError;

const DEFAULT_URL: &str = "ws://localhost:7880";
const DEFAULT_PAGE: &str = "http://localhost:8765/";
const DEFAULT_TIME: Duration = Duration::from_secs(8 * 3600);

/// The environment of the process. An empty variable counts as not set.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `LIVEKIT_URL`.
    pub url: Option<String>,
    /// `LIVEKIT_API_KEY`.
    pub api_key: Option<String>,
    /// `LIVEKIT_API_SECRET`.
    pub api_secret: Option<Secret>,
    /// `REMOTE_ACCESS_GRANT_KEY_FILE`.
    pub grant_key_file: Option<PathBuf>,
    /// Key for end-to-end encryption.
    pub encryption: EncryptionVariables,
}

impl Environment {
    /// Reads the process's environment.
    #[must_use]
    pub fn read() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        Self {
            url: variable("LIVEKIT_URL"),
            api_key: variable("LIVEKIT_API_KEY"),
            api_secret: variable("LIVEKIT_API_SECRET").map(Secret::new),
            grant_key_file: variable("REMOTE_ACCESS_GRANT_KEY_FILE").map(PathBuf::from),
            encryption: EncryptionVariables::read(),
        }
    }
}

/// A token to make.
#[derive(Debug)]
pub struct Order {
    mint: TokenMint,
    signing_key: SigningKey,
    time: Duration,
    url: String,
    page: String,
    token_only: bool,
    encryption: Option<EncryptionKey>,
}

/// A token that was made.
#[derive(Debug)]
pub struct Made {
    /// The link or the token.
    pub output: String,
    /// Summary of it, for people.
    pub summary: String,
}

/// Wishes for a token. One that is missing has a default, or is an error.
#[derive(Default)]
pub(super) struct Wishes {
    pub(super) room: Option<String>,
    pub(super) name: Option<String>,
    pub(super) identity: Option<String>,
    pub(super) time: Option<Duration>,
    pub(super) page: Option<String>,
    pub(super) token_only: bool,
    pub(super) robot: bool,
    pub(super) rights: Vec<String>,
}

impl Order {
    pub(super) fn new(given: Wishes, environment: &Environment) -> Result<Self, TokenToolError> {
        let room = given.room.filter(|room| !room.is_empty());
        let room = room.ok_or(TokenToolError::NoRoom)?;
        let key = environment.api_key.clone();
        let key = key.zip(environment.api_secret.clone());
        let (key, secret) = key.ok_or(TokenToolError::NoKey)?;
        let (role, rights) = if given.robot {
            if !given.rights.is_empty() {
                return Err(TokenToolError::RobotRights);
            }
            (Role::Robot, None)
        } else {
            let rights = if given.rights.is_empty() {
                Rights::watch()
            } else {
                Rights::parse(&given.rights)?
            };
            rights.compile()?;
            (Role::Viewer, Some(rights))
        };
        let suffix = rand::random::<u32>();
        let identity = match (given.identity, &given.name) {
            (Some(identity), _) => identity,
            (None, Some(name)) if given.robot => name.clone(),
            (None, None) if given.robot => return Err(TokenToolError::NoIdentity),
            (None, name) => format!("{}-{suffix:08x}", name.as_deref().unwrap_or("viewer")),
        };
        let signing_key = match &environment.grant_key_file {
            Some(path) => signing_key(path)?,
            None => SigningKey::secret(secret.expose()),
        };
        Ok(Self {
            mint: TokenMint {
                key,
                secret,
                room,
                name: given.name.unwrap_or_else(|| identity.clone()),
                identity,
                role,
                rights,
            },
            signing_key,
            time: given.time.unwrap_or(DEFAULT_TIME),
            url: environment
                .url
                .clone()
                .unwrap_or_else(|| DEFAULT_URL.to_owned()),
            page: given.page.unwrap_or_else(|| DEFAULT_PAGE.to_owned()),
            token_only: given.token_only || given.robot,
            encryption: environment.encryption.key()?,
        })
    }

    /// Makes the token.
    ///
    /// # Errors
    /// The rights are too long, the key cannot sign, or the clock is wrong.
    pub fn make(&self) -> Result<Made, TokenToolError> {
        let token = self
            .mint
            .mint_for(self.time, self.time, &self.signing_key)?;
        let token = token.expose();
        let output = if self.token_only {
            token.to_owned()
        } else {
            let fields = [("url", self.url.as_str()), ("token", token)];
            let key = self.encryption.iter().map(|key| ("key", key.expose()));
            let fragment = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields)
                .extend_pairs(key)
                .finish();
            format!("{}#{fragment}", self.page)
        };
        Ok(Made {
            output,
            summary: self.summary(),
        })
    }

    fn summary(&self) -> String {
        let TokenMint {
            identity,
            room,
            rights,
            ..
        } = &self.mint;
        let hours = self.time.as_secs_f64() / 3600.0;
        match rights {
            Some(rights) => format!(
                "{identity} may, in room {room} for {hours} h: {}",
                words(rights)
            ),
            None => format!("a robot, {identity}, may join room {room} for {hours} h"),
        }
    }
}

fn signing_key(path: &PathBuf) -> Result<SigningKey, TokenToolError> {
    let pem = std::fs::read_to_string(path).map_err(|reason| TokenToolError::KeyFile {
        path: path.clone(),
        reason,
    })?;
    SigningKey::private(&pem).map_err(|reason| TokenToolError::Key {
        path: path.clone(),
        reason,
    })
}

fn words(rights: &Rights) -> String {
    let lists = [
        ("see", &rights.see),
        ("publish", &rights.publish),
        ("call", &rights.call),
        ("read", &rights.read),
        ("set", &rights.set),
        ("assets", &rights.assets),
    ];
    let mut words: Vec<String> = lists
        .iter()
        .filter(|(_, patterns)| !patterns.is_empty())
        .map(|(right, patterns)| format!("{right} {}", patterns.join(" ")))
        .collect();
    words.extend(rights.drive.then(|| "drive".to_owned()));
    words.extend(rights.override_driver.then(|| "override".to_owned()));
    words.join(", ")
}
