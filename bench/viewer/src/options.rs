//! The command line, the same as the Python viewer's.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{bail, Context};
use remote_access_room::UplinkOptions;

/// How the viewer behaves.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The server's URL.
    pub url: String,
    /// Topic of the byte streams.
    pub topic: String,
    /// Prefix of the robot's topics to subscribe to.
    pub channels: String,
    /// UDP port of the producer for confirmations, 0 for none.
    pub confirm_port: u16,
    /// Whether to declare that many streams are understood.
    pub many: bool,
    /// Time between pings, `None` for no pings.
    pub ping: Option<Duration>,
    /// Size of the messages in bytes, to count them by their bytes instead of reading them:
    /// what the SDK costs by itself.
    pub bare: Option<u64>,
    /// Port of a Foxglove WebSocket to look at instead of the room.
    pub websocket: Option<u16>,
    /// File for everything that the server forwards, as it comes.
    pub capture: Option<PathBuf>,
}

impl Options {
    /// Parses `--name=value` arguments.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut options = Self {
            url: String::new(),
            topic: remote_access_protocol::TOPIC.to_owned(),
            channels: String::new(),
            confirm_port: 0,
            many: false,
            ping: None,
            bare: None,
            websocket: None,
            capture: None,
        };
        for argument in arguments {
            let (name, value) = argument.split_once('=').unwrap_or((&argument, ""));
            match name {
                "--url" => options.url = value.to_owned(),
                "--topic" => options.topic = value.to_owned(),
                "--channels" => options.channels = value.to_owned(),
                "--confirm-port" => {
                    options.confirm_port = value.parse().context("--confirm-port")?
                }
                "--many" => options.many = true,
                "--bare" => options.bare = Some(value.parse().context("--bare")?),
                "--websocket" => options.websocket = Some(value.parse().context("--websocket")?),
                "--capture" => options.capture = Some(value.into()),
                "--ping" => {
                    let seconds: f64 = value.parse().context("--ping")?;
                    options.ping = (seconds > 0.0).then(|| Duration::from_secs_f64(seconds));
                }
                _ => bail!("unknown argument {argument}"),
            }
        }
        if options.url.is_empty() && options.websocket.is_none() {
            bail!("--url is missing");
        }
        Ok(options)
    }

    /// How the viewer writes to the robot.
    pub(crate) fn uplink(&self) -> UplinkOptions {
        UplinkOptions {
            topic: self.topic.clone(),
            many_streams: self.many,
            ping: self.ping,
            ..UplinkOptions::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> anyhow::Result<Options> {
        Options::parse(arguments.iter().map(|text| (*text).to_owned()))
    }

    #[test]
    fn reads_what_the_harness_passes() {
        let options =
            parse(&["--url=ws://a:1", "--many", "--ping=0.1", "--confirm-port=7"]).unwrap();
        assert_eq!(options.url, "ws://a:1");
        assert_eq!(options.confirm_port, 7);
        assert!(options.many);
        assert_eq!(options.ping, Some(Duration::from_millis(100)));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        assert!(parse(&["--url=ws://a:1", "--colour=blue"]).is_err());
        assert!(parse(&["--many"]).is_err());
        assert!(parse(&["--websocket=1"]).is_ok());
    }
}
