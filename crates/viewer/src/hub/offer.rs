//! Offer of the robot, as it told it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use remote_access_protocol::server::{
    Channel, GraphUpdate, ProvidedService, PublishedTopic, ServerMessage, SubscribedTopic,
};
use remote_access_protocol::service::Service;
use remote_access_protocol::{ChannelId, ServiceId};

use super::ClientId;
use crate::local::SubscriptionId;

/// Channels, services or entries of the graph that are kept of one robot. A hostile one could
/// tell more than memory holds.
const MAX_ENTRIES: usize = 50_000;
/// Statuses that are kept of one robot.
const MAX_STATUSES: usize = 256;

/// A channel of the robot.
#[derive(Debug)]
pub(super) struct OfferedChannel {
    pub channel: Arc<Channel>,
    /// The subscriptions of clients to it.
    pub watchers: Vec<(ClientId, SubscriptionId)>,
    /// Whether it is subscribed without a client, too.
    pub kept: bool,
    /// Not told again since the robot began the last resync.
    stale: bool,
}

impl OfferedChannel {
    pub(super) fn is_watched(&self) -> bool {
        self.kept || !self.watchers.is_empty()
    }
}

#[derive(Debug)]
struct OfferedService {
    service: Service,
    stale: bool,
}

/// Offer of the robot.
#[derive(Debug, Default)]
pub(super) struct Offer {
    info: Option<ServerMessage>,
    pub channels: BTreeMap<ChannelId, OfferedChannel>,
    services: BTreeMap<ServiceId, OfferedService>,
    statuses: BTreeMap<String, ServerMessage>,
    /// The connection graph, if it has been told.
    graph: Option<Graph>,
    /// The latest message with the robot's time. A simulation may stand still.
    pub time: Option<Bytes>,
    /// When the robot began a resync, on the clock that pings carry.
    stale_since: Option<u64>,
}

/// The connection graph as updates add up to it.
#[derive(Debug, Default)]
struct Graph {
    published: BTreeMap<String, Vec<String>>,
    subscribed: BTreeMap<String, Vec<String>>,
    services: BTreeMap<String, Vec<String>>,
}

impl Offer {
    /// The robot as clients are told of it, or that there is none.
    pub(super) fn info(&self, room: &str) -> ServerMessage {
        self.info
            .clone()
            .unwrap_or_else(|| ServerMessage::ServerInfo {
                name: format!("no robot in room {room} yet"),
                capabilities: Vec::new(),
                supported_encodings: Vec::new(),
                metadata: BTreeMap::new(),
                session_id: "no robot".to_owned(),
            })
    }

    /// Takes the robot's introduction. Returns `true` if a new session begins, which has nothing
    /// of the one before; else the robot resyncs.
    pub(super) fn introduce(&mut self, clock: u64, info: ServerMessage) -> bool {
        let same = session(self.info.as_ref()) == session(Some(&info));
        if same {
            self.stale_since = Some(clock);
            for channel in self.channels.values_mut() {
                channel.stale = true;
            }
            for service in self.services.values_mut() {
                service.stale = true;
            }
        } else {
            *self = Self::default();
        }
        self.info = Some(info);
        !same
    }

    pub(super) fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.channels.values().map(|channel| &*channel.channel)
    }

    /// Adds a channel. Returns whether it is new, and whether it replaces another of its id.
    pub(super) fn add_channel(&mut self, channel: Channel) -> (bool, bool) {
        let id = channel.id;
        if let Some(known) = self.channels.get_mut(&id) {
            if *known.channel == channel {
                known.stale = false;
                return (false, false);
            }
        } else if self.channels.len() >= MAX_ENTRIES {
            return (false, false);
        }
        let offered = OfferedChannel {
            channel: Arc::new(channel),
            watchers: Vec::new(),
            kept: false,
            stale: false,
        };
        (true, self.channels.insert(id, offered).is_some())
    }

    /// Adds services. Returns those that are new or other than before.
    pub(super) fn add_services(&mut self, services: Vec<Service>) -> Vec<Service> {
        let mut new = Vec::new();
        for service in services {
            let full = self.services.len() >= MAX_ENTRIES;
            match self.services.get_mut(&service.id) {
                Some(known) if known.service == service => known.stale = false,
                None if full => {}
                _ => {
                    new.push(service.clone());
                    let stale = false;
                    self.services
                        .insert(service.id, OfferedService { service, stale });
                }
            }
        }
        new
    }

    pub(super) fn remove_services(&mut self, ids: &[ServiceId]) -> Vec<ServiceId> {
        let known = |id: &ServiceId| self.services.remove(id).is_some();
        ids.iter().copied().filter(known).collect()
    }

    pub(super) fn has_service(&self, id: ServiceId) -> bool {
        self.services.contains_key(&id)
    }

    pub(super) fn services_message(&self) -> Option<ServerMessage> {
        let services: Vec<_> = self
            .services
            .values()
            .map(|offered| offered.service.clone())
            .collect();
        (!services.is_empty()).then_some(ServerMessage::AdvertiseServices { services })
    }

    /// A Pong answers a ping of the time `clock`. If all that the robot told in a resync came before it,
    /// returns the channels and services that it did not tell again.
    pub(super) fn settle(&mut self, clock: u64) -> (BTreeSet<ChannelId>, Vec<ServiceId>) {
        if self.stale_since.is_none_or(|since| clock <= since) {
            return Default::default();
        }
        self.stale_since = None;
        let channels = self.channels.iter().filter(|(_, offered)| offered.stale);
        let services = self.services.iter().filter(|(_, offered)| offered.stale);
        (
            channels.map(|(&id, _)| id).collect(),
            services.map(|(&id, _)| id).collect(),
        )
    }

    /// Everything but the introduction is gone.
    pub(super) fn clear(&mut self) -> (BTreeSet<ChannelId>, Vec<ServiceId>, Vec<String>) {
        let channels = self.channels.keys().copied().collect();
        let services = self.services.keys().copied().collect();
        let statuses = std::mem::take(&mut self.statuses).into_keys().collect();
        self.graph = None;
        self.time = None;
        self.stale_since = None;
        (channels, services, statuses)
    }

    /// Keeps a status that has an id, for later clients.
    pub(super) fn keep_status(&mut self, id: String, status: ServerMessage) {
        if self.statuses.len() < MAX_STATUSES || self.statuses.contains_key(&id) {
            self.statuses.insert(id, status);
        }
    }

    pub(super) fn remove_statuses(&mut self, ids: &[String]) {
        for id in ids {
            self.statuses.remove(id);
        }
    }

    pub(super) fn statuses(&self) -> impl Iterator<Item = ServerMessage> + '_ {
        self.statuses.values().cloned()
    }

    /// Adds what has changed in the connection graph.
    pub(super) fn update_graph(&mut self, update: &GraphUpdate) {
        let graph = self.graph.get_or_insert_with(Graph::default);
        for topic in &update.published_topics {
            put(&mut graph.published, &topic.name, &topic.publisher_ids);
        }
        for topic in &update.subscribed_topics {
            put(&mut graph.subscribed, &topic.name, &topic.subscriber_ids);
        }
        for service in &update.advertised_services {
            put(&mut graph.services, &service.name, &service.provider_ids);
        }
        for name in &update.removed_topics {
            graph.published.remove(name);
            graph.subscribed.remove(name);
        }
        for name in &update.removed_services {
            graph.services.remove(name);
        }
    }

    /// Nobody watches the connection graph any more.
    pub(super) fn forget_graph(&mut self) {
        self.graph = None;
    }

    /// The whole connection graph, if it has been told.
    pub(super) fn whole_graph(&self) -> Option<GraphUpdate> {
        let graph = self.graph.as_ref()?;
        let published = graph.published.iter().map(|(name, ids)| PublishedTopic {
            name: name.clone(),
            publisher_ids: ids.clone(),
        });
        let subscribed = graph.subscribed.iter().map(|(name, ids)| SubscribedTopic {
            name: name.clone(),
            subscriber_ids: ids.clone(),
        });
        let services = graph.services.iter().map(|(name, ids)| ProvidedService {
            name: name.clone(),
            provider_ids: ids.clone(),
        });
        Some(GraphUpdate {
            published_topics: published.collect(),
            subscribed_topics: subscribed.collect(),
            advertised_services: services.collect(),
            ..GraphUpdate::default()
        })
    }
}

fn put(entries: &mut BTreeMap<String, Vec<String>>, name: &str, ids: &[String]) {
    if entries.len() < MAX_ENTRIES || entries.contains_key(name) {
        entries.insert(name.to_owned(), ids.to_vec());
    }
}

fn session(info: Option<&ServerMessage>) -> Option<&str> {
    match info {
        Some(ServerMessage::ServerInfo { session_id, .. }) => Some(session_id),
        _ => None,
    }
}
