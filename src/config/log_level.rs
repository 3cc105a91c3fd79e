//! `--log-level` of ROS, for the node and for other loggers.

use std::str::FromStr;

use tracing::level_filters::LevelFilter;

/// One `--log-level`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLevel {
    /// The logger that it is for; all of them without one.
    pub logger: Option<String>,
    /// Least severe level that is logged.
    pub level: LevelFilter,
}

/// A level that ROS does not know.
#[derive(Debug, thiserror::Error)]
#[error(
    "--log-level {0:?} must be debug, info, warn, error or fatal, or have the form logger:=level"
)]
pub struct LogLevelError(String);

impl LogLevel {
    /// The level that a text names.
    pub(super) fn named(text: &str) -> Option<LevelFilter> {
        match text.to_ascii_lowercase().as_str() {
            // The node has no errors that are worse than others.
            "fatal" => Some(LevelFilter::ERROR),
            level @ ("debug" | "info" | "warn" | "error") => LevelFilter::from_str(level).ok(),
            _ => None,
        }
    }

    /// Parses `level` or `logger:=level`.
    pub fn parse(text: &str) -> Result<Self, LogLevelError> {
        let (logger, level) = match text.split_once(":=") {
            Some((logger, level)) => (Some(logger.to_owned()), level),
            None => (None, text),
        };
        let level = Self::named(level).ok_or_else(|| LogLevelError(text.to_owned()))?;
        Ok(Self { logger, level })
    }

    /// The level that holds for a node: the last one that names its logger, which is its full name
    /// with dots, or its bare name; else the last one for all.
    #[must_use]
    pub fn of_node(levels: &[Self], node: &str) -> Option<LevelFilter> {
        let logger = node.trim_start_matches('/').replace('/', ".");
        let bare = node.rsplit('/').next().unwrap_or_default();
        let is_it = |name: &str| name == logger || name == bare || name == node;
        let named = levels
            .iter()
            .rev()
            .find(|each| each.logger.as_deref().is_some_and(is_it));
        let all = || levels.iter().rev().find(|each| each.logger.is_none());
        named.or_else(all).map(|each| each.level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_of_the_node_is_the_last_that_names_it() {
        let of = |texts: &[&str]| {
            let levels: Vec<_> = texts
                .iter()
                .map(|text| LogLevel::parse(text).unwrap())
                .collect();
            LogLevel::of_node(&levels, "/r2/bridge")
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["WARN", "rcl:=debug"]), Some(LevelFilter::WARN));
        for name in ["bridge", "r2.bridge", "/r2/bridge"] {
            let named = format!("{name}:=debug");
            assert_eq!(of(&[&named, "info"]), Some(LevelFilter::DEBUG), "{name}");
        }
        assert_eq!(of(&["fatal"]), Some(LevelFilter::ERROR));
        assert!(LogLevel::parse("bridge:=loud").is_err());
    }
}
