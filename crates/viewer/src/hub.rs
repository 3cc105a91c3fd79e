//! Between one robot and any number of local clients.
//!
//! [`State`] does no I/O: it takes what robot and clients say, queues what goes to the clients in
//! their [`Outbox`]es, and hands out what is to be asked of the robot. [`Hub`] shares it among
//! tasks and sends the requests.

mod client;
mod demand;
mod offer;
mod parameters;
mod requests;
mod robot;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use regex::Regex;
use remote_access_protocol::client::{ClientMessage, ClientMessageError};
use remote_access_protocol::frame::Frame;
use remote_access_protocol::server::{ServerMessage, StatusLevel};
use remote_access_room::Uplink;
use tracing::warn;

use crate::local::{LocalMessage, Subprotocol};
use crate::outbox::Outbox;
use crate::record::Recorder;

use client::Client;
use demand::Latched;
use offer::Offer;
use requests::Pending;

/// Prefix of the ids of our own statuses, so that they differ from the robot's.
const STATUS_PREFIX: &str = "remote_access_viewer";

/// Identifies a local client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(u64);

/// The shared state, and the stream to the robot.
pub struct Hub {
    inner: Mutex<Inner>,
}

struct Inner {
    state: State,
    uplink: Option<Uplink>,
}

impl Hub {
    /// A hub for a room. Topics that match one of `watch` are subscribed without a client, too.
    #[must_use]
    pub fn new(room: &str, watch: Vec<Regex>, recorder: Option<Recorder>) -> Self {
        let inner = Inner {
            state: State::new(room, watch, recorder),
            uplink: None,
        };
        Self {
            inner: Mutex::new(inner),
        }
    }

    /// The robot is there, and reached by this uplink.
    pub fn robot_joined(&self, name: &str, uplink: Uplink) {
        let inner = &mut *self.inner.lock();
        inner.uplink = Some(uplink);
        inner.state.robot_joined(name);
    }

    /// The robot's name is known.
    pub fn robot_named(&self, name: &str) {
        self.inner.lock().state.robot_named(name);
    }

    /// The robot is gone, or the connection to it; `why` tells people.
    pub fn robot_left(&self, why: &str) {
        self.update(|state| state.robot_left(why));
        self.inner.lock().uplink = None;
    }

    /// Tells people something about the connection to the robot, `None` when it is over.
    pub fn notice(&self, topic: &'static str, text: Option<String>) {
        self.update(|state| state.notice(topic, StatusLevel::Warning, text));
    }

    /// A frame came from the robot. Returns the round-trip time in microseconds if it tells one.
    pub fn robot_frame(&self, frame: Frame) -> Option<u64> {
        let inner = &mut *self.inner.lock();
        let clock = inner.uplink.as_ref().map_or(0, Uplink::clock);
        let round_trip = inner.state.robot_frame(clock, frame);
        inner.send_requests();
        round_trip
    }

    /// A local client connected.
    pub fn client_joined(&self, subprotocol: Subprotocol) -> (ClientId, Arc<Outbox>) {
        self.inner.lock().state.client_joined(subprotocol)
    }

    /// A local client is gone.
    pub fn client_left(&self, id: ClientId) {
        self.update(|state| state.client_left(id));
    }

    /// Ends the connections of all local clients.
    pub fn close_clients(&self) {
        for client in self.inner.lock().state.clients.values() {
            client.outbox.close();
        }
    }

    /// Whether local clients are connected.
    #[must_use]
    pub fn has_clients(&self) -> bool {
        !self.inner.lock().state.clients.is_empty()
    }

    /// A local client said something.
    pub fn client_message(&self, id: ClientId, message: LocalMessage) {
        self.update(|state| state.client_message(id, message));
    }

    /// A local client said something that cannot be understood.
    pub fn client_mistake(&self, id: ClientId, error: &ClientMessageError) {
        let state = &self.inner.lock().state;
        state.refuse(id, "mistake", error.to_string());
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        let inner = &mut *self.inner.lock();
        change(&mut inner.state);
        inner.send_requests();
    }
}

impl Inner {
    fn send_requests(&mut self) {
        for request in self.state.take_requests() {
            let sent = match (&self.uplink, request.frame()) {
                (Some(uplink), Some(frame)) => uplink.send(frame),
                _ => false,
            };
            if !sent {
                self.state.request_refused(request);
            }
        }
    }
}

/// State of the robot and its clients.
pub struct State {
    room: String,
    watch: Vec<Regex>,
    recorder: Option<Recorder>,
    /// The robot's name, while it is there.
    robot: Option<String>,
    /// Whether the robot must be asked again for all that clients want.
    ask_again: bool,
    offer: Offer,
    /// Our own statuses by their ids.
    notices: BTreeMap<&'static str, ServerMessage>,
    clients: BTreeMap<ClientId, Client>,
    latched: Latched,
    pending: Pending,
    requests: Vec<ClientMessage>,
    next_client: u64,
    next_client_channel: u32,
}

impl State {
    /// See [`Hub::new`].
    #[must_use]
    pub fn new(room: &str, watch: Vec<Regex>, recorder: Option<Recorder>) -> Self {
        let mut state = Self {
            room: room.to_owned(),
            watch,
            recorder,
            robot: None,
            ask_again: true,
            offer: Offer::default(),
            notices: BTreeMap::new(),
            clients: BTreeMap::new(),
            latched: Latched::default(),
            pending: Pending::default(),
            requests: Vec::new(),
            next_client: 0,
            next_client_channel: 0,
        };
        state.robot_left("");
        state
    }

    /// Requests for the robot, in order.
    pub fn take_requests(&mut self) -> Vec<ClientMessage> {
        std::mem::take(&mut self.requests)
    }

    /// Tells people something, or that it is over.
    fn notice(&mut self, topic: &'static str, level: StatusLevel, text: Option<String>) {
        let id = format!("{STATUS_PREFIX}.{topic}");
        let message = match text {
            Some(message) => {
                let status = ServerMessage::Status {
                    level,
                    message,
                    id: Some(id),
                    wheel: None,
                };
                if self.notices.get(topic) == Some(&status) {
                    return;
                }
                self.notices.insert(topic, status.clone());
                status
            }
            None => {
                if self.notices.remove(topic).is_none() {
                    return;
                }
                ServerMessage::RemoveStatus {
                    status_ids: vec![id],
                }
            }
        };
        self.tell_all(&message);
    }

    fn tell_all(&self, message: &ServerMessage) {
        if let Some(text) = json(message) {
            for client in self.clients.values() {
                client.outbox.push_text(text.clone());
            }
        }
    }

    fn tell(&self, id: ClientId, message: &ServerMessage) {
        if let (Some(client), Some(text)) = (self.clients.get(&id), json(message)) {
            client.outbox.push_text(text);
        }
    }

    /// Tells one client why something is not done.
    fn refuse(&self, id: ClientId, topic: &str, message: String) {
        let status = ServerMessage::Status {
            level: StatusLevel::Error,
            message,
            id: Some(format!("{STATUS_PREFIX}.{topic}")),
            wheel: None,
        };
        self.tell(id, &status);
    }
}

fn json(message: &ServerMessage) -> Option<String> {
    serde_json::to_string(message)
        .inspect_err(|error| warn!(%error, "cannot write a message"))
        .ok()
}
