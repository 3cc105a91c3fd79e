//! What viewers get of the robot, as it is configured.

use std::time::Duration;

use super::topic_rates::TopicRates;
use crate::ros::{AssetPolicy, Patterns, TopicFilter};

/// What viewers get of the robot.
#[derive(Clone, Debug)]
pub struct RobotConfig {
    /// Rate limits of topics.
    pub rates: TopicRates,
    /// The topics that are offered.
    pub topics: TopicFilter,
    /// The services that are offered.
    pub services: TopicFilter,
    /// How long calls of them may take.
    pub call_timeouts: CallTimeouts,
    /// The parameters that are offered, as `/node.parameter`.
    pub parameters: Patterns,
    /// How long a node may take to answer about its parameters.
    pub parameter_timeout: Duration,
    /// The files that are offered.
    pub assets: AssetPolicy,
    /// Whether to publish diagnostics.
    pub diagnostics: bool,
}

/// How long calls may take.
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
