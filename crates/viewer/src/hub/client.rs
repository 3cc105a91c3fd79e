//! The local clients: their coming and going, and what they are told at first.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use remote_access_protocol::client::{ClientChannel, ClientMessage};
use remote_access_protocol::server::{Channel, ServerMessage};
use remote_access_protocol::{ChannelId, ClientChannelId};
use tracing::info;

use super::{json, ClientId, State};
use crate::local::{Advertiser, LocalMessage, Subprotocol, SubscriptionId};
use crate::outbox::Outbox;

/// Channels of one advertisement to a client that has just come.
const ADVERTISE_BATCH: usize = 100;

/// A local client.
#[derive(Debug)]
pub(super) struct Client {
    pub outbox: Arc<Outbox>,
    pub advertiser: Advertiser,
    pub subscriptions: HashMap<SubscriptionId, ChannelId>,
    /// Channels that it publishes on, by its own ids, with the robot's ids.
    pub channels: HashMap<ClientChannelId, (ClientChannelId, ClientChannel)>,
    /// Parameters that it watches.
    pub parameters: Watched,
    /// Whether it watches the connection graph.
    pub graph: bool,
}

/// The names that a client watches of something.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub all: bool,
    pub names: BTreeSet<String>,
}

impl Watched {
    pub(super) fn contains(&self, name: &str) -> bool {
        self.all || self.names.contains(name)
    }
}

impl State {
    /// A local client connected.
    pub fn client_joined(&mut self, subprotocol: Subprotocol) -> (ClientId, Arc<Outbox>) {
        self.next_client += 1;
        let id = ClientId(self.next_client);
        let outbox = Arc::new(Outbox::default());
        let client = Client {
            outbox: Arc::clone(&outbox),
            advertiser: Advertiser::new(subprotocol),
            subscriptions: HashMap::new(),
            channels: HashMap::new(),
            parameters: Watched::default(),
            graph: false,
        };
        self.clients.insert(id, client);
        info!(
            client = id.0,
            subprotocol = subprotocol.name(),
            "client connected"
        );
        self.greet(id);
        (id, outbox)
    }

    /// A local client is gone: nothing is left of what it wanted.
    pub fn client_left(&mut self, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        info!(client = id.0, "client left");
        let subscriptions: Vec<_> = client.subscriptions.keys().copied().collect();
        let channels: Vec<_> = client.channels.keys().copied().collect();
        self.unsubscribe(id, &subscriptions);
        self.unadvertise(id, &channels);
        self.unwatch_parameters(id, &[]);
        self.unwatch_graph(id);
        self.pending.forget(id);
        self.clients.remove(&id);
    }

    /// A local client said something.
    pub fn client_message(&mut self, id: ClientId, message: LocalMessage) {
        match message {
            LocalMessage::Subscribe(subscriptions) => self.subscribe(id, &subscriptions),
            LocalMessage::Unsubscribe(subscriptions) => self.unsubscribe(id, &subscriptions),
            LocalMessage::Other(message) => self.request(id, message),
        }
    }

    /// Asks the robot for everything that clients want of it and that is not a subscription.
    pub(super) fn ask_again(&mut self) {
        let mut channels = Vec::new();
        for client in self.clients.values() {
            channels.extend(
                client
                    .channels
                    .values()
                    .map(|(robots, channel)| ClientChannel {
                        id: *robots,
                        ..channel.clone()
                    }),
            );
        }
        if !channels.is_empty() {
            self.requests.push(ClientMessage::Advertise(channels));
        }
        self.ask_for_parameters();
        if self.clients.values().any(|client| client.graph) {
            self.requests.push(ClientMessage::SubscribeConnectionGraph);
        }
    }

    fn greet(&mut self, id: ClientId) {
        let mut messages = vec![self.offer.info(&self.room)];
        messages.extend(self.offer.services_message());
        messages.extend(self.offer.statuses());
        messages.extend(self.notices.values().cloned());
        for message in &messages {
            self.tell(id, message);
        }
        let channels: Vec<Channel> = self.offer.channels().cloned().collect();
        if let Some(client) = self.clients.get_mut(&id) {
            if let Some(time) = &self.offer.time {
                client.outbox.push_time(time.clone());
            }
            for batch in channels.chunks(ADVERTISE_BATCH) {
                client.advertise(batch);
            }
        }
    }
}

impl Client {
    pub(super) fn advertise(&mut self, channels: &[Channel]) {
        if let Some(text) = self.advertiser.advertise(channels) {
            self.outbox.push_text(text);
        }
    }

    /// Forgets all about the robot's channels, and is told of the robot.
    pub(super) fn start_session(&mut self, info: &ServerMessage) {
        for subscription in std::mem::take(&mut self.subscriptions).into_keys() {
            self.outbox.forget(subscription);
        }
        self.advertiser.reset();
        if let Some(text) = json(info) {
            self.outbox.push_text(text);
        }
    }

    /// Forgets the subscriptions to channels that are no more.
    pub(super) fn forget_channels(&mut self, channels: &BTreeSet<ChannelId>) {
        let outbox = &self.outbox;
        self.subscriptions.retain(|subscription, channel| {
            let over = channels.contains(channel);
            if over {
                outbox.forget(*subscription);
            }
            !over
        });
    }
}
