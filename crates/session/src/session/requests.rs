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
use crate::audit::Act;
use crate::ids::ParticipantId;
use crate::permission::{Rights, MAY_NOT_SEND};
use crate::requests::connection_graph::Connections;
use crate::requests::exchange::Reply;
use crate::requests::parameters::Parameters;
use crate::requests::request::{ClientChannelKey, Request, RequestKey};
use crate::requests::services::{ServiceInfo, Services};
use crate::requests::{assets, Requests};
use crate::robot::Subject;
use crate::status::{status, withdraw};

/// Names the status of a viewer that may not send.
const MAY_NOT_SEND_STATUS: &str = "may-not-send";
/// Names the status about a viewer's rights.
const RIGHTS_STATUS: &str = "rights";
/// Told to a viewer whose rights have ended.
const EXPIRED: &str = "the rights of this viewer have ended; ask for a new link or token";

impl Session {
    /// The next channel on which the robot's side is to publish a stop, before all that waits: a
    /// message with the type's default values. Its place among the requests is told by
    /// [`Request::Stop`], until which all messages of the channel are void.
    pub fn poll_stop(&mut self) -> Option<ClientChannelKey> {
        self.requests.exchange.poll_stop()
    }

    /// The next thing that the robot's side is to do for a viewer.
    pub fn poll_request(&mut self) -> Option<Request> {
        self.requests.exchange.poll()
    }

    /// Sets what a viewer may do, and resyncs it so that it knows. What it may not do any more ends:
    /// subscriptions, calls that wait, driving. `problem` is what is wrong with its rights, told to it.
    /// Unknown ids are ignored, and rights that are what they were.
    pub fn set_rights(
        &mut self,
        now: Instant,
        id: ParticipantId,
        rights: Rights,
        problem: Option<String>,
    ) {
        let Some(permission) = self.requests.exchange.permission_mut(id) else {
            return;
        };
        let is_same = permission.rights.group == rights.group;
        let group = rights.group;
        permission.rights = rights;
        if is_same && self.requests.exchange.problem(id) == problem.as_deref() {
            // Only their end may have changed, which no viewer is told.
            return;
        }
        self.sender.set_group(id, group);
        let fine = problem.is_none();
        let what = problem.as_deref().unwrap_or("changed");
        self.requests.exchange.audit(now, id, Act::Rights(what));
        let had_problem = self.requests.exchange.set_problem(id, problem);
        self.permission_changed(now, id);
        if fine && had_problem {
            let withdrawal = withdraw(RIGHTS_STATUS.to_owned());
            self.push_control(now, id, withdrawal);
        }
    }

    /// Ends rights whose time is over.
    pub(super) fn end_rights(&mut self, now: Instant) {
        for id in self.requests.exchange.expired(now) {
            self.set_rights(now, id, Rights::none(), Some(EXPIRED.to_owned()));
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
        // What this answers is sent after the resync, which empties the queue.
        self.requests.end_forbidden(now, id);
        self.end_unseen(now, id);
        self.resync(now, id);
        self.with_requests(now, |_| ());
    }

    /// Says what people call a viewer. Unknown ids are ignored.
    pub fn participant_named(&mut self, id: ParticipantId, name: String) {
        self.requests.exchange.set_name(id, name);
    }

    /// A problem of the robot, or none any more, that all viewers are told who see what it is about.
    ///
    /// The number of problems is up to the robot's side.
    pub fn problem(
        &mut self,
        now: Instant,
        about: Subject,
        problem: Option<(StatusLevel, String)>,
    ) {
        let permissions = self.requests.exchange.permissions();
        let told = permissions.filter(|(_, permission)| about.is_seen_by(permission));
        let told: Vec<ParticipantId> = told.map(|(id, _)| id).collect();
        let frame = self.robot.set_problem(about, problem);
        for id in told {
            self.push_control(now, id, frame.clone());
        }
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
        let permission = self.requests.exchange.permission(id);
        let problems = permission.map(|each| self.robot.problem_frames(each));
        for frame in problems.unwrap_or_default() {
            self.push_control(now, id, Some(frame));
        }
        let permission = self.requests.exchange.permission(id);
        if permission.is_some_and(|permission| !permission.may_send) {
            let (level, text) = (StatusLevel::Warning, MAY_NOT_SEND.to_owned());
            let notice = status(level, text, MAY_NOT_SEND_STATUS.to_owned());
            self.push_control(now, id, notice);
        }
        if let Some(problem) = self.requests.exchange.problem(id) {
            let (level, text) = (StatusLevel::Error, problem.to_owned());
            let notice = status(level, text, RIGHTS_STATUS.to_owned());
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
