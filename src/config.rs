//! All parameters, in one table, and what is read from the environment.

mod capabilities;
mod environment;
mod table;

use std::net::SocketAddr;
use std::time::Duration;

use crate::bridge::{CallTimeouts, RateError, Rates, RobotConfig, TopicRates};
use crate::ros::{AssetPolicy, Patterns, QosPolicy, RosError, TopicFilter};
use remote_access_room::{Endpoint, Role, TokenEndpoint, TokenMint, TokenSource};
use remote_access_session::SessionConfig;

pub use environment::Environment;
pub use table::{ParameterInfo, PARAMETERS};

use table::Values;

/// Names the server when neither parameter nor environment does.
const DEFAULT_URL: &str = "ws://localhost:7880";
/// Largest asset in bytes: what fits a frame with its header.
const MAX_ASSET: usize = (16 << 20) - 64;

/// Everything that can be set about the node.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where and how the node connects.
    pub endpoint: Endpoint,
    /// The robot's name, shown to people.
    pub name: String,
    /// How ROS subscriptions follow their publishers.
    pub qos: QosPolicy,
    /// Limits of the session, and what viewers may do.
    pub session: SessionConfig,
    /// What viewers get of the robot.
    pub robot: RobotConfig,
    /// Full name of the service or topic of the emergency stop; empty if there is none.
    pub emergency_stop: String,
    /// Where to serve metrics.
    pub metrics: Option<SocketAddr>,
}

/// The configuration is wrong. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A parameter could not be declared.
    #[error(transparent)]
    Parameter(#[from] RosError),
    /// A parameter holds something that is no regular expression.
    #[error("parameter {name}: {reason}")]
    Pattern {
        /// The parameter.
        name: &'static str,
        /// What is wrong.
        reason: crate::ros::PatternError,
    },
    /// A parameter holds something that is no rate limit.
    #[error("parameter {name}: {reason}")]
    Rate {
        /// The parameter.
        name: &'static str,
        /// What is wrong.
        reason: RateError,
    },
    /// A parameter names something that does not exist.
    #[error("parameter {name}: {reason}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Nothing says how to get a token.
    #[error(
        "no access to a LiveKit server is configured: set LIVEKIT_TOKEN, LIVEKIT_TOKEN_FILE, \
         LIVEKIT_TOKEN_ENDPOINT, or LIVEKIT_API_KEY and LIVEKIT_API_SECRET, in the environment"
    )]
    NoToken,
    /// Key and secret do not come together.
    #[error("set both LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or LIVEKIT_TOKEN alone")]
    HalfAKey,
    /// A token is to be minted, but for no room.
    #[error("parameter `room` is empty: name the room that the robot is to join")]
    NoRoom,
    /// The token endpoint has no URL that can be asked.
    #[error("LIVEKIT_TOKEN_ENDPOINT is no URL of a token endpoint: it must begin with http:// or https://")]
    BadTokenEndpoint,
    /// The URL is none of a LiveKit server.
    #[error("{0:?} is no URL of a LiveKit server: it must begin with ws://, wss://, http:// or https://")]
    BadUrl(String),
}

impl Config {
    /// Declares the parameters on the node and reads them and the environment.
    pub fn read(
        parameters: &mut crate::ros::Parameters,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let values = Values::declare(parameters)?;
        let name = or_default(&values.string("name"), &environment.host_name);
        let identity = or_default(
            &values.string("identity"),
            &environment.stable_name(&parameters.node_name()),
        );
        let endpoint = Endpoint {
            url: url(&values, environment)?,
            token: token(&values, environment, identity, name.clone())?,
        };
        Ok(Self {
            endpoint,
            name,
            qos: QosPolicy {
                min_depth: values.size("min_qos_depth") as u32,
                max_depth: values.size("max_qos_depth") as u32,
                best_effort: patterns(&values, "best_effort_qos_topic_whitelist")?,
            },
            session: session(&values)?,
            robot: robot(&values)?,
            emergency_stop: full_name(&values, "emergency_stop")?,
            metrics: address(&values, "metrics_address")?,
        })
    }
}

fn robot(values: &Values) -> Result<RobotConfig, ConfigError> {
    let include_hidden = values.boolean("include_hidden");
    Ok(RobotConfig {
        rates: TopicRates {
            messages: rates(values, "topic_message_rates")?,
            bytes: rates(values, "topic_byte_rates")?,
        },
        topics: TopicFilter {
            allow: patterns(values, "topic_whitelist")?,
            deny: patterns(values, "topic_denylist")?,
            include_hidden,
        },
        services: TopicFilter {
            allow: patterns(values, "service_whitelist")?,
            deny: Patterns::default(),
            include_hidden,
        },
        call_timeouts: CallTimeouts {
            by_name: timeouts(values, "service_timeouts")?,
            default: milliseconds(values, "service_timeout_ms"),
        },
        parameters: patterns(values, "param_whitelist")?,
        parameter_timeout: milliseconds(values, "parameter_timeout_ms"),
        assets: AssetPolicy {
            allow: patterns(values, "asset_uri_allowlist")?,
            max_bytes: MAX_ASSET,
        },
        diagnostics: values.boolean("diagnostics"),
    })
}

fn milliseconds(values: &Values, name: &str) -> Duration {
    Duration::from_millis(values.size(name) as u64)
}

/// The full name of something in the ROS graph; empty if the parameter is.
fn full_name(values: &Values, name: &'static str) -> Result<String, ConfigError> {
    let text = values.string(name);
    if text.is_empty() || (text.starts_with('/') && !text.contains(char::is_whitespace)) {
        return Ok(text);
    }
    Err(ConfigError::Value {
        name,
        reason: format!("{text:?} is not a full name, as /emergency_stop"),
    })
}

/// An address with a port; none if the parameter is empty.
fn address(values: &Values, name: &'static str) -> Result<Option<SocketAddr>, ConfigError> {
    let text = values.string(name);
    if text.is_empty() {
        return Ok(None);
    }
    let address = text.parse().map_err(|_| ConfigError::Value {
        name,
        reason: format!("{text:?} is not an address with a port, as 127.0.0.1:9464"),
    })?;
    Ok(Some(address))
}

fn timeouts(values: &Values, name: &'static str) -> Result<Vec<(Patterns, Duration)>, ConfigError> {
    let entries = values.strings(name).into_iter();
    entries
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let wrong = || ConfigError::Value {
                name,
                reason: format!("{entry:?} is not of the form regex=milliseconds"),
            };
            let (pattern, timeout) = entry.rsplit_once('=').ok_or_else(wrong)?;
            let timeout = timeout.trim().parse().map_err(|_| wrong())?;
            let pattern = Patterns::new([pattern.trim()])
                .map_err(|reason| ConfigError::Pattern { name, reason })?;
            Ok((pattern, Duration::from_millis(timeout)))
        })
        .collect()
}

fn session(values: &Values) -> Result<SessionConfig, ConfigError> {
    Ok(SessionConfig {
        message_backlog_size: values.size("message_backlog_size"),
        queue_budget: values.size("message_queue_bytes"),
        max_age: milliseconds(values, "max_message_age_ms"),
        latched_budget: values.size("latched_bytes"),
        stream_rotate_bytes: values.size("stream_rotate_bytes") as u64,
        unacknowledged_rate: values.size("unacknowledged_viewer_rate") as u64,
        participant_rate: limit(values, "viewer_rate"),
        uplink_rate: limit(values, "uplink_rate"),
        control_queue_size: values.size("control_queue_bytes"),
        max_subscriptions: values.size("max_subscriptions"),
        max_total_subscriptions: values.size("max_total_subscriptions"),
        max_inbound_streams: values.size("max_viewer_streams"),
        inbound_rate: values.size("viewer_inbound_rate") as u64,
        inbound_budget: values.size("inbound_bytes"),
        rights: capabilities::rights(values)?,
        command_topics: capabilities::rule(patterns(values, "command_topics")?),
        command_timeout: milliseconds(values, "command_timeout_ms"),
        command_max_age: milliseconds(values, "command_max_age_ms"),
        max_client_channels: values.size("max_client_channels"),
        max_service_calls: values.size("max_service_calls"),
        ..SessionConfig::default()
    })
}

/// A limit that 0 switches off.
fn limit(values: &Values, name: &str) -> Option<u64> {
    Some(values.size(name) as u64).filter(|&limit| limit > 0)
}

fn rates(values: &Values, name: &'static str) -> Result<Rates, ConfigError> {
    Rates::parse(&values.strings(name)).map_err(|reason| ConfigError::Rate { name, reason })
}

fn url(values: &Values, environment: &Environment) -> Result<String, ConfigError> {
    let from_environment = environment.url.as_deref().unwrap_or(DEFAULT_URL);
    let url = or_default(&values.string("livekit_url"), from_environment);
    let known = ["ws://", "wss://", "http://", "https://"];
    if known.iter().any(|scheme| url.starts_with(scheme)) {
        Ok(url)
    } else {
        Err(ConfigError::BadUrl(url))
    }
}

fn token(
    values: &Values,
    environment: &Environment,
    identity: String,
    name: String,
) -> Result<TokenSource, ConfigError> {
    if let Some(token) = &environment.token {
        return Ok(TokenSource::Given(token.clone()));
    }
    if let Some(file) = &environment.token_file {
        return Ok(TokenSource::File(file.clone()));
    }
    if let Some(url) = &environment.token_endpoint {
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(ConfigError::BadTokenEndpoint);
        }
        return Ok(TokenSource::Endpoint(TokenEndpoint {
            url: url.clone(),
            key: environment.token_endpoint_key.clone(),
            room: values.string("room"),
            identity,
            name,
            role: Role::Robot,
        }));
    }
    match (&environment.api_key, &environment.api_secret) {
        (Some(key), Some(secret)) => {
            let room = values.string("room");
            if room.is_empty() {
                return Err(ConfigError::NoRoom);
            }
            Ok(TokenSource::Minted(TokenMint {
                key: key.clone(),
                secret: secret.clone(),
                room,
                identity,
                name,
                role: Role::Robot,
            }))
        }
        (None, None) => Err(ConfigError::NoToken),
        _ => Err(ConfigError::HalfAKey),
    }
}

/// Empty strings are left out: ROS has no empty list of strings in a YAML file.
fn patterns(values: &Values, name: &'static str) -> Result<Patterns, ConfigError> {
    let patterns = values
        .strings(name)
        .into_iter()
        .filter(|text| !text.is_empty());
    Patterns::new(patterns).map_err(|reason| ConfigError::Pattern { name, reason })
}

fn or_default(value: &str, default: &str) -> String {
    if value.is_empty() { default } else { value }.to_owned()
}
