//! Raw subscriptions whose QoS follows the publishers.

use super::error::RosError;
use super::qos::{QosPolicy, TopicQos};
use super::schema::TypeName;
use super::source::Source;
use super::take::{Entry, Sink, TakeThread};
use parking_lot::{Mutex, RwLock};
use rclrs::{MessageTypeName, Node, QoSProfile};
use std::sync::{Arc, Weak};
use tracing::{info, warn};

/// A subscription to serialized messages. Dropping it ends it: its sink is not called
/// again after that, and the middleware no longer shows it. Both takes some milliseconds.
#[must_use = "dropping it ends the subscription"]
pub struct Subscription {
    inner: Arc<Inner>,
}

struct Inner {
    topic: String,
    message_type: MessageTypeName,
    qos: Mutex<TopicQos>,
    entry: Arc<Entry>,
}

impl Subscription {
    /// The QoS it has now.
    #[must_use]
    pub fn qos(&self) -> TopicQos {
        *self.inner.qos.lock()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.inner.entry.close();
    }
}

/// All raw subscriptions of a node.
pub(super) struct Subscriptions {
    node: Node,
    policy: RwLock<QosPolicy>,
    live: Mutex<Vec<Weak<Inner>>>,
}

impl Subscriptions {
    pub(super) fn new(node: Node) -> Self {
        Self {
            node,
            policy: RwLock::default(),
            live: Mutex::default(),
        }
    }

    pub(super) fn set_policy(&self, policy: QosPolicy) {
        *self.policy.write() = policy;
    }

    pub(super) fn resolve(&self, topic: &str, publishers: &[QoSProfile]) -> TopicQos {
        self.policy.read().resolve(topic, publishers)
    }

    pub(super) fn subscribe(
        &self,
        take: &TakeThread,
        topic: &str,
        type_name: &str,
        sink: Sink,
    ) -> Result<Subscription, RosError> {
        let name: TypeName = type_name.parse()?;
        let publishers: Vec<_> = self
            .node
            .get_publishers_info_by_topic(topic)?
            .into_iter()
            .map(|publisher| publisher.qos_profile)
            .collect();
        let qos = self.resolve(topic, &publishers);
        let inner = Arc::new(Inner {
            topic: topic.to_owned(),
            message_type: MessageTypeName {
                package_name: name.package().to_owned(),
                type_name: name.name().to_owned(),
            },
            qos: Mutex::new(qos),
            entry: take.add(topic, sink),
        });
        self.open(&inner, qos)?;
        self.live.lock().push(Arc::downgrade(&inner));
        Ok(Subscription { inner })
    }

    /// The topics subscribed to now.
    pub(super) fn topics(&self) -> Vec<String> {
        self.live()
            .iter()
            .map(|inner| inner.topic.clone())
            .collect()
    }

    /// Creates the topic's subscriptions anew if its publishers now need another QoS.
    ///
    /// Messages between the two may be lost. A larger depth alone is no reason for that, and
    /// without publishers nothing needs to change.
    pub(super) fn publishers_changed(&self, topic: &str, publishers: &[QoSProfile]) {
        if publishers.is_empty() {
            return;
        }
        let wanted = self.resolve(topic, publishers);
        for inner in self.live().iter().filter(|inner| inner.topic == topic) {
            let current = *inner.qos.lock();
            if (current.reliable, current.transient_local)
                == (wanted.reliable, wanted.transient_local)
            {
                continue;
            }
            info!(topic, qos = ?wanted, "subscribing again for the QoS of the publishers");
            // Kept as it is on failure, so that the next change of the graph tries again.
            match self.open(inner, wanted) {
                Ok(()) => *inner.qos.lock() = wanted,
                Err(problem) => warn!(topic, error = %problem, "cannot subscribe again"),
            }
        }
    }

    fn open(&self, inner: &Inner, qos: TopicQos) -> Result<(), RosError> {
        let source = Source::open(
            &self.node,
            &inner.topic,
            inner.message_type.clone(),
            qos.profile(),
            inner.entry.announcer(),
        )
        .map_err(|source| RosError::Subscribe {
            topic: inner.topic.clone(),
            reason: source.to_string(),
        })?;
        inner.entry.install(source);
        Ok(())
    }

    fn live(&self) -> Vec<Arc<Inner>> {
        let mut live = self.live.lock();
        live.retain(|inner| inner.strong_count() > 0);
        live.iter()
            .filter_map(Weak::upgrade)
            .filter(|inner| !inner.entry.is_closed())
            .collect()
    }
}
