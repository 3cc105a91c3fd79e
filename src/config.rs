//! All parameters, in one table, and what is read from the environment.

mod arguments;
mod arguments_error;
mod cameras;
mod capabilities;
mod environment;
mod error;
mod interfaces;
mod kinds;
mod live;
mod log_level;
mod node_name;
mod overrides;
mod rights;
mod table;
#[cfg(test)]
mod tests;
mod unknown;
mod values;
mod yaml;

use std::net::SocketAddr;

use crate::access::AccessControl;
use crate::bridge::{CallTimeouts, LiveRates, RobotConfig, TopicRates};
use crate::ros::{AssetPolicy, Parameters, Patterns, QosPolicy, TopicFilter};
use remote_access_room::{Endpoint, Role, TokenEndpoint, TokenMint, TokenSource};
use remote_access_session::SessionConfig;
use tracing::level_filters::LevelFilter;

pub use arguments::{Arguments, Task, NODE_NAME};
pub use arguments_error::ArgumentsError;
pub use environment::Environment;
pub use error::ConfigError;
pub use interfaces::Interfaces;
pub use live::{Change, Tell};
pub use log_level::LogLevel;
pub use overrides::Overrides;
pub use table::{parameter_table, ParameterInfo};

use table as parameter;
use values::Values;

/// Names the server when neither parameter nor environment does.
const DEFAULT_URL: &str = "ws://localhost:7880";
/// Largest asset in bytes: what fits a frame with its header.
const MAX_ASSET: usize = (16 << 20) - 64;

/// Everything that can be set about the node.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where and how the node connects.
    pub endpoint: Endpoint,
    /// Which network interfaces it connects over.
    pub interfaces: Interfaces,
    /// The robot's name, shown to people.
    pub name: String,
    /// QoS policy of ROS subscriptions.
    pub qos: QosPolicy,
    /// Limits of the session, and what any viewer may do.
    pub session: SessionConfig,
    /// Access of each viewer.
    pub access: AccessControl,
    /// Offer to viewers.
    pub robot: RobotConfig,
    /// Full name of the service or topic of the emergency stop; empty if there is none.
    pub emergency_stop: String,
    /// Where to serve metrics.
    pub metrics: Option<SocketAddr>,
    /// Minimum severity that the node logs, if a parameter says so.
    pub log_level: Option<LevelFilter>,
    /// Whether to publish the audit.
    pub audit_topic: bool,
    /// Whether time is simulated (`use_sim_time`).
    pub simulated_time: bool,
    /// Oddities that need not be wrong.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads what is given for the parameters, and the environment. `node` is the node's full name.
    ///
    /// # Errors
    /// Names the parameter or variable that is wrong or missing, and what it should be.
    pub fn read(
        given: &Overrides,
        environment: &Environment,
        node: &str,
    ) -> Result<Self, ConfigError> {
        let values = Values(given);
        let warnings = unknown::check(given, &table::names())?;
        let name = or_default(&values.get(&parameter::NAME)?, &environment.host_name);
        let identity = values.get(&parameter::IDENTITY)?;
        let identity = or_default(&identity, &environment.stable_name(node));
        Ok(Self {
            endpoint: Endpoint {
                url: url(values, environment)?,
                token: token(values, environment, identity, name.clone())?,
                encryption: environment.encryption.key()?,
            },
            interfaces: Interfaces::read(values)?,
            name,
            qos: QosPolicy {
                min_depth: values.get(&parameter::MIN_QOS_DEPTH)? as u32,
                max_depth: values.get(&parameter::MAX_QOS_DEPTH)? as u32,
                best_effort: values.patterns(&parameter::BEST_EFFORT_QOS_TOPIC_WHITELIST)?,
            },
            session: session(values)?,
            access: rights::access(values, environment)?,
            robot: robot(values)?,
            metrics: values.address(&parameter::METRICS_ADDRESS)?,
            emergency_stop: values.full_name(&parameter::EMERGENCY_STOP)?,
            log_level: values.log_level()?,
            audit_topic: values.get(&parameter::AUDIT_TOPIC)?,
            simulated_time: values.get(&parameter::USE_SIM_TIME)?,
            warnings,
        })
    }

    /// Declares the parameters on the node with the values that are given. `tell` gets the changes
    /// of those that may be changed.
    ///
    /// # Errors
    /// A name is taken, or a value is wrong.
    pub fn declare(
        given: &Overrides,
        parameters: &mut Parameters,
        tell: &Tell,
    ) -> Result<(), ConfigError> {
        table::declare(given, parameters)?;
        live::declare(given, parameters, tell)
    }
}

fn robot(values: Values) -> Result<RobotConfig, ConfigError> {
    let include_hidden = values.get(&parameter::INCLUDE_HIDDEN)?;
    Ok(RobotConfig {
        rates: LiveRates::new(TopicRates {
            messages: values.rates(&parameter::TOPIC_MESSAGE_RATES)?,
            bytes: values.rates(&parameter::TOPIC_BYTE_RATES)?,
        }),
        topics: TopicFilter {
            allow: values.patterns(&parameter::TOPIC_WHITELIST)?,
            deny: values.patterns(&parameter::TOPIC_DENYLIST)?,
            include_hidden,
        },
        services: TopicFilter {
            allow: values.patterns(&parameter::SERVICE_WHITELIST)?,
            deny: Patterns::default(),
            include_hidden,
        },
        call_timeouts: CallTimeouts {
            by_name: values.timeouts(&parameter::SERVICE_TIMEOUTS)?,
            default: values.milliseconds(&parameter::SERVICE_TIMEOUT_MS)?,
        },
        parameters: values.patterns(&parameter::PARAM_WHITELIST)?,
        parameter_timeout: values.milliseconds(&parameter::PARAMETER_TIMEOUT_MS)?,
        assets: AssetPolicy {
            allow: values.patterns(&parameter::ASSET_URI_ALLOWLIST)?,
            max_bytes: MAX_ASSET,
        },
        cameras: cameras::config(values)?,
        diagnostics: values.get(&parameter::DIAGNOSTICS)?,
    })
}

fn session(values: Values) -> Result<SessionConfig, ConfigError> {
    Ok(SessionConfig {
        message_backlog_size: values.size(&parameter::MESSAGE_BACKLOG_SIZE)?,
        queue_budget: values.size(&parameter::MESSAGE_QUEUE_BYTES)?,
        max_age: values.milliseconds(&parameter::MAX_MESSAGE_AGE_MS)?,
        latched_budget: values.size(&parameter::LATCHED_BYTES)?,
        stream_rotate_bytes: values.get(&parameter::STREAM_ROTATE_BYTES)?,
        unacknowledged_rate: values.get(&parameter::UNACKNOWLEDGED_VIEWER_RATE)?,
        participant_rate: values.limit(&parameter::VIEWER_RATE)?,
        uplink_rate: values.limit(&parameter::UPLINK_RATE)?,
        control_queue_size: values.size(&parameter::CONTROL_QUEUE_BYTES)?,
        max_subscriptions: values.size(&parameter::MAX_SUBSCRIPTIONS)?,
        max_total_subscriptions: values.size(&parameter::MAX_TOTAL_SUBSCRIPTIONS)?,
        max_inbound_streams: values.size(&parameter::MAX_VIEWER_STREAMS)?,
        inbound_rate: values.get(&parameter::VIEWER_INBOUND_RATE)?,
        inbound_budget: values.size(&parameter::INBOUND_BYTES)?,
        policy: capabilities::policy(values)?,
        lane_sharing: values.get(&parameter::LANE_SHARING)?,
        command_topics: capabilities::rule(values.patterns(&parameter::COMMAND_TOPICS)?),
        command_timeout: values.milliseconds(&parameter::COMMAND_TIMEOUT_MS)?,
        command_max_age: values.milliseconds(&parameter::COMMAND_MAX_AGE_MS)?,
        max_client_channels: values.size(&parameter::MAX_CLIENT_CHANNELS)?,
        max_service_calls: values.size(&parameter::MAX_SERVICE_CALLS)?,
        ..SessionConfig::default()
    })
}

fn url(values: Values, environment: &Environment) -> Result<String, ConfigError> {
    let from_environment = environment.url.as_deref().unwrap_or(DEFAULT_URL);
    let url = or_default(&values.get(&parameter::LIVEKIT_URL)?, from_environment);
    let known = ["ws://", "wss://", "http://", "https://"];
    if known.iter().any(|scheme| url.starts_with(scheme)) {
        Ok(url)
    } else {
        Err(ConfigError::BadUrl(url))
    }
}

fn token(
    values: Values,
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
            room: values.get(&parameter::ROOM)?,
            identity,
            name,
            role: Role::Robot,
        }));
    }
    match (&environment.api_key, &environment.api_secret) {
        (Some(key), Some(secret)) => {
            let room = values.get(&parameter::ROOM)?;
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
                rights: None,
            }))
        }
        (None, None) => Err(ConfigError::NoToken),
        _ => Err(ConfigError::HalfAKey),
    }
}

fn or_default(value: &str, default: &str) -> String {
    if value.is_empty() { default } else { value }.to_owned()
}
