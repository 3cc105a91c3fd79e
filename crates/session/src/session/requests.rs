//! Requests of participants and the robot's answers, handed on.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;
use remote_access_protocol::failure::RequestFailure;
use remote_access_protocol::parameter::Parameter;
use remote_access_protocol::server::StatusLevel;
use remote_access_protocol::ServiceId;
use tracing::info;

use super::Session;
use crate::ids::ParticipantId;
use crate::permission::{Rights, MAY_NOT_SEND};
use crate::requests::connection_graph::Connections;
use crate::requests::exchange::Reply;
use crate::requests::parameters::Parameters;
use crate::requests::request::{ClientChannelKey, Request, RequestKey};
use crate::requests::services::{ServiceInfo, Services};
use crate::requests::{assets, Requests};
use crate::status::{status, withdraw};

/// Names the status of a viewer that may not send.
const MAY_NOT_SEND_STATUS: &str = "may-not-send";

impl Session {
    /// The next thing that the robot's side is to do for a viewer.
    pub fn poll_request(&mut self) -> Option<Request> {
        self.requests.exchange.poll()
    }

    /// Sets what a viewer may do, and resyncs it so that it knows. Unknown ids are ignored.
    pub fn set_rights(&mut self, now: Instant, id: ParticipantId, rights: Rights) {
        if let Some(permission) = self.requests.exchange.permission_mut(id) {
            permission.rights = rights;
            self.permission_changed(now, id);
        }
    }

    /// Says whether the room lets a viewer send data, which is so until this is called. One that
    /// may not writes nothing to the robot; what it drove gets its stop. Unknown ids are ignored.
    pub fn set_may_send(&mut self, now: Instant, id: ParticipantId, may_send: bool) {
        let Some(permission) = self.requests.exchange.permission_mut(id) else {
            return;
        };
        if std::mem::replace(&mut permission.may_send, may_send) == may_send {
            return;
        }
        info!(?id, may_send, "the room changed a viewer's permission");
        self.permission_changed(now, id);
        if may_send {
            let withdrawal = withdraw(MAY_NOT_SEND_STATUS.to_owned());
            self.push_control(now, id, withdrawal);
        }
    }

    fn permission_changed(&mut self, now: Instant, id: ParticipantId) {
        self.with_requests(now, |requests| requests.end_forbidden(id));
        self.resync(now, id);
    }

    /// Says what people call a viewer. Unknown ids are ignored.
    pub fn participant_named(&mut self, id: ParticipantId, name: String) {
        self.requests.exchange.set_name(id, name);
    }

    /// A problem of the robot, or none any more, that all viewers are told about.
    ///
    /// `id` names it; the number of problems is up to the robot's side.
    pub fn problem(&mut self, now: Instant, id: String, problem: Option<(StatusLevel, String)>) {
        let frame = self.robot.set_problem(id, problem);
        self.broadcast_control(now, frame.as_slice());
    }

    /// The texts of the robot's problems by their ids.
    #[must_use]
    pub fn problems(&self) -> BTreeMap<String, String> {
        self.robot.problems()
    }

    /// New services. One whose id is known is ignored: ids are never used twice.
    pub fn add_services(&mut self, now: Instant, services: Vec<ServiceInfo>) {
        self.with_requests(now, |r| r.services.add(&mut r.exchange, services));
    }

    /// Services that exist no more; their calls fail. Unknown ids are ignored.
    pub fn remove_services(&mut self, now: Instant, ids: &[ServiceId]) {
        self.with_requests(now, |r| r.services.remove(&mut r.exchange, ids));
    }

    /// The outcome of a call: the response in the encoding of the request, or why there is none.
    /// Ignored if the call is answered already, or nobody waits for it any more.
    pub fn service_response(
        &mut self,
        now: Instant,
        key: RequestKey,
        result: Result<Bytes, RequestFailure>,
    ) {
        self.with_requests(now, |r| Services::answer(&mut r.exchange, key, result));
    }

    /// The values that a viewer asked for, or those after it set some. Ignored if nobody waits.
    pub fn parameter_values(&mut self, now: Instant, key: RequestKey, parameters: Vec<Parameter>) {
        self.with_requests(now, |r| {
            Parameters::answer(&mut r.exchange, key, parameters);
        });
    }

    /// A viewer's parameter was not set, or could not be read. The answer comes besides.
    pub fn parameter_failed(&mut self, now: Instant, key: RequestKey, name: &str, reason: &str) {
        self.with_requests(now, |r| {
            Parameters::failed(&mut r.exchange, now, key, name, reason);
        });
    }

    /// Parameters have changed: those who watch them are told.
    pub fn parameters_changed(&mut self, now: Instant, changed: &[Parameter]) {
        self.with_requests(now, |r| r.parameters.changed(&mut r.exchange, changed));
    }

    /// The connection graph as it is now. Those who watch it are told what has changed.
    pub fn connection_graph(&mut self, now: Instant, graph: Connections) {
        self.with_requests(now, |r| r.graph.update(&mut r.exchange, graph));
    }

    /// The outcome of a request for an asset. Ignored if nobody waits for it.
    pub fn asset(&mut self, now: Instant, key: RequestKey, result: Result<Bytes, RequestFailure>) {
        self.with_requests(now, |r| assets::answer(&mut r.exchange, key, result));
    }

    /// The robot's side cannot publish on a channel at all.
    pub fn client_channel_failed(&mut self, now: Instant, key: ClientChannelKey, reason: &str) {
        self.with_requests(now, |r| {
            let exchange = &mut r.exchange;
            r.publishing.channel_failed(exchange, now, key, reason);
        });
    }

    /// The robot's side did not publish a message.
    pub fn publish_failed(&mut self, now: Instant, key: ClientChannelKey, reason: &str) {
        self.with_requests(now, |r| {
            let exchange = &mut r.exchange;
            r.publishing.publish_failed(exchange, now, key, reason);
        });
    }

    /// Tells a viewer what the robot has beside channels, after a resync.
    pub(super) fn greet_requests(&mut self, now: Instant, id: ParticipantId) {
        self.with_requests(now, |r| r.services.greet(&mut r.exchange, id));
        for frame in self.robot.problem_frames() {
            self.push_control(now, id, Some(frame));
        }
        let permission = self.requests.exchange.permission(id);
        if permission.is_some_and(|permission| !permission.may_send) {
            let (level, text) = (StatusLevel::Warning, MAY_NOT_SEND.to_owned());
            let notice = status(level, text, MAY_NOT_SEND_STATUS.to_owned());
            self.push_control(now, id, notice);
        }
        self.with_requests(now, |requests| requests.greet(now, id));
    }

    /// Lets the requests do something, and passes their replies on.
    pub(super) fn with_requests(&mut self, now: Instant, what: impl FnOnce(&mut Requests)) {
        what(&mut self.requests);
        for (id, reply) in self.requests.exchange.take_replies() {
            match reply {
                Reply::Control(frame) => self.push_control(now, id, Some(frame)),
                Reply::Shared(frames) => self.sender.push_shared(id, frames),
                Reply::Answer { frame, instead } => {
                    self.sender.push_answer(now, id, frame, instead);
                }
            }
        }
    }
}
