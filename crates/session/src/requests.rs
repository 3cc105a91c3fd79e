//! Requests of participants: publishing, services, parameters, the connection graph and assets.
//!
//! Each kind owns what it has to remember. What they share, among it the permission that every
//! request needs, is the [`Exchange`].

pub(crate) mod assets;
pub(crate) mod command_age;
pub(crate) mod command_topics;
pub(crate) mod connection_graph;
pub(crate) mod exchange;
pub(crate) mod parameters;
pub(crate) mod pending;
pub(crate) mod publish;
pub(crate) mod queue;
pub(crate) mod request;
pub(crate) mod services;
mod standstill;

use std::time::Instant;

use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::failure::RequestFailure;

use crate::config::SessionConfig;
use crate::ids::ParticipantId;
use crate::permission::Permission;
use assets::AssetError;
use command_age::CommandAges;
use command_topics::CommandTopics;
use connection_graph::ConnectionGraph;
use exchange::Exchange;
use parameters::Parameters;
use pending::Pending;
use publish::Publishing;
use request::Request;
use services::{CallError, Services};

/// All kinds of requests.
#[derive(Debug)]
pub(crate) struct Requests {
    pub(crate) exchange: Exchange,
    pub(crate) publishing: Publishing,
    pub(crate) services: Services,
    pub(crate) parameters: Parameters,
    pub(crate) graph: ConnectionGraph,
}

impl Requests {
    pub(crate) fn new(config: &SessionConfig) -> Self {
        let commands = CommandTopics::new(config.command_topics.clone(), config.command_timeout);
        let ages = CommandAges::new(config.command_max_age);
        Self {
            exchange: Exchange::default(),
            publishing: Publishing::new(commands, ages, config.max_client_channels),
            services: Services::new(config.max_service_calls),
            parameters: Parameters::default(),
            graph: ConnectionGraph::default(),
        }
    }

    pub(crate) fn join(&mut self, now: Instant, id: ParticipantId, permission: Permission) {
        self.exchange.join(now, id, permission);
    }

    /// Ends all that a participant has of the robot.
    pub(crate) fn leave(&mut self, now: Instant, id: ParticipantId) {
        if let Some(permission) = self.exchange.permission_mut(id) {
            *permission = Permission::none();
            self.end_forbidden(now, id);
        }
        self.publishing.leave(id);
        self.exchange.leave(id);
    }

    /// Ends what a participant may not do any more.
    pub(crate) fn end_forbidden(&mut self, now: Instant, id: ParticipantId) {
        let exchange = &mut self.exchange;
        self.publishing.end_forbidden(exchange, now, id);
        self.services.end_forbidden(exchange, id);
        self.parameters.end_forbidden(exchange, id);
        self.graph.end_forbidden(exchange, id);
        assets::end_forbidden(exchange, id);
    }

    /// Handles a request. Other messages are ignored.
    pub(crate) fn handle(&mut self, now: Instant, id: ParticipantId, message: ClientMessage) {
        let exchange = &mut self.exchange;
        match message {
            ClientMessage::Advertise(channels) => {
                self.publishing.advertise(exchange, now, id, channels);
            }
            ClientMessage::Unadvertise(channels) => {
                self.publishing.unadvertise(exchange, now, id, &channels);
            }
            ClientMessage::MessageData { channel, message } => {
                self.publishing.message(exchange, now, id, channel, message);
            }
            ClientMessage::TimedMessageData {
                channel,
                sent,
                message,
            } => {
                let publishing = &mut self.publishing;
                publishing.timed_message(exchange, now, id, channel, sent, message);
            }
            ClientMessage::ServiceCallRequest(call) => {
                self.services.call(exchange, now, id, call);
            }
            ClientMessage::GetParameters { names, id: request } => {
                self.parameters.get(exchange, now, id, names, request);
            }
            ClientMessage::SetParameters {
                parameters,
                id: request,
            } => self.parameters.set(exchange, now, id, parameters, request),
            ClientMessage::SubscribeParameterUpdates(names) => {
                self.parameters.watch(exchange, now, id, names);
            }
            ClientMessage::UnsubscribeParameterUpdates(names) => {
                self.parameters.unwatch(exchange, id, &names);
            }
            ClientMessage::SubscribeConnectionGraph => self.graph.watch(exchange, now, id),
            ClientMessage::UnsubscribeConnectionGraph => self.graph.unwatch(exchange, id),
            ClientMessage::FetchAsset { request, uri } => {
                assets::fetch(exchange, now, id, request, uri);
            }
            ClientMessage::Wheel { topic, act } => {
                self.publishing.wheel(exchange, now, id, &topic, act);
            }
            ClientMessage::Subscribe(_)
            | ClientMessage::Unsubscribe(_)
            | ClientMessage::Ping { .. }
            | ClientMessage::PingAck { .. } => {}
        }
    }

    /// Tells a participant what the robot has beside channels, after a resync.
    pub(crate) fn greet(&mut self, now: Instant, id: ParticipantId) {
        self.graph.greet(&mut self.exchange, id);
        self.parameters.greet(&mut self.exchange, now, id);
    }

    /// Publishes stops and answers what the robot's side did not answer in time.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let exchange = &mut self.exchange;
        self.publishing.handle_timeout(exchange, now);
        for (key, pending) in exchange.pending.expired(now) {
            exchange.forward_ending(Request::Overdue(key));
            match pending {
                Pending::Call { service, .. } => {
                    let timeout = self.services.timeout(service).unwrap_or_default();
                    let failure = RequestFailure::new(CallError::Overdue(timeout));
                    Services::answer(exchange, key, Err(failure));
                }
                Pending::Asset { .. } => {
                    let failure = RequestFailure::new(AssetError::Overdue);
                    assets::answer(exchange, key, Err(failure));
                }
                Pending::Parameters { .. } => {
                    let reason = "the robot does not answer";
                    Parameters::failed(exchange, now, key, "values", reason);
                    Parameters::answer(exchange, key, Vec::new());
                }
            }
        }
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let stop = self.publishing.next_timeout();
        let overdue = self.exchange.pending.next_deadline();
        stop.into_iter().chain(overdue).min()
    }
}
