//! What a viewer may ask of the robot. Every request is allowed or refused here, and nowhere else.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use remote_access_protocol::capability::Capability;

/// A rule over names, for example regular expressions.
#[derive(Clone)]
pub struct NameRule(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl NameRule {
    /// Holds for the names for which `rule` is true.
    pub fn new(rule: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }

    /// Whether it holds for a name.
    pub fn holds(&self, name: &str) -> bool {
        (self.0)(name)
    }
}

/// Holds for no name.
impl Default for NameRule {
    fn default() -> Self {
        Self::new(|_| false)
    }
}

impl fmt::Debug for NameRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameRule")
    }
}

/// What one viewer may do beside watching topics. The default is nothing.
#[derive(Clone, Debug, Default)]
pub struct Rights {
    capabilities: BTreeSet<Capability>,
    client_topics: NameRule,
}

/// Something that a viewer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask<'a> {
    Publish { topic: &'a str },
    CallService,
    GetParameters,
    SetParameters,
    SubscribeParameters,
    WatchGraph,
    FetchAsset,
}

/// Why a viewer does not get what it asks for. The text is for the viewer's user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("{what} is not allowed; to enable it, add \"{capability}\" to the bridge's parameter `capabilities`")]
    Capability {
        what: &'static str,
        capability: Capability,
    },
    #[error("publishing on {0} is not allowed; to enable it, add a pattern to the bridge's parameter `client_topic_whitelist`")]
    Topic(String),
}

impl Rights {
    /// `capabilities` are those that are allowed, `client_topics` says where to publish.
    ///
    /// [`Capability::Parameters`] allows to set parameters; to read them one of it and
    /// [`Capability::ParametersSubscribe`] is enough.
    pub fn new(
        capabilities: impl IntoIterator<Item = Capability>,
        client_topics: NameRule,
    ) -> Self {
        Self {
            capabilities: capabilities.into_iter().collect(),
            client_topics,
        }
    }

    pub(super) fn check(&self, ask: Ask<'_>) -> Result<(), Refusal> {
        let (what, capability) = match ask {
            Ask::Publish { .. } => ("publishing", Capability::ClientPublish),
            Ask::CallService => ("calling services", Capability::Services),
            Ask::GetParameters if self.has(Capability::ParametersSubscribe) => return Ok(()),
            Ask::GetParameters => ("reading parameters", Capability::Parameters),
            Ask::SetParameters => ("setting parameters", Capability::Parameters),
            Ask::SubscribeParameters => ("watching parameters", Capability::ParametersSubscribe),
            Ask::WatchGraph => ("watching the connection graph", Capability::ConnectionGraph),
            Ask::FetchAsset => ("fetching assets", Capability::Assets),
        };
        if !self.has(capability) {
            return Err(Refusal::Capability { what, capability });
        }
        match ask {
            Ask::Publish { topic } if !self.client_topics.holds(topic) => {
                Err(Refusal::Topic(topic.to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Whether the robot's time is sent.
    pub(super) fn gets_time(&self) -> bool {
        self.has(Capability::Time)
    }

    /// What `serverInfo` tells. `simulated`: the robot's time is not that of a wall clock.
    pub(super) fn announced(&self, simulated: bool) -> Vec<Capability> {
        let announced = |capability: &Capability| match capability {
            Capability::Time => simulated && self.gets_time(),
            Capability::Parameters => self.check(Ask::GetParameters).is_ok(),
            other => self.has(*other),
        };
        Capability::ALL.into_iter().filter(announced).collect()
    }

    fn has(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKS: [Ask<'static>; 7] = [
        Ask::Publish { topic: "/a" },
        Ask::CallService,
        Ask::GetParameters,
        Ask::SetParameters,
        Ask::SubscribeParameters,
        Ask::WatchGraph,
        Ask::FetchAsset,
    ];

    #[test]
    fn nothing_is_allowed_by_default_and_each_refusal_names_its_remedy() {
        let rights = Rights::default();
        assert_eq!(rights.announced(true), []);
        for ask in ASKS {
            let text = rights.check(ask).unwrap_err().to_string();
            assert!(text.contains("parameter `capabilities`"), "{text}");
        }
    }

    #[test]
    fn a_capability_allows_what_it_names_and_no_more() {
        let allowed = |capability| {
            let rights = Rights::new([capability], NameRule::new(|_| true));
            ASKS.into_iter()
                .filter(|&ask| rights.check(ask).is_ok())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            allowed(Capability::ClientPublish),
            [Ask::Publish { topic: "/a" }]
        );
        assert_eq!(allowed(Capability::Services), [Ask::CallService]);
        assert_eq!(
            allowed(Capability::Parameters),
            [Ask::GetParameters, Ask::SetParameters]
        );
        assert_eq!(
            allowed(Capability::ParametersSubscribe),
            [Ask::GetParameters, Ask::SubscribeParameters]
        );
        assert_eq!(allowed(Capability::ConnectionGraph), [Ask::WatchGraph]);
        assert_eq!(allowed(Capability::Assets), [Ask::FetchAsset]);
        assert_eq!(allowed(Capability::Time), []);
    }

    #[test]
    fn the_rule_for_topics_holds_beside_the_capability() {
        let rule = NameRule::new(|topic| topic == "/ok");
        let rights = Rights::new([Capability::ClientPublish], rule);
        assert_eq!(rights.check(Ask::Publish { topic: "/ok" }), Ok(()));
        let refusal = rights.check(Ask::Publish { topic: "/no" }).unwrap_err();
        assert!(refusal.to_string().contains("client_topic_whitelist"));
    }

    #[test]
    fn what_is_announced_is_what_works() {
        let all = Rights::new(Capability::ALL, NameRule::default());
        assert_eq!(all.announced(true), Capability::ALL);
        assert!(!all.announced(false).contains(&Capability::Time));
        let reading = Rights::new([Capability::ParametersSubscribe], NameRule::default());
        assert_eq!(
            reading.announced(false),
            [Capability::Parameters, Capability::ParametersSubscribe]
        );
    }
}
