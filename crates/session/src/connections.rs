//! The connection graph: who publishes, subscribes and serves what.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use bytes::Bytes;
use remote_access_protocol::server::{
    GraphUpdate, ProvidedService, PublishedTopic, ServerMessage, SubscribedTopic,
};

use super::permission::Ask;
use super::{ParticipantId, Session};

/// Nodes by the name of what they publish, subscribe or serve.
pub type NodesByName = BTreeMap<String, BTreeSet<String>>;

/// The connection graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// Publishers by topic.
    pub published: NodesByName,
    /// Subscribers by topic.
    pub subscribed: NodesByName,
    /// Providers by service.
    pub services: NodesByName,
}

impl Connections {
    /// What makes `self` of `old`.
    pub(super) fn update_from(&self, old: &Self) -> GraphUpdate {
        let topics = |graph: &Self| -> BTreeSet<String> {
            let names = graph.published.keys().chain(graph.subscribed.keys());
            names.cloned().collect()
        };
        let gone = topics(old);
        let left = topics(self);
        GraphUpdate {
            published_topics: changed(&old.published, &self.published, &left)
                .map(|(name, publisher_ids)| PublishedTopic {
                    name,
                    publisher_ids,
                })
                .collect(),
            subscribed_topics: changed(&old.subscribed, &self.subscribed, &left)
                .map(|(name, subscriber_ids)| SubscribedTopic {
                    name,
                    subscriber_ids,
                })
                .collect(),
            advertised_services: changed(&old.services, &self.services, &BTreeSet::new())
                .map(|(name, provider_ids)| ProvidedService { name, provider_ids })
                .collect(),
            removed_topics: gone.difference(&left).cloned().collect(),
            removed_services: old
                .services
                .keys()
                .filter(|name| !self.services.contains_key(*name))
                .cloned()
                .collect(),
        }
    }
}

/// The entries that are new or other than before, and those of `emptied` that are there no more,
/// with nobody.
fn changed<'a>(
    old: &'a NodesByName,
    new: &'a NodesByName,
    emptied: &'a BTreeSet<String>,
) -> impl Iterator<Item = (String, Vec<String>)> + 'a {
    let present = new
        .iter()
        .filter(|(name, nodes)| old.get(*name) != Some(*nodes))
        .map(|(name, nodes)| (name.clone(), nodes.iter().cloned().collect()));
    let absent = old
        .keys()
        .filter(|name| !new.contains_key(*name) && emptied.contains(*name))
        .map(|name| (name.clone(), Vec::new()));
    present.chain(absent)
}

impl Session {
    /// The connection graph as it is now. Those who watch it are told what has changed.
    pub fn connection_graph(&mut self, now: Instant, graph: Connections) {
        if !self.asks.watching_graph {
            return;
        }
        let first = self.asks.graph.is_none();
        let old = self.asks.graph.take().unwrap_or_default();
        let update = graph.update_from(&old);
        self.asks.graph = Some(graph);
        // The first one is sent even if it is empty: it is an answer.
        if update == GraphUpdate::default() && !first {
            return;
        }
        let frame = ServerMessage::ConnectionGraphUpdate(update).frame();
        let watchers: Vec<ParticipantId> = self
            .participants
            .iter()
            .filter(|(_, participant)| participant.asks.watches_graph)
            .map(|(&id, _)| id)
            .collect();
        for id in watchers {
            self.push_control(now, id, frame.clone());
        }
    }

    pub(super) fn watch_graph(&mut self, now: Instant, viewer: ParticipantId) {
        if self.allow(now, viewer, Ask::WatchGraph).is_err() {
            return;
        }
        let Some(participant) = self.participants.get_mut(&viewer) else {
            return;
        };
        if !std::mem::replace(&mut participant.asks.watches_graph, true) {
            self.update_watching();
            self.greet_graph(now, viewer);
        }
    }

    pub(super) fn unwatch_graph(&mut self, viewer: ParticipantId) {
        if let Some(participant) = self.participants.get_mut(&viewer) {
            participant.asks.watches_graph = false;
            self.update_watching();
        }
    }

    /// Sends the whole graph to a viewer that watches it, if it is known.
    pub(super) fn greet_graph(&mut self, now: Instant, viewer: ParticipantId) {
        let watches = self
            .participants
            .get(&viewer)
            .is_some_and(|participant| participant.asks.watches_graph);
        if watches {
            self.push_control(now, viewer, self.whole_graph());
        }
    }

    fn whole_graph(&self) -> Option<Bytes> {
        let graph = self.asks.graph.as_ref()?;
        let update = graph.update_from(&Connections::default());
        ServerMessage::ConnectionGraphUpdate(update).frame()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(entries: &[(&str, &[&str])]) -> NodesByName {
        let set = |nodes: &[&str]| nodes.iter().map(ToString::to_string).collect();
        entries
            .iter()
            .map(|(name, nodes)| ((*name).to_owned(), set(nodes)))
            .collect()
    }

    #[test]
    fn an_update_tells_what_is_new_other_emptied_and_gone() {
        let old = Connections {
            published: nodes(&[
                ("/same", &["/n"]),
                ("/emptied", &["/n"]),
                ("/gone", &["/n"]),
            ]),
            subscribed: nodes(&[("/emptied", &["/m"])]),
            services: nodes(&[("/s", &["/n"]), ("/t", &["/n"])]),
        };
        let new = Connections {
            published: nodes(&[("/same", &["/n"]), ("/new", &["/a", "/b"])]),
            subscribed: nodes(&[("/emptied", &["/m"])]),
            services: nodes(&[("/s", &["/n", "/o"])]),
        };
        let topic = |name: &str, nodes: &[&str]| PublishedTopic {
            name: name.to_owned(),
            publisher_ids: nodes.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(
            new.update_from(&old),
            GraphUpdate {
                published_topics: vec![topic("/new", &["/a", "/b"]), topic("/emptied", &[])],
                subscribed_topics: vec![],
                advertised_services: vec![ProvidedService {
                    name: "/s".into(),
                    provider_ids: vec!["/n".into(), "/o".into()],
                }],
                removed_topics: vec!["/gone".into()],
                removed_services: vec!["/t".into()],
            }
        );
        assert_eq!(new.update_from(&new), GraphUpdate::default());
    }
}
