//! The topics of the graph, read no oftener than needed.
//!
//! The middleware says that the graph has changed, but not where, and reading the endpoints of
//! 1,000 topics takes it some 20 ms. So a first look reads all names, with their types and the
//! number of publishers, and the endpoints of what is different there or is subscribed to. What
//! that misses, a publisher that was replaced by another one of the same type in between, the
//! full reading finds, which comes later and seldom.

use super::change_feed::Discovered;
use super::error::OfferError;
use super::schema::SchemaStore;
use super::subscription::Subscriptions;
use super::topics::Topic;
use rclrs::{Node, QoSProfile, RclrsError};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// Extent of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Topics that look different from the last reading.
    Changed,
    /// Everything.
    Full,
}

/// The topics of the graph as they were read last.
pub(super) struct TopicScan {
    node: Node,
    schemas: Arc<SchemaStore>,
    subscriptions: Arc<Subscriptions>,
    /// Looks in the graph of each topic whose endpoints were read.
    seen: HashMap<String, Sight>,
    known: BTreeMap<String, Discovered<Topic>>,
}

/// Look of a topic in the graph, without its endpoints.
#[derive(PartialEq, Eq)]
struct Sight {
    types: Vec<String>,
    publishers: usize,
}

/// Interest in a topic: of change feeds, and of own subscriptions.
#[derive(Clone, Copy)]
struct Interest {
    wanted: bool,
    subscribed: bool,
}

impl TopicScan {
    pub(super) fn new(
        node: Node,
        schemas: Arc<SchemaStore>,
        subscriptions: Arc<Subscriptions>,
    ) -> Self {
        Self {
            node,
            schemas,
            subscriptions,
            seen: HashMap::new(),
            known: BTreeMap::new(),
        }
    }

    /// The topics that were wanted and have publishers.
    pub(super) fn known(&self) -> &BTreeMap<String, Discovered<Topic>> {
        &self.known
    }

    /// Reads the graph. What was known stays if it cannot be read.
    pub(super) fn read(
        &mut self,
        reading: Reading,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(), RclrsError> {
        let subscribed: HashSet<String> = self.subscriptions.topics().into_iter().collect();
        let names = self.node.get_topic_names_and_types()?;
        self.seen.retain(|name, _| names.contains_key(name));
        self.known.retain(|name, _| names.contains_key(name));
        for (name, mut types) in names {
            let interest = Interest {
                wanted: wanted(&name),
                subscribed: subscribed.contains(&name),
            };
            if !interest.wanted && !interest.subscribed {
                continue;
            }
            types.sort_unstable();
            let publishers = self.node.count_publishers(&name)?;
            let sight = Sight { types, publishers };
            let changed = self.seen.get(&name) != Some(&sight);
            if changed || interest.subscribed || reading == Reading::Full {
                self.read_endpoints(&name, interest);
                self.seen.insert(name, sight);
            }
        }
        Ok(())
    }

    fn read_endpoints(&mut self, name: &str, interest: Interest) {
        let endpoints = match self.node.get_publishers_info_by_topic(name) {
            Ok(endpoints) => endpoints,
            // One topic's trouble is not the others'.
            Err(problem) => {
                self.known.insert(
                    name.to_owned(),
                    Err(OfferError::Endpoints(problem.to_string())),
                );
                return;
            }
        };
        let (types, publishers): (BTreeSet<_>, Vec<_>) = endpoints
            .into_iter()
            .map(|endpoint| (endpoint.topic_type, endpoint.qos_profile))
            .unzip();
        if interest.subscribed {
            self.subscriptions.publishers_changed(name, &publishers);
        }
        // A topic that is only subscribed to, by us or others, has nothing to show.
        if interest.wanted && !publishers.is_empty() {
            let discovered = self.topic(name, &types, &publishers);
            self.known.insert(name.to_owned(), discovered);
        } else {
            self.known.remove(name);
        }
    }

    fn topic(
        &self,
        name: &str,
        types: &BTreeSet<String>,
        publishers: &[QoSProfile],
    ) -> Discovered<Topic> {
        let types: Vec<_> = types.iter().map(String::as_str).collect();
        let [type_name] = types[..] else {
            let types = types.into_iter().map(str::to_owned).collect();
            return Err(OfferError::PublisherTypes(types));
        };
        let schema = self.schemas.get(type_name)?;
        Ok(Topic {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            schema,
            qos: self.subscriptions.resolve(name, publishers),
        })
    }
}
