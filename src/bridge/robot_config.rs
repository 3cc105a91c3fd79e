//! Configured offer to viewers.

use std::time::Duration;

use super::topic_rates::LiveRates;
use crate::media::CameraConfig;
use crate::ros::{AssetPolicy, Patterns, TopicFilter};

/// Offer to viewers.
#[derive(Clone, Debug)]
pub struct RobotConfig {
    /// Rate limits of topics.
    pub rates: LiveRates,
    /// The topics that are offered.
    pub topics: TopicFilter,
    /// The services that are offered.
    pub services: TopicFilter,
    /// Time limits of their calls.
    pub call_timeouts: CallTimeouts,
    /// The parameters that are offered, as `/node.parameter`.
    pub parameters: Patterns,
    /// Time limit of a node's answers about its parameters.
    pub parameter_timeout: Duration,
    /// The files that are offered.
    pub assets: AssetPolicy,
    /// How images are offered.
    pub cameras: CameraConfig,
    /// Whether to publish diagnostics.
    pub diagnostics: bool,
}

/// Time limits of calls.
#[derive(Clone, Debug)]
pub struct CallTimeouts {
    /// By name; the first pattern that matches counts.
    pub by_name: Vec<(Patterns, Duration)>,
    /// Of all others.
    pub default: Duration,
}

impl CallTimeouts {
    pub(super) fn of(&self, service: &str) -> Duration {
        let named = self.by_name.iter().find(|(name, _)| name.matches(service));
        named.map_or(self.default, |&(_, timeout)| timeout)
    }
}
