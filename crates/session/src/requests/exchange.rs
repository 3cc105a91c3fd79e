//! The exchange of requests and replies, which all kinds of requests share.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::server::{StatusLevel, Wheel};

use super::pending::{Pending, PendingRequests};
use super::queue::{Busy, RequestQueue};
use super::request::{ClientChannelKey, Request, RequestKey};
use crate::audit::{Act, AuditBudget};
use crate::ids::ParticipantId;
use crate::permission::{Action, Permission, Refusal};
use crate::status::status_of_wheel;

/// The same notice is not repeated for this time.
const NOTICE_INTERVAL: Duration = Duration::from_secs(1);
/// Different notices to one participant in that time.
const MAX_NOTICES: usize = 64;
/// Characters of a notice's id that are remembered. A topic or a parameter's name fits in.
const MAX_NOTICE_ID: usize = 512;

/// A reply on its way to a participant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// A control message.
    Control(Bytes),
    /// Control messages that all participants share.
    Shared(Vec<Bytes>),
    /// An answer, which may be large. One that finds no room is replaced by `instead`.
    Answer {
        frame: Bytes,
        instead: Option<Bytes>,
    },
}

/// Permissions, requests on their way to the robot, those without an answer yet, and replies.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    participants: BTreeMap<ParticipantId, Party>,
    queue: RequestQueue,
    pub(crate) pending: PendingRequests,
    replies: Vec<(ParticipantId, Reply)>,
}

/// A participant in the exchange.
#[derive(Debug)]
struct Party {
    permission: Permission,
    /// The name that people read.
    name: String,
    notices: BTreeMap<String, Instant>,
    audit: AuditBudget,
    /// Problem with its rights.
    problem: Option<String>,
}

impl Party {
    /// Whether a notice is due, rather than a repetition or one too many.
    fn may_notice(&mut self, now: Instant, id: &str) -> bool {
        self.notices
            .retain(|_, at| now.saturating_duration_since(*at) < NOTICE_INTERVAL);
        // What a viewer wrote may be part of it, and as long as it likes.
        let id = format!("{id:.MAX_NOTICE_ID$}");
        if self.notices.len() >= MAX_NOTICES || self.notices.contains_key(&id) {
            return false;
        }
        self.notices.insert(id, now);
        true
    }
}

impl Exchange {
    pub(crate) fn join(&mut self, now: Instant, id: ParticipantId, permission: Permission) {
        let party = Party {
            permission,
            name: String::new(),
            notices: BTreeMap::new(),
            audit: AuditBudget::new(now),
            problem: None,
        };
        self.participants.insert(id, party);
    }

    /// Removes a participant with all that it waits for.
    pub(crate) fn leave(&mut self, id: ParticipantId) {
        let waiting: Vec<_> = self.pending.of(id).map(|(key, _)| key).collect();
        for key in waiting {
            self.pending.take(key);
            self.forward_ending(Request::Cancel(key));
        }
        self.participants.remove(&id);
    }

    pub(crate) fn permission(&self, id: ParticipantId) -> Option<&Permission> {
        self.participants.get(&id).map(|party| &party.permission)
    }

    pub(crate) fn permission_mut(&mut self, id: ParticipantId) -> Option<&mut Permission> {
        let party = self.participants.get_mut(&id)?;
        Some(&mut party.permission)
    }

    /// Whether a participant is there and may do this.
    pub(crate) fn permits(&self, id: ParticipantId, action: Action<'_>) -> bool {
        self.permission(id)
            .is_some_and(|permission| permission.check(action).is_ok())
    }

    /// The participants with what they may do, in the order in which they joined.
    pub(crate) fn permissions(&self) -> impl Iterator<Item = (ParticipantId, &Permission)> {
        let participants = self.participants.iter();
        participants.map(|(&id, party)| (id, &party.permission))
    }

    /// Participants whose rights end by then.
    pub(crate) fn expired(&self, now: Instant) -> Vec<ParticipantId> {
        self.permissions()
            .filter(|(_, permission)| permission.rights.expires.is_some_and(|at| at <= now))
            .map(|(id, _)| id)
            .collect()
    }

    /// When the next rights end.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.permissions()
            .filter_map(|(_, permission)| permission.rights.expires)
            .min()
    }

    /// Requests of a participant that wait for an answer and are of this kind.
    pub(crate) fn waiting(
        &self,
        id: ParticipantId,
        kind: impl Fn(&Self, &Pending) -> bool,
    ) -> Vec<RequestKey> {
        let waiting = self.pending.of(id);
        let of_kind = waiting.filter(|(_, what)| kind(self, what));
        of_kind.map(|(key, _)| key).collect()
    }

    /// Writes down what a participant did to the robot, or was refused.
    pub(crate) fn audit(&mut self, now: Instant, id: ParticipantId, act: Act<'_>) {
        if let Some(party) = self.participants.get_mut(&id) {
            party.audit.write(now, &party.name, act);
        }
    }

    pub(crate) fn set_name(&mut self, id: ParticipantId, name: String) {
        if let Some(party) = self.participants.get_mut(&id) {
            party.name = name;
        }
    }

    /// Problem with a participant's rights, if there is one.
    pub(crate) fn problem(&self, id: ParticipantId) -> Option<&str> {
        self.participants.get(&id)?.problem.as_deref()
    }

    /// Notes what is wrong with a participant's rights. Returns whether something was before.
    pub(crate) fn set_problem(&mut self, id: ParticipantId, problem: Option<String>) -> bool {
        let party = self.participants.get_mut(&id);
        party.is_some_and(|party| std::mem::replace(&mut party.problem, problem).is_some())
    }

    /// The name that people read, empty if none is known.
    pub(crate) fn name(&self, id: ParticipantId) -> &str {
        let party = self.participants.get(&id);
        party.map_or("", |party| &party.name)
    }

    /// Whether a participant may do this. If not it is told why, and the reason comes back.
    pub(crate) fn allow(
        &mut self,
        now: Instant,
        id: ParticipantId,
        action: Action<'_>,
    ) -> Result<(), Refusal> {
        let Some(permission) = self.permission(id) else {
            return Err(Refusal::Unknown);
        };
        let Err(refusal) = permission.check(action) else {
            return Ok(());
        };
        let status_id = match action.name() {
            Some(name) => format!("refused-{}-{name}", action.what()),
            None => format!("refused-{}", action.what()),
        };
        self.audit(now, id, Act::Refused(action));
        self.notice(now, id, StatusLevel::Error, refusal.to_string(), status_id);
        Err(refusal)
    }

    /// Tells a participant about something that it did, but not again and again. Returns whether it did.
    pub(crate) fn notice(
        &mut self,
        now: Instant,
        id: ParticipantId,
        level: StatusLevel,
        text: String,
        status_id: String,
    ) -> bool {
        self.notice_of_wheel(now, id, level, (text, None), status_id)
    }

    /// Tells a participant, like [`Exchange::notice`], of a wheel: as a text, and as fields.
    pub(crate) fn notice_of_wheel(
        &mut self,
        now: Instant,
        id: ParticipantId,
        level: StatusLevel,
        (text, wheel): (String, Option<Wheel>),
        status_id: String,
    ) -> bool {
        let party = self.participants.get_mut(&id);
        let may = party.is_some_and(|party| party.may_notice(now, &status_id));
        if may {
            self.reply(id, status_of_wheel(level, text, status_id, wheel));
        }
        may
    }

    /// Sends a control message, if there is one.
    pub(crate) fn reply(&mut self, id: ParticipantId, frame: Option<Bytes>) {
        let reply = frame.map(|frame| (id, Reply::Control(frame)));
        self.replies.extend(reply);
    }

    /// Sends control messages that all participants share.
    pub(crate) fn reply_shared(&mut self, id: ParticipantId, frames: Vec<Bytes>) {
        self.replies.push((id, Reply::Shared(frames)));
    }

    /// Sends an answer, if there is one. One that finds no room is replaced by `instead`.
    pub(crate) fn answer(
        &mut self,
        id: ParticipantId,
        frame: Option<Bytes>,
        instead: impl FnOnce() -> Option<Bytes>,
    ) {
        let Some(frame) = frame else {
            return;
        };
        let instead = instead();
        self.replies.push((id, Reply::Answer { frame, instead }));
    }

    /// The replies since the last call, in order.
    pub(crate) fn take_replies(&mut self) -> Vec<(ParticipantId, Reply)> {
        std::mem::take(&mut self.replies)
    }

    /// The next stop for the robot's side.
    pub(crate) fn poll_stop(&mut self) -> Option<ClientChannelKey> {
        self.queue.pop_stop()
    }

    /// The next request for the robot's side.
    pub(crate) fn poll(&mut self) -> Option<Request> {
        self.queue.pop()
    }

    /// Passes a request on to the robot's side.
    pub(crate) fn forward(&mut self, request: Request) -> Result<(), Busy> {
        self.queue.push(request)
    }

    /// Passes a request on that ends or undoes something: such a one always finds room.
    pub(crate) fn forward_ending(&mut self, request: Request) {
        let taken = self.queue.push(request);
        debug_assert!(taken.is_ok(), "only what ends something is queued here");
    }

    /// Passes a request on that waits for an answer.
    pub(crate) fn forward_pending(
        &mut self,
        now: Instant,
        id: ParticipantId,
        (pending, timeout): (Pending, Duration),
        request: impl FnOnce(RequestKey) -> Request,
    ) -> Result<(), Busy> {
        let key = self.pending.add(now, id, pending, timeout);
        let result = self.queue.push(request(key));
        if result.is_err() {
            self.pending.take(key);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use remote_access_protocol::AssetRequestId;

    const VIEWER: ParticipantId = ParticipantId(1);

    fn exchange() -> Exchange {
        let mut exchange = Exchange::default();
        exchange.join(Instant::now(), VIEWER, Permission::none());
        exchange
    }

    #[test]
    fn a_refusal_is_told_once_in_a_while() {
        let start = Instant::now();
        let mut exchange = exchange();
        let told = |exchange: &mut Exchange, now| {
            for _ in 0..100 {
                assert!(exchange.allow(now, VIEWER, Action::FetchAssets).is_err());
            }
            exchange.take_replies().len()
        };
        assert_eq!(told(&mut exchange, start), 1);
        assert_eq!(told(&mut exchange, start + NOTICE_INTERVAL / 2), 0);
        assert_eq!(told(&mut exchange, start + NOTICE_INTERVAL), 1);
    }

    #[test]
    fn different_notices_are_bounded_too() {
        let now = Instant::now();
        let mut exchange = exchange();
        for topic in 0..1000 {
            let topic = &format!("/{topic}");
            let _ = exchange.allow(now, VIEWER, Action::Publish { topic });
        }
        assert_eq!(exchange.take_replies().len(), MAX_NOTICES);
    }

    #[test]
    fn what_a_participant_waits_for_is_cancelled_when_it_leaves() {
        let now = Instant::now();
        let mut exchange = exchange();
        let pending = Pending::Asset {
            request: AssetRequestId(1),
            uri: String::new(),
        };
        let fetch = |key| Request::FetchAsset {
            key,
            uri: String::new(),
        };
        let timeout = Duration::from_secs(1);
        let result = exchange.forward_pending(now, VIEWER, (pending, timeout), fetch);
        assert_eq!(result, Ok(()));
        exchange.leave(VIEWER);
        let Some(Request::FetchAsset { key, .. }) = exchange.poll() else {
            panic!("the request was passed on");
        };
        assert_eq!(exchange.poll(), Some(Request::Cancel(key)));
        assert_eq!(exchange.pending.next_deadline(), None);
        assert!(!exchange.permits(VIEWER, Action::FetchAssets));
    }
}
