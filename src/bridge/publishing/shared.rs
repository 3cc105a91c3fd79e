//! A publisher that viewers share, and whose quality of service keeps up with the subscriptions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::outlet::Outlet;
use crate::ros::{Publisher, PublisherQos, Ros, RosError};

/// Time between two checks whether the subscriptions ask for more than the publisher offers.
const CHECK: Duration = Duration::from_secs(1);
/// Time for a new publisher to reach all that the old one reaches, and one more. What is published
/// before still comes from the old one, so that no command and no stop is lost.
const SETTLE: Duration = Duration::from_secs(10);

/// One topic and type.
pub(super) struct Shared {
    pub outlet: Arc<Outlet>,
    pub users: usize,
    /// When the last user left.
    pub idle_since: Option<Instant>,
    qos: PublisherQos,
    checked: Instant,
    /// Successor of the publisher.
    next: Option<Next>,
}

struct Next {
    publisher: Publisher,
    qos: PublisherQos,
    made: Instant,
}

/// A publisher that was replaced and ends a little later, so that its last message is read.
pub(super) struct Retired {
    pub since: Instant,
    _publisher: Arc<Publisher>,
}

impl Shared {
    /// Makes a publisher with its first user.
    pub(super) fn open(ros: &Ros, topic: &str, type_name: &str) -> Result<Self, RosError> {
        let qos = ros.publisher_qos(topic);
        Ok(Self {
            outlet: Arc::new(Outlet::new(ros.publisher(topic, type_name, qos)?)),
            users: 1,
            idle_since: None,
            qos,
            checked: Instant::now(),
            next: None,
        })
    }

    /// Replaces the publisher if a subscription has come that asks for more than it offers.
    /// Returns the old one when the new one has taken its place.
    pub(super) fn keep_up(&mut self, ros: &Ros) -> Option<Retired> {
        let now = Instant::now();
        let publisher = self.outlet.publisher();
        let settled = |next: &mut Next| {
            next.publisher.subscriptions() > publisher.subscriptions() || next.made + SETTLE <= now
        };
        if let Some(next) = self.next.take_if(settled) {
            self.qos = next.qos;
            return Some(Retired {
                since: now,
                _publisher: self.outlet.replace(next.publisher),
            });
        }
        if self.next.is_some() || self.checked + CHECK > now {
            return None;
        }
        self.checked = now;
        let topic = publisher.topic();
        let wanted = ros.publisher_qos(topic);
        if self.qos.covers(wanted) {
            return None;
        }
        info!(
            topic,
            "replacing the publisher for the QoS of its subscriptions"
        );
        match ros.publisher(topic, publisher.type_name(), wanted) {
            Ok(publisher) => {
                self.next = Some(Next {
                    publisher,
                    qos: wanted,
                    made: now,
                });
            }
            Err(error) => warn!(topic, %error, "cannot replace the publisher"),
        }
        None
    }
}
