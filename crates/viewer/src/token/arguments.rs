//! The command line of the command that makes tokens.

use std::ffi::OsString;
use std::time::Duration;

use lexopt::prelude::*;

use super::error::TokenToolError;
use super::order::{Environment, Order, Wishes};

/// Text of `--help`.
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
  LIVEKIT_E2EE_KEY   key for end-to-end encryption, which becomes part of the link, or
  LIVEKIT_E2EE_KEY_FILE
                     a file that contains it

Examples:
  remote_access_token --room robot1 --name anna --see '/camera/.*' --drive --for 8h
  remote_access_token --room robot1 --all --for 7d --page https://robots.example.com/
  remote_access_token --room robot1 --robot --name robot1 --for 90d
";

const LONGEST_TIME: Duration = Duration::from_secs(366 * 24 * 3600);
const SHORTEST_TIME: Duration = Duration::from_secs(60);

/// Task that the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// Print [`HELP`].
    Help,
    /// Print the version.
    Version,
    /// Make a token.
    Make(Box<Order>),
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
        let mut given = Wishes::default();
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

/// A text is not a time in range.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a time from 1m to 366d: write minutes, hours or days, as 30m, 8h or 7d")]
struct TimeError(String);

/// A time as `30m`, `8h` or `7d`.
fn time(text: &str) -> Result<Duration, TimeError> {
    let unit = match text.chars().last() {
        Some('m') => Some(60),
        Some('h') => Some(3600),
        Some('d') => Some(24 * 3600),
        _ => None,
    };
    let time = unit.and_then(|unit: u64| {
        let number: u64 = text[..text.len() - 1].parse().ok()?;
        number.checked_mul(unit).map(Duration::from_secs)
    });
    time.filter(|time| (SHORTEST_TIME..=LONGEST_TIME).contains(time))
        .ok_or_else(|| TimeError(text.to_owned()))
}
