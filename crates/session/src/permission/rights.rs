//! Rights of one viewer.

use std::time::Instant;

use super::action::Action;
use super::rule::NameRule;

/// Rights of one viewer. What it may do is limited by the robot's [`Policy`](crate::Policy) as well.
#[derive(Clone, Debug)]
pub struct Rights {
    /// Topics to see, and services in the connection graph. Others are not there for it, in the
    /// robot's problems either.
    pub see: NameRule,
    /// Topics to publish on, command topics left out.
    pub publish: NameRule,
    /// Services to see and to call.
    pub call: NameRule,
    /// Parameters to read and to watch.
    pub read: NameRule,
    /// Parameters to set.
    pub set: NameRule,
    /// Files to fetch.
    pub assets: NameRule,
    /// Whether it may publish on command topics.
    pub drive: bool,
    /// Whether it may take a command topic from a driver without this right.
    pub override_driver: bool,
    /// When the rights end; then the viewer has none.
    pub expires: Option<Instant>,
    /// Equal for equal rights and different for others, whatever their end. Viewers of one group
    /// share lanes and catalogues.
    pub group: u128,
}

impl Rights {
    /// Everything, but to take the wheel from somebody.
    #[must_use]
    pub fn all() -> Self {
        let all = NameRule::all;
        Self {
            see: all(),
            publish: all(),
            call: all(),
            read: all(),
            set: all(),
            assets: all(),
            drive: true,
            override_driver: false,
            expires: None,
            group: 0,
        }
    }

    /// Nothing.
    #[must_use]
    pub fn none() -> Self {
        let none = NameRule::default;
        Self {
            see: none(),
            publish: none(),
            call: none(),
            read: none(),
            set: none(),
            assets: none(),
            drive: false,
            override_driver: false,
            expires: None,
            group: 1,
        }
    }

    pub(super) fn allow(&self, action: Action<'_>) -> bool {
        match action {
            Action::See { topic } => self.see.holds(topic),
            Action::Publish { topic } => self.publish.holds(topic),
            Action::Drive { .. } => self.drive,
            Action::OverrideDriver => self.override_driver,
            Action::CallServices => !self.call.is_none(),
            Action::CallService { service } => self.call.holds(service),
            Action::GetParameters | Action::SubscribeParameters => !self.read.is_none(),
            Action::GetParameter { name } => self.read.holds(name),
            Action::SetParameters => !self.set.is_none(),
            Action::SetParameter { name } => self.set.holds(name),
            // It shows what the viewer sees, and nothing of the rest.
            Action::WatchGraph => true,
            Action::FetchAssets => !self.assets.is_none(),
            Action::FetchAsset { uri } => self.assets.holds(uri),
        }
    }

    /// Whether there can be a topic that it sees.
    pub(super) fn sees_something(&self) -> bool {
        !self.see.is_none()
    }

    /// Whether it sees a service in the connection graph.
    pub(crate) fn sees_service(&self, service: &str) -> bool {
        self.see.holds(service) || self.call.holds(service)
    }

    /// Whether there can be a topic that it may publish on.
    pub(super) fn may_publish(&self) -> bool {
        self.drive || !self.publish.is_none()
    }
}
