//! Requests of clients, and the answers of the robot to them.
//!
//! Clients choose the ids of their channels, calls and requests, each client its own. The robot
//! sees one viewer, so that every id is replaced on its way there and put back on the way home.

use std::collections::HashMap;

use bytes::Bytes;
use remote_access_protocol::client::{ClientChannel, ClientMessage};
use remote_access_protocol::failure::RequestFailure;
use remote_access_protocol::server::{BinaryMessage, GraphUpdate, ServerMessage};
use remote_access_protocol::service::ServicePayload;
use remote_access_protocol::{AssetRequestId, CallId, ClientChannelId, ServiceId};

use super::robot::payload;
use super::{ClientId, State};

/// Requests of one kind that may wait for the robot's answer.
pub(super) const MAX_PENDING: usize = 1024;
/// Channels that one client may publish on.
const MAX_CLIENT_CHANNELS: usize = 1024;

/// Requests that wait for the robot's answer, by the id that the robot knows.
#[derive(Debug, Default)]
pub(super) struct Pending {
    calls: HashMap<CallId, (ClientId, ServiceId, CallId)>,
    assets: HashMap<AssetRequestId, (ClientId, AssetRequestId)>,
    pub parameters: HashMap<String, (ClientId, Option<String>)>,
    next: u32,
}

impl Pending {
    pub(super) fn forget(&mut self, id: ClientId) {
        self.calls.retain(|_, (client, ..)| *client != id);
        self.assets.retain(|_, (client, _)| *client != id);
        self.parameters.retain(|_, (client, _)| *client != id);
    }

    pub(super) fn number(&mut self) -> u32 {
        self.next = self.next.wrapping_add(1);
        self.next
    }
}

impl State {
    pub(super) fn request(&mut self, id: ClientId, message: ClientMessage) {
        match message {
            ClientMessage::Advertise(channels) => self.advertise(id, channels),
            ClientMessage::Unadvertise(channels) => self.unadvertise(id, &channels),
            ClientMessage::MessageData { channel, message } => self.publish(id, channel, message),
            ClientMessage::ServiceCallRequest(request) => self.call_service(id, request),
            ClientMessage::GetParameters { names, id: request } => {
                self.get_parameters(id, names, request);
            }
            ClientMessage::SetParameters {
                parameters,
                id: request,
            } => self.set_parameters(id, parameters, request),
            ClientMessage::SubscribeParameterUpdates(names) => self.watch_parameters(id, names),
            ClientMessage::UnsubscribeParameterUpdates(names) => {
                self.unwatch_parameters(id, &names);
            }
            ClientMessage::SubscribeConnectionGraph => self.watch_graph(id),
            ClientMessage::UnsubscribeConnectionGraph => self.unwatch_graph(id),
            ClientMessage::FetchAsset { request, uri } => self.fetch_asset(id, request, uri),
            // Clients subscribe by their own ids, send no times and are one driver together; the
            // connection to the robot has pings of its own.
            ClientMessage::Subscribe(_)
            | ClientMessage::Unsubscribe(_)
            | ClientMessage::TimedMessageData { .. }
            | ClientMessage::Wheel { .. }
            | ClientMessage::Ping { .. }
            | ClientMessage::PingAck { .. } => {}
        }
    }

    /// The robot cannot be asked: there is none, or too much is waiting for it.
    pub fn request_refused(&mut self, request: ClientMessage) {
        let reason = match &self.robot {
            Some(robot) => {
                format!("{robot} cannot be asked now: too much is waiting, or too large")
            }
            None => format!("there is no robot in room {}", self.room),
        };
        match request {
            ClientMessage::ServiceCallRequest(request) => {
                self.service_failed(request.service, request.call, reason);
            }
            ClientMessage::FetchAsset { request, .. } => {
                self.asset_fetched(request, Err(RequestFailure::new(reason)));
            }
            ClientMessage::GetParameters { id: Some(id), .. }
            | ClientMessage::SetParameters { id: Some(id), .. } => {
                if let Some((client, _)) = self.pending.parameters.remove(&id) {
                    self.refuse(client, "parameters", reason);
                }
            }
            ClientMessage::MessageData { channel, .. } => {
                if let Some(client) = self.publisher(channel) {
                    self.refuse(client, "publish", reason);
                }
            }
            // Nobody waits for an answer of these, or they are sent again when the robot comes.
            ClientMessage::GetParameters { id: None, .. }
            | ClientMessage::SetParameters { id: None, .. }
            | ClientMessage::TimedMessageData { .. }
            | ClientMessage::Subscribe(_)
            | ClientMessage::Unsubscribe(_)
            | ClientMessage::Advertise(_)
            | ClientMessage::Unadvertise(_)
            | ClientMessage::SubscribeParameterUpdates(_)
            | ClientMessage::UnsubscribeParameterUpdates(_)
            | ClientMessage::SubscribeConnectionGraph
            | ClientMessage::UnsubscribeConnectionGraph
            | ClientMessage::Wheel { .. }
            | ClientMessage::Ping { .. }
            | ClientMessage::PingAck { .. } => {}
        }
    }

    /// Answers all requests that wait: the robot does not know them any more.
    pub(super) fn fail_pending(&mut self, why: &str) {
        let pending = std::mem::take(&mut self.pending);
        self.pending.next = pending.next;
        for (client, service_id, call_id) in pending.calls.into_values() {
            let failure = ServerMessage::ServiceCallFailure {
                service_id,
                call_id,
                message: why.to_owned(),
            };
            self.tell(client, &failure);
        }
        for (client, request) in pending.assets.into_values() {
            self.answer_asset(client, request, Err(RequestFailure::new(why)));
        }
        for (client, _) in pending.parameters.into_values() {
            self.refuse(client, "parameters", why.to_owned());
        }
    }

    fn advertise(&mut self, id: ClientId, channels: Vec<ClientChannel>) {
        let mut replaced = Vec::new();
        let mut new = Vec::new();
        for channel in channels {
            let Some(client) = self.clients.get_mut(&id) else {
                return;
            };
            if client.channels.len() >= MAX_CLIENT_CHANNELS {
                let text = format!("no more than {MAX_CLIENT_CHANNELS} channels are possible");
                self.refuse(id, "publish", text);
                break;
            }
            self.next_client_channel = self.next_client_channel.wrapping_add(1);
            let robots = ClientChannelId(self.next_client_channel);
            let own = channel.id;
            new.push(ClientChannel {
                id: robots,
                ..channel.clone()
            });
            if let Some((old, _)) = client.channels.insert(own, (robots, channel)) {
                replaced.push(old);
            }
        }
        if self.robot.is_none() {
            return;
        }
        if !replaced.is_empty() {
            self.requests.push(ClientMessage::Unadvertise(replaced));
        }
        if !new.is_empty() {
            self.requests.push(ClientMessage::Advertise(new));
        }
    }

    pub(super) fn unadvertise(&mut self, id: ClientId, channels: &[ClientChannelId]) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let robots: Vec<_> = channels
            .iter()
            .filter_map(|channel| client.channels.remove(channel))
            .map(|(robots, _)| robots)
            .collect();
        if !robots.is_empty() && self.robot.is_some() {
            self.requests.push(ClientMessage::Unadvertise(robots));
        }
    }

    fn publish(&mut self, id: ClientId, channel: ClientChannelId, message: Bytes) {
        let client = self.clients.get(&id);
        match client.and_then(|client| client.channels.get(&channel)) {
            Some(&(channel, _)) => self
                .requests
                .push(ClientMessage::MessageData { channel, message }),
            None => self.refuse(
                id,
                "publish",
                format!("channel {channel} is not advertised"),
            ),
        }
    }

    /// The client behind a channel that the robot knows.
    fn publisher(&self, channel: ClientChannelId) -> Option<ClientId> {
        let publishes = |id: &ClientId| {
            let client = self.clients.get(id);
            client.is_some_and(|client| client.channels.values().any(|(id, _)| *id == channel))
        };
        self.clients.keys().copied().find(publishes)
    }

    fn call_service(&mut self, id: ClientId, request: ServicePayload) {
        let refusal = if !self.offer.has_service(request.service) {
            Some(format!("there is no service {}", request.service))
        } else if self.pending.calls.len() >= MAX_PENDING {
            Some(format!("{MAX_PENDING} calls are waiting already"))
        } else {
            None
        };
        if let Some(message) = refusal {
            let failure = ServerMessage::ServiceCallFailure {
                service_id: request.service,
                call_id: request.call,
                message,
            };
            self.tell(id, &failure);
            return;
        }
        let call = CallId(self.pending.number());
        let own = (id, request.service, request.call);
        self.pending.calls.insert(call, own);
        self.requests
            .push(ClientMessage::ServiceCallRequest(ServicePayload {
                call,
                ..request
            }));
    }

    pub(super) fn service_responded(&mut self, response: ServicePayload) {
        let Some((client, service, call)) = self.pending.calls.remove(&response.call) else {
            return;
        };
        let response = BinaryMessage::ServiceCallResponse(ServicePayload {
            service,
            call,
            ..response
        });
        self.tell_binary(client, &response);
    }

    pub(super) fn service_failed(&mut self, _: ServiceId, call: CallId, message: String) {
        if let Some((client, service_id, call_id)) = self.pending.calls.remove(&call) {
            let failure = ServerMessage::ServiceCallFailure {
                service_id,
                call_id,
                message,
            };
            self.tell(client, &failure);
        }
    }

    fn watch_graph(&mut self, id: ClientId) {
        let first = !self.clients.values().any(|client| client.graph);
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        if std::mem::replace(&mut client.graph, true) {
            return;
        }
        if first {
            self.requests.push(ClientMessage::SubscribeConnectionGraph);
        } else if let Some(graph) = self.offer.whole_graph() {
            self.tell(id, &ServerMessage::ConnectionGraphUpdate(graph));
        }
    }

    pub(super) fn unwatch_graph(&mut self, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let watched = std::mem::take(&mut client.graph);
        if watched && !self.clients.values().any(|client| client.graph) {
            self.offer.forget_graph();
            self.requests
                .push(ClientMessage::UnsubscribeConnectionGraph);
        }
    }

    pub(super) fn graph_update(&mut self, update: GraphUpdate) {
        if !self.clients.values().any(|client| client.graph) {
            return;
        }
        self.offer.update_graph(&update);
        let message = ServerMessage::ConnectionGraphUpdate(update);
        for (&id, client) in &self.clients {
            if client.graph {
                self.tell(id, &message);
            }
        }
    }

    fn fetch_asset(&mut self, id: ClientId, request: AssetRequestId, uri: String) {
        if self.pending.assets.len() >= MAX_PENDING {
            let text = format!("{MAX_PENDING} requests for assets are waiting already");
            self.answer_asset(id, request, Err(RequestFailure::new(text)));
            return;
        }
        let number = AssetRequestId(self.pending.number());
        self.pending.assets.insert(number, (id, request));
        self.requests.push(ClientMessage::FetchAsset {
            request: number,
            uri,
        });
    }

    pub(super) fn asset_fetched(
        &mut self,
        request: AssetRequestId,
        result: Result<Bytes, RequestFailure>,
    ) {
        if let Some((client, request)) = self.pending.assets.remove(&request) {
            self.answer_asset(client, request, result);
        }
    }

    fn answer_asset(
        &self,
        client: ClientId,
        request: AssetRequestId,
        result: Result<Bytes, RequestFailure>,
    ) {
        self.tell_binary(
            client,
            &BinaryMessage::FetchAssetResponse { request, result },
        );
    }

    fn tell_binary(&self, id: ClientId, message: &BinaryMessage) {
        if let (Some(client), Some(message)) = (self.clients.get(&id), payload(message)) {
            client.outbox.push_binary(message);
        }
    }
}
