//! The connection graph: who publishes, subscribes and serves what.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use remote_access_protocol::server::{
    GraphUpdate, ProvidedService, PublishedTopic, ServerMessage, SubscribedTopic,
};

use super::exchange::Exchange;
use super::request::Request;
use crate::catalogues::Catalogues;
use crate::ids::ParticipantId;
use crate::permission::{Action, Permission};

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
    /// The part of it that somebody sees: topics that it may see, services that it may call.
    fn seen_by(&self, permission: &Permission) -> Self {
        let of = |nodes: &NodesByName, sees: &dyn Fn(&str) -> bool| -> NodesByName {
            let seen = nodes.iter().filter(|(name, _)| sees(name));
            seen.map(|(name, nodes)| (name.clone(), nodes.clone()))
                .collect()
        };
        let topic = |topic: &str| permission.check(Action::See { topic }).is_ok();
        let service = |service: &str| permission.rights.sees_service(service);
        Self {
            published: of(&self.published, &topic),
            subscribed: of(&self.subscribed, &topic),
            services: of(&self.services, &service),
        }
    }

    /// The update that makes `self` of `old`.
    fn update_from(&self, old: &Self) -> GraphUpdate {
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

/// The connection graph, while somebody watches it.
#[derive(Debug, Default)]
pub(crate) struct ConnectionGraph {
    watchers: BTreeSet<ParticipantId>,
    /// The graph, once it is known.
    current: Option<Connections>,
    /// Whether the robot's side was told that somebody watches.
    watching: bool,
}

impl ConnectionGraph {
    /// Takes the graph as it is now. Those who watch it are told what has changed.
    pub(crate) fn update(&mut self, exchange: &mut Exchange, graph: Connections) {
        if !self.watching {
            return;
        }
        let first = self.current.is_none();
        let old = self.current.take().unwrap_or_default();
        let mut frames = Catalogues::default();
        for &id in &self.watchers {
            let Some(permission) = exchange.permission(id) else {
                continue;
            };
            let frames = frames.of(permission, || {
                let update = graph
                    .seen_by(permission)
                    .update_from(&old.seen_by(permission));
                // The first one is sent even if it is empty: it is an answer.
                let news = first || update != GraphUpdate::default();
                let frame = news.then(|| ServerMessage::ConnectionGraphUpdate(update).frame());
                frame.flatten().into_iter().collect()
            });
            for frame in frames {
                exchange.reply(id, Some(frame));
            }
        }
        self.current = Some(graph);
    }

    pub(crate) fn watch(&mut self, exchange: &mut Exchange, now: Instant, id: ParticipantId) {
        let allowed = exchange.allow(now, id, Action::WatchGraph).is_ok();
        if allowed && self.watchers.insert(id) {
            self.update_watching(exchange);
            self.greet(exchange, id);
        }
    }

    pub(crate) fn unwatch(&mut self, exchange: &mut Exchange, id: ParticipantId) {
        self.watchers.remove(&id);
        self.update_watching(exchange);
    }

    /// Sends the whole graph to a participant that watches it, if it is known.
    pub(crate) fn greet(&self, exchange: &mut Exchange, id: ParticipantId) {
        let graph = self.current.as_ref();
        let permission = exchange.permission(id);
        let watched = graph.filter(|_| self.watchers.contains(&id));
        if let Some((graph, permission)) = watched.zip(permission) {
            let seen = graph.seen_by(permission);
            let update = seen.update_from(&Connections::default());
            exchange.reply(id, ServerMessage::ConnectionGraphUpdate(update).frame());
        }
    }

    /// Ends what a participant may not do any more.
    pub(crate) fn end_forbidden(&mut self, exchange: &mut Exchange, id: ParticipantId) {
        if !exchange.permits(id, Action::WatchGraph) {
            self.unwatch(exchange, id);
        }
    }

    /// Tells the robot's side whether anybody watches.
    fn update_watching(&mut self, exchange: &mut Exchange) {
        let watching = !self.watchers.is_empty();
        if std::mem::replace(&mut self.watching, watching) != watching {
            self.current = None;
            exchange.forward_ending(Request::WatchGraph(watching));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permission::{NameRule, Policy, Rights};
    use remote_access_protocol::capability::Capability;

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

    #[test]
    fn who_comes_later_gets_the_whole_graph_and_the_last_one_ends_it() {
        let now = Instant::now();
        let policy = Policy::new([Capability::ConnectionGraph], NameRule::default());
        let permission = Permission::new(policy, Rights::all());
        let mut exchange = Exchange::default();
        let mut graph = ConnectionGraph::default();
        for id in [1, 2].map(ParticipantId) {
            exchange.join(now, id, permission.clone());
        }
        graph.watch(&mut exchange, now, ParticipantId(1));
        assert_eq!(exchange.poll(), Some(Request::WatchGraph(true)));
        assert_eq!(exchange.take_replies(), []);
        graph.update(&mut exchange, Connections::default());
        graph.update(&mut exchange, Connections::default());
        assert_eq!(exchange.take_replies().len(), 1, "the first is an answer");
        graph.watch(&mut exchange, now, ParticipantId(2));
        graph.watch(&mut exchange, now, ParticipantId(2));
        assert_eq!(exchange.take_replies().len(), 1);
        graph.unwatch(&mut exchange, ParticipantId(1));
        assert_eq!(exchange.poll(), None);
        exchange.leave(ParticipantId(2));
        graph.end_forbidden(&mut exchange, ParticipantId(2));
        assert_eq!(exchange.poll(), Some(Request::WatchGraph(false)));
    }
}
