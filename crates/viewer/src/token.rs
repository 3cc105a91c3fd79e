//! Tokens and links for viewers and robots, with what a viewer may do.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::*;
use remote_access_rights::{KeyError, Rights, RightsError, SigningKey};
use remote_access_room::{MintError, Role, Secret, TokenMint};

/// What `--help` prints.
pub const HELP: &str = "\
Makes an access token for a viewer or a robot. Prints a link to the page for a viewer, or the token.

Usage: remote_access_token --room ROOM [OPTIONS]

Options:
  --room ROOM        Room of the robot
  --name NAME        Name of the viewer or robot, for people
  --identity ID      Identity in the room, which only one participant can have at a time (default: the
                     name and a random suffix; a robot's name)
  --for TIME         How long the token is valid: 30m, 8h or 7d, for example (default 8h, at most 366d).
                     A viewer loses its rights then, even while it is in the room
  --page URL         Address of the page (default http://localhost:8765/)
  --token            Print the token instead of the link
  --robot            Create a token for a robot (LIVEKIT_TOKEN)

What the viewer may do, within the bridge's parameter `capabilities` (default: --watch):
  --watch            See all topics, read all parameters and files
  --all              Everything except taking control from another driver
  --see REGEX        See topics whose full name matches; this and the next five may be repeated
  --publish REGEX    Publish on topics other than command topics
  --call REGEX       Call services
  --read REGEX       Read parameters, matched as /node.parameter
  --set REGEX        Set parameters
  --assets REGEX     Fetch files, matched as package://package/path
  --drive            Publish on command topics and use the emergency stop
  --override         Take control from a driver who lacks this right

  --version          Print the version and exit
  --help             Print this help and exit

Environment:
  LIVEKIT_URL        URL of the LiveKit server (default ws://localhost:7880)
  LIVEKIT_API_KEY    API key and
  LIVEKIT_API_SECRET secret
  REMOTE_ACCESS_GRANT_KEY_FILE
                     File with the Ed25519 key that signs the rights, for robots that have its public
                     half (parameter `grant_public_key`) instead of the secret

Examples:
  remote_access_token --room robot1 --name anna --see '/camera/.*' --drive --for 8h
  remote_access_token --room robot1 --all --for 7d --page https://robots.example.com/
  remote_access_token --room robot1 --robot --name robot1 --for 90d
";

const DEFAULT_URL: &str = "ws://localhost:7880";
const DEFAULT_PAGE: &str = "http://localhost:8765/";
const DEFAULT_TIME: Duration = Duration::from_secs(8 * 3600);
const LONGEST_TIME: Duration = Duration::from_secs(366 * 24 * 3600);
const SHORTEST_TIME: Duration = Duration::from_secs(60);

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Print [`HELP`].
    Help,
    /// Print the version.
    Version,
    /// Make a token.
    Make(Box<Order>),
}

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
}

/// Something is wrong with the command line or the environment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenToolError {
    /// The command line cannot be understood.
    #[error("{0}, see --help")]
    Arguments(#[from] lexopt::Error),
    /// The room is missing.
    #[error("--room is missing: which room is the robot in?")]
    NoRoom,
    /// There is no key.
    #[error("set LIVEKIT_API_KEY and LIVEKIT_API_SECRET in the environment: those of the LiveKit server")]
    NoKey,
    /// A robot needs an identity that stays.
    #[error("--robot needs --name or --identity: the robot's identity in the room")]
    NoIdentity,
    /// Rights for a robot.
    #[error("rights are for viewers: leave them out with --robot")]
    RobotRights,
    /// The rights are wrong.
    #[error(transparent)]
    Rights(#[from] RightsError),
    /// The token cannot be made.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// The key file cannot be read.
    #[error("cannot read {path} (REMOTE_ACCESS_GRANT_KEY_FILE): {reason}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The key file holds no key.
    #[error("{path} (REMOTE_ACCESS_GRANT_KEY_FILE): {reason}")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: KeyError,
    },
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
}

/// A token that was made.
#[derive(Debug)]
pub struct Made {
    /// The link or the token.
    pub output: String,
    /// What it is, for people.
    pub summary: String,
}

#[derive(Default)]
struct Arguments {
    room: Option<String>,
    name: Option<String>,
    identity: Option<String>,
    time: Option<Duration>,
    page: Option<String>,
    token_only: bool,
    robot: bool,
    rights: Vec<String>,
}

impl Command {
    /// Parses the arguments after the program's name.
    ///
    /// # Errors
    /// Says what is wrong with them or with the environment.
    pub fn parse<I>(arguments: I, environment: &Environment) -> Result<Self, TokenToolError>
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let mut given = Arguments::default();
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("help") | Short('h') => return Ok(Self::Help),
                Long("version") | Short('V') => return Ok(Self::Version),
                Long("room") => given.room = Some(parser.value()?.string()?),
                Long("name") => given.name = Some(parser.value()?.string()?),
                Long("identity") => given.identity = Some(parser.value()?.string()?),
                Long("for") => given.time = Some(parser.value()?.parse_with(time)?),
                Long("page") => given.page = Some(parser.value()?.string()?),
                Long("token") => given.token_only = true,
                Long("robot") => given.robot = true,
                Long(right @ ("watch" | "all" | "drive" | "override")) => {
                    given.rights.push(right.to_owned());
                }
                Long(right @ ("see" | "publish" | "call" | "read" | "set" | "assets")) => {
                    let right = right.to_owned();
                    let pattern = parser.value()?.string()?;
                    given.rights.push(format!("{right}={pattern}"));
                }
                other => return Err(other.unexpected().into()),
            }
        }
        Order::new(given, environment).map(|order| Self::Make(Box::new(order)))
    }
}

/// A time as `30m`, `8h` or `7d`.
fn time(text: &str) -> Result<Duration, String> {
    let form = || {
        format!(
            "{text:?} is no time from 1m to 366d: write minutes, hours or days, as 30m, 8h or 7d"
        )
    };
    let unit = match text.chars().last() {
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 24 * 3600,
        _ => return Err(form()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| form())?;
    let time = number.checked_mul(unit).map(Duration::from_secs);
    time.filter(|time| (SHORTEST_TIME..=LONGEST_TIME).contains(time))
        .ok_or_else(form)
}

impl Order {
    fn new(given: Arguments, environment: &Environment) -> Result<Self, TokenToolError> {
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
            let fragment = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields)
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

#[cfg(test)]
mod tests {
    use super::*;
    use remote_access_rights::{Holder, Verifier, VerifyingKey};
    use std::time::{SystemTime, UNIX_EPOCH};

    fn environment() -> Environment {
        Environment {
            url: Some("wss://livekit.example.com".to_owned()),
            api_key: Some("key".to_owned()),
            api_secret: Some(Secret::new("hunter2".to_owned())),
            grant_key_file: None,
        }
    }

    fn order(line: &str) -> Result<Box<Order>, TokenToolError> {
        match Command::parse(line.split_whitespace(), &environment())? {
            Command::Make(order) => Ok(order),
            other => panic!("{other:?}"),
        }
    }

    fn claims(token: &str) -> serde_json::Value {
        use base64_of::decode;
        serde_json::from_slice(&decode(token.split('.').nth(1).unwrap())).unwrap()
    }

    /// Base64 as tokens have it.
    mod base64_of {
        pub(super) fn decode(text: &str) -> Vec<u8> {
            let value = |c: u8| match c {
                b'A'..=b'Z' => c - b'A',
                b'a'..=b'z' => c - b'a' + 26,
                b'0'..=b'9' => c - b'0' + 52,
                b'-' => 62,
                _ => 63,
            };
            let bits = text.bytes().map(value);
            let (mut bytes, mut buffer, mut filled) = (Vec::new(), 0u32, 0);
            for six in bits {
                buffer = buffer << 6 | u32::from(six);
                filled += 6;
                if filled >= 8 {
                    filled -= 8;
                    bytes.push((buffer >> filled & 0xff) as u8);
                }
            }
            bytes
        }
    }

    #[test]
    fn a_link_holds_a_token_whose_grant_counts_and_never_the_secret() {
        let line = "--room robot1 --name anna --see /camera/.* --drive --for 30m --page https://x/";
        let made = order(line).unwrap().make().unwrap();
        let (page, fragment) = made.output.split_once('#').unwrap();
        assert_eq!(page, "https://x/");
        let fields: std::collections::HashMap<_, _> = form_urlencoded::parse(fragment.as_bytes())
            .into_owned()
            .collect();
        assert_eq!(fields["url"], "wss://livekit.example.com");
        let claims = claims(&fields["token"]);
        let identity = claims["sub"].as_str().unwrap();
        assert!(identity.starts_with("anna-") && claims["name"] == "anna");
        let lifetime = claims["exp"].as_u64().unwrap() - claims["nbf"].as_u64().unwrap();
        assert_eq!(
            lifetime, 1860,
            "30 minutes and a minute for clocks that differ"
        );
        let grant = claims["attributes"]["grant"].as_str().unwrap();
        let verifier = Verifier::new(vec![VerifyingKey::secret("hunter2")]);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let holder = Holder {
            room: "robot1",
            identity,
        };
        let (grant, _) = verifier.verify(grant, holder, now).unwrap();
        assert_eq!(
            grant.rights,
            Rights::parse(["see=/camera/.*", "drive"]).unwrap()
        );
        assert!(
            made.summary.contains("for 0.5 h: see /camera/.*, drive"),
            "{}",
            made.summary
        );
        for text in [&made.output, &made.summary, &format!("{:?}", order(line))] {
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_robot_gets_a_token_without_rights() {
        let made = order("--room robot1 --robot --name r1 --for 90d")
            .unwrap()
            .make();
        let claims = claims(&made.unwrap().output);
        assert_eq!(claims["sub"], "r1");
        assert_eq!(claims["attributes"], serde_json::json!({"role": "robot"}));
    }

    #[test]
    fn without_rights_a_viewer_watches() {
        let made = order("--room r").unwrap().make().unwrap();
        assert!(made.output.starts_with("http://localhost:8765/#url=wss"));
        assert!(
            made.summary
                .ends_with("for 8 h: see .*, read .*, assets .*"),
            "{}",
            made.summary
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_what_to_do() {
        let cases = [
            ("", "--room is missing"),
            ("--room r --fly", "--fly"),
            ("--room r --see /a(", "\"/a(\" of `see`"),
            ("--room r --for 8", "as 30m, 8h or 7d"),
            ("--room r --for 0m", "from 1m to 366d"),
            ("--room r --for 367d", "from 1m to 366d"),
            ("--room r --for ä", "from 1m to 366d"),
            ("--room r --for 99999999999999999999d", "from 1m to 366d"),
            ("--room r --robot", "--robot needs --name"),
            (
                "--room r --robot --name x --drive",
                "rights are for viewers",
            ),
        ];
        for (line, expected) in cases {
            let error = order(line).unwrap_err().to_string();
            assert!(error.contains(expected), "{line}: {error}");
        }
        let nothing = Environment::default();
        let error = Command::parse(["--room", "r"], &nothing)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("LIVEKIT_API_KEY and LIVEKIT_API_SECRET"),
            "{error}"
        );
        let file = Environment {
            grant_key_file: Some("/nowhere/key.pem".into()),
            ..environment()
        };
        let error = Command::parse(["--room", "r"], &file)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("/nowhere/key.pem (REMOTE_ACCESS_GRANT_KEY_FILE)"),
            "{error}"
        );
    }
}
