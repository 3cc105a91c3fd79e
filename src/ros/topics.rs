//! Topics, and what is told of them.

use super::change_feed::Offer;
use super::error::OfferError;
use super::qos::TopicQos;
use super::schema::Schema;

/// A topic with at least one publisher and a known definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its full name.
    pub name: String,
    /// Its message type, `package/msg/Type`.
    pub type_name: String,
    /// The definition of the type.
    pub schema: Schema,
    /// The QoS a subscription to it gets.
    pub qos: TopicQos,
}

#[cfg(test)]
impl Topic {
    /// A topic for tests, whose definition is empty.
    pub(crate) fn of(name: &str, type_name: &str) -> Self {
        Self {
            name: name.into(),
            type_name: type_name.into(),
            schema: Schema {
                name: type_name.into(),
                encoding: "ros2msg",
                text: "".into(),
                hash: None,
            },
            qos: TopicQos {
                reliable: true,
                transient_local: false,
                depth: 1,
            },
        }
    }
}

/// A change of the topics that a watcher's filter lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TopicEvent {
    /// The topic has appeared.
    Added(Topic),
    /// The topic was added before, and the QoS of its publishers has changed since. Subscriptions
    /// follow by themselves.
    QosChanged(Topic),
    /// The topic was added before and has gone. A topic whose type changes is removed, then added.
    Removed {
        /// Its full name.
        name: String,
        /// The type it had.
        type_name: String,
    },
    /// The topic cannot be offered. Told once, and again with another reason.
    Problem {
        /// Its full name.
        topic: String,
        /// Why.
        reason: OfferError,
    },
    /// The problem of the topic is over, or the topic has gone. If it can be offered now, it is
    /// added next.
    Solved {
        /// Its full name.
        topic: String,
    },
}

impl Offer for Topic {
    type Event = TopicEvent;
    type State = TopicQos;

    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn state(&self) -> TopicQos {
        self.qos
    }

    fn added(self) -> TopicEvent {
        TopicEvent::Added(self)
    }

    fn changed(self) -> TopicEvent {
        TopicEvent::QosChanged(self)
    }

    fn removed(name: &str, type_name: &str) -> TopicEvent {
        TopicEvent::Removed {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
        }
    }

    fn problem(name: &str, reason: &OfferError) -> TopicEvent {
        TopicEvent::Problem {
            topic: name.to_owned(),
            reason: reason.clone(),
        }
    }

    fn solved(name: &str) -> TopicEvent {
        TopicEvent::Solved {
            topic: name.to_owned(),
        }
    }
}
