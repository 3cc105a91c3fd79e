//! Telling watchers which topics exist.

use super::filter::TopicFilter;
use super::qos::TopicQos;
use super::schema::Schema;
use flume::{Sender, TrySendError};
use std::collections::{BTreeMap, HashMap, HashSet};

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
    /// The topic cannot be offered. Told once for each topic and reason while the topic exists.
    Problem {
        /// Its full name.
        topic: String,
        /// Why.
        reason: String,
    },
}

/// What is known of one topic: usable, or the reason why not.
pub(super) type Discovered = Result<Topic, String>;

/// Brings one receiver up to date, as far as it keeps up: what does not fit into its
/// queue is worked out anew from the state at the next attempt, so that it may miss what
/// came and went but ends with what is.
pub(super) struct Watcher {
    filter: TopicFilter,
    events: Sender<TopicEvent>,
    /// Topics told of as existing: type and QoS.
    told: HashMap<String, (String, TopicQos)>,
    problems: HashMap<String, HashSet<String>>,
}

/// How far a watcher is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    UpToDate,
    /// Its queue is full.
    Behind,
    /// Nobody receives any more.
    Gone,
}

impl Watcher {
    pub(super) fn new(filter: TopicFilter, events: Sender<TopicEvent>) -> Self {
        Self {
            filter,
            events,
            told: HashMap::new(),
            problems: HashMap::new(),
        }
    }

    pub(super) fn wants(&self, topic: &str) -> bool {
        self.filter.wants(topic)
    }

    /// Tells what is different from what was told.
    pub(super) fn update(&mut self, topics: &BTreeMap<String, Discovered>) -> Progress {
        match self.tell_changes(topics) {
            Ok(()) if self.events.is_disconnected() => Progress::Gone,
            Ok(()) => Progress::UpToDate,
            Err(progress) => progress,
        }
    }

    fn tell_changes(&mut self, topics: &BTreeMap<String, Discovered>) -> Result<(), Progress> {
        self.problems.retain(|topic, _| topics.contains_key(topic));
        let gone: Vec<_> = self
            .told
            .iter()
            .filter(|(name, (type_name, _))| match topics.get(*name) {
                Some(Ok(topic)) => topic.type_name != *type_name,
                Some(Err(_)) | None => true,
            })
            .map(|(name, (type_name, _))| (name.clone(), type_name.clone()))
            .collect();
        for (name, type_name) in gone {
            self.tell(TopicEvent::Removed {
                name: name.clone(),
                type_name,
            })?;
            self.told.remove(&name);
        }
        for (name, discovered) in topics {
            if self.wants(name) {
                self.tell_topic(name, discovered)?;
            }
        }
        Ok(())
    }

    fn tell_topic(&mut self, name: &str, discovered: &Discovered) -> Result<(), Progress> {
        match discovered {
            Ok(topic) => {
                match self.told.get(name) {
                    None => self.tell(TopicEvent::Added(topic.clone()))?,
                    Some((_, qos)) if *qos != topic.qos => {
                        self.tell(TopicEvent::QosChanged(topic.clone()))?
                    }
                    Some(_) => return Ok(()),
                }
                self.told
                    .insert(name.to_owned(), (topic.type_name.clone(), topic.qos));
            }
            Err(reason) => {
                if self
                    .problems
                    .get(name)
                    .is_some_and(|told| told.contains(reason))
                {
                    return Ok(());
                }
                self.tell(TopicEvent::Problem {
                    topic: name.to_owned(),
                    reason: reason.clone(),
                })?;
                self.problems
                    .entry(name.to_owned())
                    .or_default()
                    .insert(reason.clone());
            }
        }
        Ok(())
    }

    fn tell(&self, event: TopicEvent) -> Result<(), Progress> {
        self.events
            .try_send(event)
            .map_err(|problem| match problem {
                TrySendError::Full(_) => Progress::Behind,
                TrySendError::Disconnected(_) => Progress::Gone,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ros::filter::Patterns;
    use flume::Receiver;

    fn watcher(queue: usize) -> (Watcher, Receiver<TopicEvent>) {
        let (events, receiver) = flume::bounded(queue);
        let filter = TopicFilter {
            allow: Patterns::new([".*"]).expect("valid"),
            deny: Patterns::new(["/denied"]).expect("valid"),
            include_hidden: false,
        };
        (Watcher::new(filter, events), receiver)
    }

    fn topic(name: &str, type_name: &str) -> Topic {
        Topic {
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

    fn topics(
        entries: impl IntoIterator<Item = (&'static str, Discovered)>,
    ) -> BTreeMap<String, Discovered> {
        entries
            .into_iter()
            .map(|(name, discovered)| (name.to_owned(), discovered))
            .collect()
    }

    #[test]
    fn a_topic_comes_changes_and_goes() {
        let (mut watcher, events) = watcher(10);
        let first = topic("/a", "p/msg/T");
        let state = topics([
            ("/a", Ok(first.clone())),
            ("/denied", Ok(topic("/denied", "p/msg/T"))),
        ]);
        assert_eq!(watcher.update(&state), Progress::UpToDate);
        assert_eq!(watcher.update(&state), Progress::UpToDate);
        assert_eq!(
            events.drain().collect::<Vec<_>>(),
            [TopicEvent::Added(first.clone())]
        );

        let mut latched = first.clone();
        latched.qos.transient_local = true;
        watcher.update(&topics([("/a", Ok(latched.clone()))]));
        assert_eq!(
            events.drain().collect::<Vec<_>>(),
            [TopicEvent::QosChanged(latched)]
        );

        let other = topic("/a", "p/msg/U");
        watcher.update(&topics([("/a", Ok(other.clone()))]));
        let removed = |type_name: &str| TopicEvent::Removed {
            name: "/a".into(),
            type_name: type_name.into(),
        };
        assert_eq!(
            events.drain().collect::<Vec<_>>(),
            [removed("p/msg/T"), TopicEvent::Added(other)]
        );

        watcher.update(&topics([]));
        assert_eq!(events.drain().collect::<Vec<_>>(), [removed("p/msg/U")]);
    }

    #[test]
    fn a_problem_is_told_once_for_each_reason_while_the_topic_exists() {
        let (mut watcher, events) = watcher(10);
        let mut told = |reason: Option<&str>| {
            watcher.update(&topics(reason.map(|reason| ("/a", Err(reason.to_owned())))));
            events.drain().count()
        };
        let counts = [Some("x"), Some("x"), Some("y"), Some("x"), None, Some("x")].map(&mut told);
        assert_eq!(counts, [1, 0, 1, 0, 0, 1]);
    }

    #[test]
    fn a_topic_that_becomes_a_problem_is_removed() {
        let (mut watcher, events) = watcher(10);
        watcher.update(&topics([("/a", Ok(topic("/a", "p/msg/T")))]));
        watcher.update(&topics([("/a", Err("mixed".into()))]));
        let events: Vec<_> = events.drain().skip(1).collect();
        assert!(
            matches!(
                &events[..],
                [TopicEvent::Removed { .. }, TopicEvent::Problem { .. }]
            ),
            "{events:?}"
        );
    }

    #[test]
    fn a_slow_receiver_ends_with_the_final_state() {
        let (mut watcher, events) = watcher(1);
        let all = topics([
            ("/a", Ok(topic("/a", "p/msg/T"))),
            ("/b", Ok(topic("/b", "p/msg/T"))),
        ]);
        assert_eq!(watcher.update(&all), Progress::Behind);
        // /a goes and /c comes while the receiver is behind.
        let last = topics([
            ("/b", Ok(topic("/b", "p/msg/T"))),
            ("/c", Ok(topic("/c", "p/msg/T"))),
        ]);
        let mut alive = HashSet::new();
        for _ in 0..10 {
            for event in events.drain() {
                match event {
                    TopicEvent::Added(topic) => assert!(alive.insert(topic.name)),
                    TopicEvent::Removed { name, .. } => assert!(alive.remove(&name)),
                    other => panic!("{other:?}"),
                }
            }
            watcher.update(&last);
        }
        assert_eq!(alive, HashSet::from(["/b".to_owned(), "/c".to_owned()]));
        assert_eq!(watcher.update(&last), Progress::UpToDate);
    }

    #[test]
    fn a_receiver_that_is_gone_is_noticed() {
        let (mut watcher, events) = watcher(1);
        drop(events);
        assert_eq!(watcher.update(&topics([])), Progress::Gone);
    }
}
