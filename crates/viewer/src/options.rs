//! The command line and the environment.

mod environment;

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use lexopt::prelude::*;
use regex::Regex;
use remote_access_rights::Rights;
use remote_access_room::{
    interface_filter, EncryptionKeyError, Endpoint, InterfaceFilter, Role, TokenEndpoint,
    TokenMint, TokenSource, UplinkOptions,
};

pub use self::environment::Environment;
use crate::web::PageTokens;

/// Text of `--help`.
pub const HELP: &str = "\
Opens a robot in a LiveKit room to the tools of this machine: Foxglove and Lichtblick connect to
ws://localhost:8765, a browser shows http://localhost:8765.

Usage: remote_access_viewer --room ROOM [OPTIONS]

Options:
  --room ROOM           Room to join; further ones are offered on the page only. Not needed with a token
  --robot ROBOT         Identity or name of the robot, if the room has several
  --identity IDENTITY   Identity in the room (default: the host name and a random suffix)
  --port PORT           Port of the Foxglove WebSocket and of the page (default 8765; 0: any)
  --host ADDRESS        Address to bind to (default 127.0.0.1: this machine only). The page is served
                        to this machine only in any case
  --allow-origin ORIGIN Web page that may connect besides those of this machine, Foxglove and
                        Lichtblick, for example https://tools.example.com; *: all
  --record FILE         Record what is watched to FILE, an MCAP file that must not exist yet
  --watch REGEX         Watch topics whose full name matches even without a client, for example to
                        record them; may be given several times
  --interface REGEX     Send and receive data over network interfaces whose name matches only
                        (default: all but the bridges of containers); may be given several times
  --deny-interface REGEX
                        Never do so over those whose name matches; may be given several times.
                        The connection for signaling takes the route that the kernel chooses
  --stream-rotate-bytes BYTES
                        Bytes after which the stream to the robot is replaced by a new one
                        (1000 to 4900000000, default 4000000000); receivers end one at 5000000000
  --log FILTER          What to log, for example debug (default: RUST_LOG, else info)
  --check               Check LiveKit server, token, clock and data connection, report what is wrong
                        and how to fix it, and exit (0: nothing is wrong)
  --version             Print the version and exit
  --help                Print this help and exit

Environment:
  LIVEKIT_URL           URL of the LiveKit server (default ws://localhost:7880)
  LIVEKIT_API_KEY       API key and
  LIVEKIT_API_SECRET    secret, with which tokens are created as needed, or:
  LIVEKIT_TOKEN_ENDPOINT, LIVEKIT_TOKEN_ENDPOINT_KEY
                        URL of a LiveKit token endpoint and the key that it requires, or:
  LIVEKIT_TOKEN_FILE    a file that contains an access token, read again for each connection, or:
  LIVEKIT_TOKEN         an access token, which names room and identity, and for the page
  LIVEKIT_PAGE_TOKENS   further tokens, separated by spaces, as each identity can join only once
  LIVEKIT_E2EE_KEY      key for end-to-end encryption, as on the robot, or:
  LIVEKIT_E2EE_KEY_FILE a file that contains it

Examples:
  export LIVEKIT_URL=wss://livekit.example.com LIVEKIT_API_KEY=... LIVEKIT_API_SECRET=...
  remote_access_viewer --room robot1
  remote_access_viewer --room robot1 --record drive.mcap --watch '/camera/.*' --watch /tf
  remote_access_viewer --room fleet --robot robot7 --port 8766
  LIVEKIT_TOKEN=... remote_access_viewer
";

const DEFAULT_URL: &str = "ws://localhost:7880";
const DEFAULT_PORT: u16 = 8765;
/// Range of `--stream-rotate-bytes`.
const ROTATE_BYTES: RangeInclusive<u64> = 1_000..=4_900_000_000;

/// Task that the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Print [`HELP`].
    Help,
    /// Print the version.
    Version,
    /// Look at what is needed, and say what is wrong.
    Check(Box<Options>),
    /// Run.
    Run(Box<Options>),
}

/// Options of a run.
#[derive(Debug)]
pub struct Options {
    /// Where it joins.
    pub endpoint: Endpoint,
    /// The room's name for people; with a token it is known once it is joined.
    pub room: String,
    /// The robot that was asked for.
    pub robot: Option<String>,
    /// Address to bind to.
    pub host: IpAddr,
    /// Port to bind to.
    pub port: u16,
    /// More web pages that may connect.
    pub origins: Vec<String>,
    /// File to record to.
    pub record: Option<PathBuf>,
    /// Topics that are watched without a client.
    pub watch: Vec<Regex>,
    /// Network interfaces that it connects over; none: nearly all.
    pub interfaces: Vec<Regex>,
    /// Those that it never connects over.
    pub denied_interfaces: Vec<Regex>,
    /// Bytes after which the stream to the robot is replaced by another one.
    pub stream_rotate_bytes: u64,
    /// Log filter.
    pub log: Option<String>,
    /// Where the page's tokens come from.
    pub page_tokens: PageTokens,
}

/// Something is wrong with the command line or the environment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// The command line cannot be understood.
    #[error("{0}, see --help")]
    Arguments(#[from] lexopt::Error),
    /// The URL is none of a LiveKit server.
    #[error("LIVEKIT_URL {0:?} must begin with ws://, wss://, http:// or https://")]
    Url(String),
    /// There are no credentials.
    #[error("set LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or LIVEKIT_TOKEN, in the environment")]
    NoToken,
    /// The room is missing.
    #[error("--room is missing: which room is the robot in?")]
    NoRoom,
    /// The key for end-to-end encryption cannot be used.
    #[error(transparent)]
    Encryption(#[from] EncryptionKeyError),
}

/// The arguments as they are given.
struct Arguments {
    rooms: Vec<String>,
    identity: Option<String>,
    robot: Option<String>,
    host: IpAddr,
    port: u16,
    origins: Vec<String>,
    record: Option<PathBuf>,
    watch: Vec<Regex>,
    interfaces: Vec<Regex>,
    denied_interfaces: Vec<Regex>,
    stream_rotate_bytes: u64,
    log: Option<String>,
}

impl Command {
    /// Parses the arguments after the program's name.
    pub fn parse<I>(arguments: I, environment: Environment) -> Result<Self, OptionsError>
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        let mut parsed = Arguments {
            rooms: Vec::new(),
            identity: None,
            robot: None,
            host: Ipv4Addr::LOCALHOST.into(),
            port: DEFAULT_PORT,
            origins: Vec::new(),
            record: None,
            watch: Vec::new(),
            interfaces: Vec::new(),
            denied_interfaces: Vec::new(),
            stream_rotate_bytes: UplinkOptions::ROTATE_BYTES,
            log: None,
        };
        let mut check = false;
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("help") | Short('h') => return Ok(Self::Help),
                Long("version") | Short('V') => return Ok(Self::Version),
                Long("check") => check = true,
                Long("room") => parsed.rooms.push(parser.value()?.string()?),
                Long("robot") => parsed.robot = Some(parser.value()?.string()?),
                Long("identity") => parsed.identity = Some(parser.value()?.string()?),
                Long("host") => parsed.host = parser.value()?.parse()?,
                Long("port") => parsed.port = parser.value()?.parse()?,
                Long("allow-origin") => parsed.origins.push(parser.value()?.string()?),
                Long("record") => parsed.record = Some(parser.value()?.into()),
                Long("watch") => parsed.watch.push(parser.value()?.parse_with(whole)?),
                Long("interface") => parsed.interfaces.push(parser.value()?.parse_with(whole)?),
                Long("deny-interface") => {
                    parsed
                        .denied_interfaces
                        .push(parser.value()?.parse_with(whole)?);
                }
                Long("stream-rotate-bytes") => {
                    parsed.stream_rotate_bytes = parser.value()?.parse_with(rotate_bytes)?;
                }
                Long("log") => parsed.log = Some(parser.value()?.string()?),
                other => return Err(other.unexpected().into()),
            }
        }
        let options = Box::new(Options::new(parsed, environment)?);
        Ok(if check {
            Self::Check(options)
        } else {
            Self::Run(options)
        })
    }
}

/// The value of `--stream-rotate-bytes` is no number, or out of range.
#[derive(Debug, thiserror::Error)]
#[error("must be {} to {}", ROTATE_BYTES.start(), ROTATE_BYTES.end())]
struct RotateBytesError;

fn rotate_bytes(text: &str) -> Result<u64, RotateBytesError> {
    let bytes = text.parse().ok();
    bytes
        .filter(|bytes| ROTATE_BYTES.contains(bytes))
        .ok_or(RotateBytesError)
}

/// A pattern for whole names.
fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    // Not only wrapped: unbalanced parentheses must not be balanced by ours.
    Regex::new(pattern)?;
    Regex::new(&format!("^(?:{pattern})$"))
}

impl Options {
    /// Which network interfaces it connects over.
    #[must_use]
    pub fn interface_filter(&self) -> InterfaceFilter {
        let of = |patterns: &[Regex]| {
            let patterns = patterns.to_vec();
            move |name: &str| patterns.iter().any(|pattern| pattern.is_match(name))
        };
        let allowed = (!self.interfaces.is_empty()).then(|| of(&self.interfaces));
        interface_filter(allowed, of(&self.denied_interfaces))
    }

    fn new(arguments: Arguments, environment: Environment) -> Result<Self, OptionsError> {
        let url = environment.url.unwrap_or_else(|| DEFAULT_URL.to_owned());
        let schemes = ["ws://", "wss://", "http://", "https://"];
        if !schemes.iter().any(|scheme| url.starts_with(scheme)) {
            return Err(OptionsError::Url(url));
        }
        let identity = arguments
            .identity
            .unwrap_or_else(|| format!("viewer-{}", environment.unique_name));
        let encryption = environment.encryption.key()?;
        let key = environment.api_key.zip(environment.api_secret);
        let room = arguments.rooms.first().cloned();
        let token = if let Some(token) = environment.token {
            TokenSource::Given(token)
        } else if let Some(file) = environment.token_file {
            TokenSource::File(file)
        } else if let Some(url) = environment.token_endpoint {
            TokenSource::Endpoint(TokenEndpoint {
                url,
                key: environment.token_endpoint_key,
                room: room.clone().unwrap_or_default(),
                name: identity.clone(),
                identity,
                role: Role::Viewer,
            })
        } else if let Some((key, secret)) = &key {
            TokenSource::Minted(TokenMint {
                key: key.clone(),
                secret: secret.clone(),
                room: room.clone().ok_or(OptionsError::NoRoom)?,
                name: identity.clone(),
                identity,
                role: Role::Viewer,
                // Who has the secret can grant itself anything.
                rights: Some(Rights::all()),
            })
        } else {
            return Err(OptionsError::NoToken);
        };
        let page_tokens = if !environment.page_tokens.is_empty() {
            PageTokens::Given(environment.page_tokens)
        } else if let (Some((key, secret)), false) = (key, arguments.rooms.is_empty()) {
            let rooms = arguments.rooms;
            PageTokens::Minted { key, secret, rooms }
        } else {
            PageTokens::None(
                "This program has one token, and uses it itself. Start it with LIVEKIT_API_KEY, \
                 LIVEKIT_API_SECRET and --room, or give the page tokens of its own in \
                 LIVEKIT_PAGE_TOKENS."
                    .to_owned(),
            )
        };
        Ok(Self {
            endpoint: Endpoint {
                url,
                token,
                encryption,
            },
            room: room.unwrap_or_else(|| "of the token".to_owned()),
            robot: arguments.robot,
            host: arguments.host,
            port: arguments.port,
            origins: arguments.origins,
            record: arguments.record,
            watch: arguments.watch,
            interfaces: arguments.interfaces,
            denied_interfaces: arguments.denied_interfaces,
            stream_rotate_bytes: arguments.stream_rotate_bytes,
            log: arguments.log,
            page_tokens,
        })
    }
}

#[cfg(test)]
mod tests {
    use remote_access_room::Secret;

    use super::*;

    fn with_key() -> Environment {
        Environment {
            api_key: Some("key".into()),
            api_secret: Some(Secret::new("secret".into())),
            unique_name: "host-1".into(),
            ..Environment::default()
        }
    }

    fn with_token() -> Environment {
        Environment {
            token: Some(Secret::new("token".into())),
            ..Environment::default()
        }
    }

    fn parse(arguments: &[&str], environment: Environment) -> Result<Box<Options>, OptionsError> {
        match Command::parse(arguments, environment)? {
            Command::Run(options) => Ok(options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_room_is_all_that_is_needed_with_a_key() {
        let options = parse(&["--room", "robot1"], with_key()).unwrap();
        assert_eq!(options.endpoint.url, DEFAULT_URL);
        assert_eq!(
            (options.host, options.port),
            (Ipv4Addr::LOCALHOST.into(), 8765)
        );
        assert!(
            matches!(&options.endpoint.token, TokenSource::Minted(TokenMint { room, identity, role: Role::Viewer, .. })
            if room == "robot1" && identity == "viewer-host-1")
        );
        assert!(matches!(options.page_tokens, PageTokens::Minted { .. }));
    }

    #[test]
    fn a_token_names_the_room_and_leaves_none_for_the_page() {
        let options = parse(&[], with_token()).unwrap();
        assert!(matches!(options.endpoint.token, TokenSource::Given(_)));
        assert!(matches!(options.page_tokens, PageTokens::None(_)));
        let environment = Environment {
            page_tokens: vec![Secret::new("a".into()), Secret::new("b".into())],
            ..with_token()
        };
        let options = parse(&[], environment).unwrap();
        assert!(matches!(&options.page_tokens, PageTokens::Given(tokens) if tokens.len() == 2));
    }

    #[test]
    fn all_options_are_read() {
        let arguments = "--room=a --room b --robot r --host 0.0.0.0 --port 0 --record x.mcap \
            --watch /tf --watch /a.* --allow-origin https://x --log debug --identity me \
            --stream-rotate-bytes 5000 --interface eth.* --interface wlan0 --deny-interface wwan.*";
        let arguments: Vec<_> = arguments.split_whitespace().collect();
        let options = parse(&arguments, with_key()).unwrap();
        assert!(
            matches!(&options.page_tokens, PageTokens::Minted { rooms, .. } if rooms == &["a", "b"])
        );
        assert_eq!(options.robot.as_deref(), Some("r"));
        assert_eq!(
            (options.host, options.port),
            (Ipv4Addr::UNSPECIFIED.into(), 0)
        );
        assert!(options.watch[0].is_match("/tf") && !options.watch[0].is_match("/tf_static"));
        assert_eq!(options.record, Some("x.mcap".into()));
        assert_eq!(options.stream_rotate_bytes, 5000);
        let [wired, _] = &options.interfaces[..] else {
            panic!("two interfaces");
        };
        assert!(wired.is_match("eth0") && !wired.is_match("veth0"));
        assert!(options.denied_interfaces[0].is_match("wwan0"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases: [(&[&str], Environment, &str); 8] = [
            (&[], with_key(), "--room is missing"),
            (&["--room", "a"], Environment::default(), "LIVEKIT_API_KEY"),
            (&["--room"], with_key(), "--room"),
            (&["--fly"], with_key(), "--fly"),
            (&["--port", "x"], with_key(), "\"x\""),
            (&["--watch", "a)("], with_key(), "a)("),
            (
                &["--stream-rotate-bytes", "5000000000"],
                with_key(),
                "4900000000",
            ),
            (
                &[],
                Environment {
                    url: Some("livekit.example.com".into()),
                    ..with_token()
                },
                "must begin with",
            ),
        ];
        for (arguments, environment, expected) in cases {
            let error = parse(arguments, environment).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_help_names_every_option() {
        for option in [
            "--room",
            "--robot",
            "--identity",
            "--port",
            "--host",
            "--allow-origin",
            "--record",
            "--watch",
            "--stream-rotate-bytes",
            "--log",
            "--version",
            "--help",
        ] {
            assert!(HELP.contains(&format!("\n  {option} ")), "{option}");
        }
        assert!(matches!(
            Command::parse(["--help"], with_key()),
            Ok(Command::Help)
        ));
        assert!(matches!(
            Command::parse(["-V"], with_key()),
            Ok(Command::Version)
        ));
    }
}
