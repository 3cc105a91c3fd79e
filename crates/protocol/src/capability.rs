//! Capabilities of a robot beyond sending the messages of its channels.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Something that a robot offers, named in `serverInfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Capability {
    /// Viewers may publish messages on the robot.
    ClientPublish,
    /// The robot sends its time, which is not that of a wall clock.
    Time,
    /// Viewers may get and set parameters.
    Parameters,
    /// Viewers may subscribe to changes of parameters.
    ParametersSubscribe,
    /// Viewers may call services.
    Services,
    /// Viewers may watch who publishes, subscribes and serves what.
    ConnectionGraph,
    /// Viewers may fetch files that messages refer to, for example meshes.
    Assets,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ClientPublish,
        Self::Time,
        Self::Parameters,
        Self::ParametersSubscribe,
        Self::Services,
        Self::ConnectionGraph,
        Self::Assets,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientPublish => "clientPublish",
            Self::Time => "time",
            Self::Parameters => "parameters",
            Self::ParametersSubscribe => "parametersSubscribe",
            Self::Services => "services",
            Self::ConnectionGraph => "connectionGraph",
            Self::Assets => "assets",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no capability.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a capability; they are: clientPublish, time, parameters, parametersSubscribe, services, connectionGraph, assets")]
pub struct UnknownCapability(String);

impl FromStr for Capability {
    type Err = UnknownCapability;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|capability| capability.name() == text)
            .ok_or_else(|| UnknownCapability(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_wire() {
        for capability in Capability::ALL {
            let json = serde_json::to_value(capability).unwrap();
            assert_eq!(json, capability.name());
            assert_eq!(capability.name().parse(), Ok(capability));
            let error = UnknownCapability(String::new()).to_string();
            assert!(error.contains(capability.name()), "{error}");
        }
        assert!("fly".parse::<Capability>().is_err());
    }
}
