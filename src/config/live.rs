//! The parameters that may be changed while the node runs.

use std::sync::Arc;

use tracing::info;
use tracing::level_filters::LevelFilter;

use super::error::ConfigError;
use super::kinds::{Key, Number, Texts};
use super::log_level::LogLevel;
use super::overrides::Overrides;
use super::table as parameter;
use crate::bridge::Rates;
use crate::ros::Parameters;

/// A change of a parameter.
#[derive(Debug)]
pub enum Change {
    /// The most bytes per second to all viewers together; `None` is no limit.
    UplinkRate(Option<u64>),
    /// The most bytes per second to each viewer; `None` is no limit.
    ViewerRate(Option<u64>),
    /// Messages per second of topics.
    MessageRates(Rates),
    /// Bytes per second of topics.
    ByteRates(Rates),
    /// Minimum severity that the node logs; `None` is that of its command line and environment.
    LogLevel(Option<LevelFilter>),
}

/// Is told each change. It must be quick.
pub type Tell = Arc<dyn Fn(Change) + Send + Sync>;

/// A limit that 0 switches off.
pub(super) fn limit(value: u64) -> Option<u64> {
    Some(value).filter(|&limit| limit > 0)
}

/// Declares them.
pub(super) fn declare(
    given: &Overrides,
    node: &mut Parameters,
    tell: &Tell,
) -> Result<(), ConfigError> {
    rate(
        &parameter::UPLINK_RATE,
        given,
        node,
        tell,
        Change::UplinkRate,
    )?;
    rate(
        &parameter::VIEWER_RATE,
        given,
        node,
        tell,
        Change::ViewerRate,
    )?;
    let rates = &parameter::TOPIC_MESSAGE_RATES;
    topic_rates(rates, given, node, tell, Change::MessageRates)?;
    let rates = &parameter::TOPIC_BYTE_RATES;
    topic_rates(rates, given, node, tell, Change::ByteRates)?;
    let key = &parameter::LOG_LEVEL;
    let tell = Arc::clone(tell);
    node.live_string(
        key.name,
        &key.value(given)?,
        key.description,
        |text| log_level(text).map(drop),
        move |text| {
            if let Ok(level) = log_level(text) {
                tell(Change::LogLevel(level));
                info!("parameter log_level is {text:?} from now on");
            }
        },
    )?;
    Ok(())
}

/// Reads a level; an empty text is none.
pub(super) fn log_level(text: &str) -> Result<Option<LevelFilter>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let level = LogLevel::named(text);
    level.map(Some).ok_or_else(|| {
        format!("{text:?} must be debug, info, warn, error, or empty for that of the command line")
    })
}

fn rate(
    key: &'static Key<Number>,
    given: &Overrides,
    node: &mut Parameters,
    tell: &Tell,
    change: fn(Option<u64>) -> Change,
) -> Result<(), ConfigError> {
    let tell = Arc::clone(tell);
    let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let range = signed(*key.kind.1.start())..=signed(*key.kind.1.end());
    let default = signed(key.value(given)?);
    node.live_integer(key.name, default, range, key.description, move |value| {
        info!("parameter {} is {value} from now on", key.name);
        tell(change(limit(u64::try_from(value).unwrap_or(0))));
    })?;
    Ok(())
}

fn topic_rates(
    key: &'static Key<Texts>,
    given: &Overrides,
    node: &mut Parameters,
    tell: &Tell,
    change: fn(Rates) -> Change,
) -> Result<(), ConfigError> {
    let tell = Arc::clone(tell);
    let default = key.value(given)?;
    let default: Vec<&str> = default.iter().map(String::as_str).collect();
    node.live_strings(
        key.name,
        &default,
        key.description,
        |entries| Rates::parse(entries).map(drop),
        move |entries| {
            if let Ok(rates) = Rates::parse(entries) {
                info!("parameter {} is {entries:?} from now on", key.name);
                tell(change(rates));
            }
        },
    )?;
    Ok(())
}
