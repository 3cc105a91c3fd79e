//! The values of the parameters, in the forms that the node uses.

use std::net::SocketAddr;
use std::time::Duration;

use tracing::level_filters::LevelFilter;

use super::error::ConfigError;
use super::kinds::{Key, Kind, Number, Text, Texts};
use super::live;
use super::overrides::Overrides;
use super::table as parameter;
use crate::bridge::Rates;
use crate::ros::Patterns;

/// The values of all parameters.
#[derive(Clone, Copy)]
pub(super) struct Values<'a>(pub(super) &'a Overrides);

impl Values<'_> {
    pub(super) fn get<K: Kind>(self, key: &Key<K>) -> Result<K::Value, ConfigError> {
        Ok(key.value(self.0)?)
    }

    pub(super) fn size(self, key: &Key<Number>) -> Result<usize, ConfigError> {
        Ok(self.get(key)? as usize)
    }

    pub(super) fn milliseconds(self, key: &Key<Number>) -> Result<Duration, ConfigError> {
        self.get(key).map(Duration::from_millis)
    }

    pub(super) fn limit(self, key: &Key<Number>) -> Result<Option<u64>, ConfigError> {
        self.get(key).map(live::limit)
    }

    /// The entries of a list. Empty ones are left out: before this node took empty lists, and in
    /// foxglove_bridge, `['']` stands for one.
    pub(super) fn entries(self, key: &Key<Texts>) -> Result<Vec<String>, ConfigError> {
        let mut entries = self.get(key)?;
        entries.retain(|entry| !entry.is_empty());
        Ok(entries)
    }

    pub(super) fn patterns(self, key: &Key<Texts>) -> Result<Patterns, ConfigError> {
        Patterns::new(self.entries(key)?).map_err(|reason| ConfigError::Pattern {
            name: key.name,
            reason,
        })
    }

    pub(super) fn rates(self, key: &Key<Texts>) -> Result<Rates, ConfigError> {
        Rates::parse(&self.entries(key)?).map_err(|reason| ConfigError::Rate {
            name: key.name,
            reason,
        })
    }

    /// An address with a port; none if the parameter is empty.
    pub(super) fn address(self, key: &Key<Text>) -> Result<Option<SocketAddr>, ConfigError> {
        let text = self.get(key)?;
        if text.is_empty() {
            return Ok(None);
        }
        let name = key.name;
        let address = text.parse();
        address
            .map(Some)
            .map_err(|_| ConfigError::Address { name, text })
    }

    pub(super) fn log_level(self) -> Result<Option<LevelFilter>, ConfigError> {
        let key = &parameter::LOG_LEVEL;
        let name = key.name;
        live::log_level(&self.get(key)?).map_err(|reason| ConfigError::LogLevel { name, reason })
    }

    /// The full name of something in the ROS graph; empty if the parameter is.
    pub(super) fn full_name(self, key: &Key<Text>) -> Result<String, ConfigError> {
        let text = self.get(key)?;
        if text.is_empty() || (text.starts_with('/') && !text.contains(char::is_whitespace)) {
            return Ok(text);
        }
        let name = key.name;
        Err(ConfigError::FullName { name, text })
    }

    pub(super) fn timeouts(
        self,
        key: &Key<Texts>,
    ) -> Result<Vec<(Patterns, Duration)>, ConfigError> {
        let name = key.name;
        let entries = self.entries(key)?.into_iter();
        entries
            .map(|entry| {
                let parts = entry.rsplit_once('=');
                let parts = parts.and_then(|(pattern, timeout)| {
                    Some((pattern.trim(), timeout.trim().parse().ok()?))
                });
                let Some((pattern, timeout)) = parts else {
                    return Err(ConfigError::Timeout { name, entry });
                };
                let pattern = Patterns::new([pattern])
                    .map_err(|reason| ConfigError::Pattern { name, reason })?;
                Ok((pattern, Duration::from_millis(timeout)))
            })
            .collect()
    }
}
