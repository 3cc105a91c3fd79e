//! Rights of participants. Every request is allowed or refused here, and nowhere else.

mod action;
mod rights;
mod rule;

use std::collections::BTreeSet;

use remote_access_protocol::capability::Capability;

pub(crate) use action::Action;
pub use rights::Rights;
pub use rule::NameRule;

/// Permissions that the robot gives anybody, whatever the rights of a viewer. The default is nothing but
/// watching topics.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    capabilities: BTreeSet<Capability>,
    client_topics: NameRule,
}

/// Told to viewers to whom the room took the right to send.
pub(crate) const MAY_NOT_SEND: &str = "the room does not let this viewer send data (permission \
    canPublishData of the LiveKit server): the robot does nothing for it, and what it watches may \
    stall";
/// Longest name in bytes that a refusal repeats: a viewer wrote it.
const MAX_NAME: usize = 256;

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
    #[error("{what}{} is not among this viewer's rights; they come from its link or token, else from the bridge's parameter `viewer_default_rights`", name_of(.name))]
    Rights {
        what: &'static str,
        name: Option<String>,
    },
}

fn name_of(name: &Option<String>) -> String {
    name.as_ref()
        .map_or_else(String::new, |name| format!(" ({name})"))
}

fn shortened(name: &str) -> String {
    format!("{name:.MAX_NAME$}")
}

impl Policy {
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
        let capability = match action {
            Action::See { .. } => return Ok(()),
            Action::Publish { .. } | Action::Drive { .. } | Action::OverrideDriver => {
                Capability::ClientPublish
            }
            Action::CallServices | Action::CallService { .. } => Capability::Services,
            Action::GetParameters | Action::GetParameter { .. }
                if self.has(Capability::ParametersSubscribe) =>
            {
                return Ok(())
            }
            Action::GetParameters
            | Action::GetParameter { .. }
            | Action::SetParameters
            | Action::SetParameter { .. } => Capability::Parameters,
            Action::SubscribeParameters => Capability::ParametersSubscribe,
            Action::WatchGraph => Capability::ConnectionGraph,
            Action::FetchAssets | Action::FetchAsset { .. } => Capability::Assets,
        };
        if !self.has(capability) {
            let what = action.what();
            return Err(Refusal::Capability { what, capability });
        }
        match action {
            Action::Publish { topic } | Action::Drive { topic }
                if !self.client_topics.holds(topic) =>
            {
                Err(Refusal::Topic(shortened(topic)))
            }
            _ => Ok(()),
        }
    }

    fn has(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }
}

/// Permission of one viewer: its rights, as far as the robot lets anybody do that and the room lets
/// it send at all.
#[derive(Clone, Debug)]
pub(crate) struct Permission {
    pub(crate) policy: Policy,
    pub(crate) rights: Rights,
    /// Whether the room lets the viewer send data. Who may not writes nothing to the robot.
    pub(crate) may_send: bool,
}

impl Permission {
    pub(crate) fn new(policy: Policy, rights: Rights) -> Self {
        Self {
            policy,
            rights,
            may_send: true,
        }
    }

    /// The permission of who is gone.
    pub(crate) fn none() -> Self {
        Self::new(Policy::default(), Rights::none())
    }

    pub(crate) fn check(&self, action: Action<'_>) -> Result<(), Refusal> {
        if !self.may_send && action.writes() {
            return Err(Refusal::MayNotSend);
        }
        self.policy.check(action)?;
        if !self.rights.allow(action) {
            return Err(Refusal::Rights {
                what: action.what(),
                name: action.name().map(shortened),
            });
        }
        Ok(())
    }

    /// Whether the robot's time is sent.
    pub(crate) fn gets_time(&self) -> bool {
        self.policy.has(Capability::Time) && self.rights.sees_something()
    }

    /// Capabilities for `serverInfo`. `simulated`: the robot's time is not that of a wall clock.
    pub(crate) fn announced(&self, simulated: bool) -> Vec<Capability> {
        let may = |action| self.check(action).is_ok();
        let announced = |capability: &Capability| match capability {
            Capability::Time => simulated && self.gets_time(),
            Capability::Parameters => may(Action::GetParameters) || may(Action::SetParameters),
            Capability::ParametersSubscribe => may(Action::SubscribeParameters),
            Capability::ClientPublish => {
                self.may_send && self.policy.has(*capability) && self.rights.may_publish()
            }
            Capability::Services => may(Action::CallServices),
            Capability::ConnectionGraph => may(Action::WatchGraph),
            Capability::Assets => may(Action::FetchAssets),
            other => self.policy.has(*other),
        };
        Capability::ALL.into_iter().filter(announced).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIONS: [Action<'static>; 14] = [
        Action::See { topic: "/a" },
        Action::Publish { topic: "/a" },
        Action::Drive { topic: "/a" },
        Action::OverrideDriver,
        Action::CallServices,
        Action::CallService { service: "/a" },
        Action::GetParameters,
        Action::GetParameter { name: "/a" },
        Action::SetParameters,
        Action::SetParameter { name: "/a" },
        Action::SubscribeParameters,
        Action::WatchGraph,
        Action::FetchAssets,
        Action::FetchAsset { uri: "/a" },
    ];

    fn anything() -> Policy {
        Policy::new(Capability::ALL, NameRule::all())
    }

    fn allowed(permission: &Permission) -> Vec<Action<'static>> {
        let may = |action: &Action<'_>| permission.check(*action).is_ok();
        ACTIONS.into_iter().filter(may).collect()
    }

    #[test]
    fn the_robot_allows_watching_by_default_and_each_refusal_names_its_remedy() {
        let permission = Permission::new(Policy::default(), Rights::all());
        assert_eq!(permission.announced(true), []);
        assert_eq!(allowed(&permission), [Action::See { topic: "/a" }]);
        for action in &ACTIONS[1..] {
            let text = permission.check(*action).unwrap_err().to_string();
            assert!(text.contains("parameter `capabilities`"), "{text}");
        }
    }

    #[test]
    fn a_capability_allows_what_it_names_and_no_more() {
        let with = |capability| {
            let policy = Policy::new([capability], NameRule::all());
            let rights = Rights {
                override_driver: true,
                ..Rights::all()
            };
            allowed(&Permission::new(policy, rights)).split_off(1)
        };
        assert_eq!(with(Capability::ClientPublish), ACTIONS[1..4]);
        assert_eq!(with(Capability::Services), ACTIONS[4..6]);
        assert_eq!(with(Capability::Parameters), ACTIONS[6..10]);
        let reading = [ACTIONS[6], ACTIONS[7], ACTIONS[10]];
        assert_eq!(with(Capability::ParametersSubscribe), reading);
        assert_eq!(with(Capability::ConnectionGraph), ACTIONS[11..12]);
        assert_eq!(with(Capability::Assets), ACTIONS[12..14]);
        assert_eq!(with(Capability::Time), []);
    }

    #[test]
    fn without_rights_nothing_is_left_and_the_refusal_says_where_they_come_from() {
        let permission = Permission::new(anything(), Rights::none());
        // The graph has nothing in it of what may not be seen.
        assert_eq!(allowed(&permission), [Action::WatchGraph]);
        assert_eq!(permission.announced(true), [Capability::ConnectionGraph]);
        let text = permission.check(ACTIONS[5]).unwrap_err().to_string();
        assert!(
            text.contains("calling services (/a) is not among this viewer's rights"),
            "{text}"
        );
        assert!(text.contains("`viewer_default_rights`"), "{text}");
    }

    #[test]
    fn each_right_allows_what_it_names_and_no_more() {
        let rule = || NameRule::new(|name| name == "/a");
        let none = Rights::none;
        let with = |rights| {
            let mut allowed = allowed(&Permission::new(anything(), rights));
            allowed.retain(|&action| action != Action::WatchGraph);
            allowed
        };
        let see = with(Rights {
            see: rule(),
            ..none()
        });
        assert_eq!(see, ACTIONS[0..1]);
        assert_eq!(
            with(Rights {
                publish: rule(),
                ..none()
            }),
            ACTIONS[1..2]
        );
        assert_eq!(
            with(Rights {
                drive: true,
                ..none()
            }),
            ACTIONS[2..3]
        );
        assert_eq!(
            with(Rights {
                override_driver: true,
                ..none()
            }),
            ACTIONS[3..4]
        );
        assert_eq!(
            with(Rights {
                call: rule(),
                ..none()
            }),
            ACTIONS[4..6]
        );
        let reading = [ACTIONS[6], ACTIONS[7], ACTIONS[10]];
        assert_eq!(
            with(Rights {
                read: rule(),
                ..none()
            }),
            reading
        );
        assert_eq!(
            with(Rights {
                set: rule(),
                ..none()
            }),
            ACTIONS[8..10]
        );
        assert_eq!(
            with(Rights {
                assets: rule(),
                ..none()
            }),
            ACTIONS[12..14]
        );
        let other = Permission::new(
            anything(),
            Rights {
                see: rule(),
                ..none()
            },
        );
        assert!(other.check(Action::See { topic: "/b" }).is_err());
    }

    #[test]
    fn the_rule_for_topics_holds_beside_the_capability() {
        let rule = NameRule::new(|topic| topic == "/ok");
        let policy = Policy::new([Capability::ClientPublish], rule);
        assert_eq!(policy.check(Action::Publish { topic: "/ok" }), Ok(()));
        for action in [
            Action::Publish { topic: "/no" },
            Action::Drive { topic: "/no" },
        ] {
            let refusal = policy.check(action).unwrap_err();
            assert!(refusal.to_string().contains("client_topic_whitelist"));
        }
    }

    #[test]
    fn who_may_not_send_writes_nothing_and_is_told_why() {
        let rights = Rights {
            override_driver: true,
            ..Rights::all()
        };
        let mut permission = Permission::new(anything(), rights);
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
        assert_eq!(allowed(&permission), ACTIONS);
    }

    #[test]
    fn what_is_announced_is_what_works() {
        let all = Permission::new(anything(), Rights::all());
        assert_eq!(all.announced(true), Capability::ALL);
        assert!(!all.announced(false).contains(&Capability::Time));
        let reading = Policy::new([Capability::ParametersSubscribe], NameRule::default());
        let reading = Permission::new(reading, Rights::all());
        assert_eq!(
            reading.announced(false),
            [Capability::Parameters, Capability::ParametersSubscribe]
        );
        let driver = Permission::new(
            anything(),
            Rights {
                drive: true,
                ..Rights::none()
            },
        );
        assert!(driver.announced(false).contains(&Capability::ClientPublish));
    }
}
