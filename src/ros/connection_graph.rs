//! Connection graph: publishers, subscribers and servers by topic and service.

use super::ffi;
use super::filter::TopicFilter;
use flume::{Receiver, Sender, TrySendError};
use rclrs::{Node, NodeNameInfo, NodeState, RclrsError};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Full names of nodes by the full name of a topic or service.
type Nodes = BTreeMap<String, BTreeSet<String>>;

/// The connection graph at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connections {
    /// The nodes that publish each topic.
    pub published: Nodes,
    /// The nodes that subscribe to each topic.
    pub subscribed: Nodes,
    /// The nodes that serve each service.
    pub services: Nodes,
}

/// Gets the connection graph, at once and when it has changed. Dropping it ends the work for it.
#[derive(Debug)]
pub struct ConnectionWatch {
    /// Holds the latest graph, if it was not taken yet.
    pub receiver: Receiver<Arc<Connections>>,
}

/// The sending side of a [`ConnectionWatch`].
pub(super) struct ConnectionFeed {
    topics: TopicFilter,
    services: TopicFilter,
    sender: Sender<Arc<Connections>>,
    /// Takes out what is stale.
    stale: Receiver<Arc<Connections>>,
    told: Option<Arc<Connections>>,
}

impl ConnectionFeed {
    /// A feed of the topics and services that the filters let through.
    pub(super) fn new(topics: TopicFilter, services: TopicFilter) -> (Self, ConnectionWatch) {
        let (sender, receiver) = flume::bounded(1);
        let feed = Self {
            topics,
            services,
            sender,
            stale: receiver.clone(),
            told: None,
        };
        (feed, ConnectionWatch { receiver })
    }

    /// Whether nobody listens any more.
    pub(super) fn is_gone(&self) -> bool {
        self.sender.receiver_count() < 2
    }

    /// Sends the graph if it is another one.
    pub(super) fn update(&mut self, all: &Connections) {
        let filtered = |nodes: &Nodes, filter: &TopicFilter| {
            let wanted = nodes.iter().filter(|(name, _)| filter.wants(name));
            wanted
                .map(|(name, of)| (name.clone(), of.clone()))
                .collect()
        };
        let graph = Connections {
            published: filtered(&all.published, &self.topics),
            subscribed: filtered(&all.subscribed, &self.topics),
            services: filtered(&all.services, &self.services),
        };
        if self.told.as_deref() == Some(&graph) {
            return;
        }
        let mut graph = Arc::new(graph);
        self.told = Some(Arc::clone(&graph));
        while let Err(TrySendError::Full(back)) = self.sender.try_send(graph) {
            let _ = self.stale.try_recv();
            graph = back;
        }
    }
}

/// Reads the whole graph.
pub(super) fn discover(node: &Node) -> Result<Connections, RclrsError> {
    let mut found = Connections::default();
    let queries: [(Query, &mut Nodes); 3] = [
        (
            NodeState::get_publisher_names_and_types_by_node,
            &mut found.published,
        ),
        (
            NodeState::get_subscription_names_and_types_by_node,
            &mut found.subscribed,
        ),
        (
            NodeState::get_service_names_and_types_by_node,
            &mut found.services,
        ),
    ];
    for (query, nodes) in queries {
        by_node(node, query, |of, name, _| {
            nodes
                .entry(name.to_owned())
                .or_default()
                .insert(of.to_owned());
        })?;
    }
    Ok(found)
}

/// A question about one node, given its name and namespace.
type Query = fn(&NodeState, &str, &str) -> Result<HashMap<String, Vec<String>>, RclrsError>;

/// Asks about each node; gives the node's full name and the name and types of each answer.
pub(super) fn by_node(
    node: &Node,
    query: Query,
    mut each: impl FnMut(&str, &str, Vec<String>),
) -> Result<(), RclrsError> {
    for of in node.get_node_names()? {
        let full_name = full_name(&of);
        for (name, types) in query(node, &of.name, &of.namespace)? {
            each(&full_name, &name, types);
        }
        // A node may have gone since it was listed. rclrs ignores that, and leaves rcl's error
        // text, about which the next error would complain.
        ffi::take_error();
    }
    Ok(())
}

/// `/namespace/name`.
pub(super) fn full_name(node: &NodeNameInfo) -> String {
    format!("{}/{}", node.namespace.trim_end_matches('/'), node.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ros::filter::Patterns;

    fn filter(pattern: &str) -> TopicFilter {
        TopicFilter {
            allow: Patterns::new([pattern]).expect("valid"),
            deny: Patterns::default(),
            include_hidden: false,
        }
    }

    fn graph(topic: &str) -> Connections {
        let nodes = BTreeMap::from([(topic.to_owned(), BTreeSet::from(["/n".to_owned()]))]);
        Connections {
            published: nodes.clone(),
            subscribed: nodes.clone(),
            services: nodes,
        }
    }

    #[test]
    fn the_latest_graph_replaces_one_that_was_not_taken() {
        let (mut feed, watch) = ConnectionFeed::new(filter(".*"), filter(".*"));
        feed.update(&graph("/a"));
        feed.update(&graph("/b"));
        feed.update(&graph("/b"));
        assert_eq!(watch.receiver.try_recv().as_deref(), Ok(&graph("/b")));
        assert!(watch.receiver.is_empty());
        feed.update(&graph("/b"));
        assert!(watch.receiver.is_empty(), "told twice");
        assert!(!feed.is_gone());
        drop(watch);
        assert!(feed.is_gone());
    }

    #[test]
    fn what_is_filtered_out_is_not_told() {
        let (mut feed, watch) = ConnectionFeed::new(filter("/a"), filter("/b"));
        feed.update(&graph("/a"));
        let seen = watch.receiver.try_recv().expect("a graph");
        assert_eq!(
            (
                seen.published.len(),
                seen.subscribed.len(),
                seen.services.len()
            ),
            (1, 1, 0)
        );
    }
}
