//! Rights of participants. Every request is allowed or refused here, and nowhere else.

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

/// Rights of one viewer beside watching topics. The default is nothing.
#[derive(Clone, Debug, Default)]
pub struct Rights {
    capabilities: BTreeSet<Capability>,
    client_topics: NameRule,
}

/// An action that a participant asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action<'a> {
    Publish { topic: &'a str },
    CallService,
    GetParameters,
    SetParameters,
    SubscribeParameters,
    WatchGraph,
    FetchAsset,
}

impl Action<'_> {
    /// Whether it writes to the robot.
    fn writes(self) -> bool {
        matches!(
            self,
            Self::Publish { .. } | Self::CallService | Self::SetParameters
        )
    }
}

/// Told to viewers to whom the room took the right to send.
pub(crate) const MAY_NOT_SEND: &str = "the room does not let this viewer send data (permission \
    canPublishData of the LiveKit server): the robot does nothing for it, and what it watches may \
    stall";

/// Reason why an action is refused. The text is for the viewer's user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the viewer is unknown")]
    Unknown,
    #[error("{}", MAY_NOT_SEND)]
    MayNotSend,
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

    fn check(&self, action: Action<'_>) -> Result<(), Refusal> {
        let (what, capability) = match action {
            Action::Publish { .. } => ("publishing", Capability::ClientPublish),
            Action::CallService => ("calling services", Capability::Services),
            Action::GetParameters if self.has(Capability::ParametersSubscribe) => return Ok(()),
            Action::GetParameters => ("reading parameters", Capability::Parameters),
            Action::SetParameters => ("setting parameters", Capability::Parameters),
            Action::SubscribeParameters => ("watching parameters", Capability::ParametersSubscribe),
            Action::WatchGraph => ("watching the connection graph", Capability::ConnectionGraph),
            Action::FetchAsset => ("fetching assets", Capability::Assets),
        };
        if !self.has(capability) {
            return Err(Refusal::Capability { what, capability });
        }
        match action {
            Action::Publish { topic } if !self.client_topics.holds(topic) => {
                Err(Refusal::Topic(topic.to_owned()))
            }
            Action::Publish { .. }
            | Action::CallService
            | Action::GetParameters
            | Action::SetParameters
            | Action::SubscribeParameters
            | Action::WatchGraph
            | Action::FetchAsset => Ok(()),
        }
    }

    fn has(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }
}

/// Permission of one viewer: its rights, as far as the room lets it send at all.
#[derive(Clone, Debug)]
pub(crate) struct Permission {
    pub(crate) rights: Rights,
    /// Whether the room lets the viewer send data. Who may not writes nothing to the robot.
    pub(crate) may_send: bool,
}

impl Permission {
    pub(crate) fn new(rights: Rights) -> Self {
        Self {
            rights,
            may_send: true,
        }
    }

    pub(crate) fn check(&self, action: Action<'_>) -> Result<(), Refusal> {
        if !self.may_send && action.writes() {
            return Err(Refusal::MayNotSend);
        }
        self.rights.check(action)
    }

    /// Whether the robot's time is sent.
    pub(crate) fn gets_time(&self) -> bool {
        self.rights.has(Capability::Time)
    }

    /// Capabilities for `serverInfo`. `simulated`: the robot's time is not that of a wall clock.
    pub(crate) fn announced(&self, simulated: bool) -> Vec<Capability> {
        let announced = |capability: &Capability| match capability {
            Capability::Time => simulated && self.gets_time(),
            Capability::Parameters => self.check(Action::GetParameters).is_ok(),
            Capability::ClientPublish | Capability::Services if !self.may_send => false,
            other => self.rights.has(*other),
        };
        Capability::ALL.into_iter().filter(announced).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIONS: [Action<'static>; 7] = [
        Action::Publish { topic: "/a" },
        Action::CallService,
        Action::GetParameters,
        Action::SetParameters,
        Action::SubscribeParameters,
        Action::WatchGraph,
        Action::FetchAsset,
    ];

    #[test]
    fn nothing_is_allowed_by_default_and_each_refusal_names_its_remedy() {
        let permission = Permission::new(Rights::default());
        assert_eq!(permission.announced(true), []);
        for action in ACTIONS {
            let text = permission.check(action).unwrap_err().to_string();
            assert!(text.contains("parameter `capabilities`"), "{text}");
        }
    }

    #[test]
    fn a_capability_allows_what_it_names_and_no_more() {
        let allowed = |capability| {
            let rights = Rights::new([capability], NameRule::new(|_| true));
            ACTIONS
                .into_iter()
                .filter(|&action| rights.check(action).is_ok())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            allowed(Capability::ClientPublish),
            [Action::Publish { topic: "/a" }]
        );
        assert_eq!(allowed(Capability::Services), [Action::CallService]);
        assert_eq!(
            allowed(Capability::Parameters),
            [Action::GetParameters, Action::SetParameters]
        );
        assert_eq!(
            allowed(Capability::ParametersSubscribe),
            [Action::GetParameters, Action::SubscribeParameters]
        );
        assert_eq!(allowed(Capability::ConnectionGraph), [Action::WatchGraph]);
        assert_eq!(allowed(Capability::Assets), [Action::FetchAsset]);
        assert_eq!(allowed(Capability::Time), []);
    }

    #[test]
    fn the_rule_for_topics_holds_beside_the_capability() {
        let rule = NameRule::new(|topic| topic == "/ok");
        let rights = Rights::new([Capability::ClientPublish], rule);
        assert_eq!(rights.check(Action::Publish { topic: "/ok" }), Ok(()));
        let refusal = rights.check(Action::Publish { topic: "/no" }).unwrap_err();
        assert!(refusal.to_string().contains("client_topic_whitelist"));
    }

    #[test]
    fn who_may_not_send_writes_nothing_and_is_told_why() {
        let mut permission = Permission::new(Rights::new(Capability::ALL, NameRule::new(|_| true)));
        permission.may_send = false;
        for action in ACTIONS {
            let refusal = permission.check(action).err();
            assert_eq!(
                refusal.is_some(),
                action.writes(),
                "{action:?} is refused with {refusal:?}"
            );
        }
        let announced = permission.announced(true);
        let lost = [Capability::ClientPublish, Capability::Services];
        assert!(lost.iter().all(|each| !announced.contains(each)));
        assert_eq!(announced.len() + lost.len(), Capability::ALL.len());
        permission.may_send = true;
        assert!(ACTIONS
            .into_iter()
            .all(|action| permission.check(action).is_ok()));
    }

    #[test]
    fn what_is_announced_is_what_works() {
        let all = Permission::new(Rights::new(Capability::ALL, NameRule::default()));
        assert_eq!(all.announced(true), Capability::ALL);
        assert!(!all.announced(false).contains(&Capability::Time));
        let reading = Rights::new([Capability::ParametersSubscribe], NameRule::default());
        let reading = Permission::new(reading);
        assert_eq!(
            reading.announced(false),
            [Capability::Parameters, Capability::ParametersSubscribe]
        );
    }
}
