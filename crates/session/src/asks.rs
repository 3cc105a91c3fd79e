//! What the session and each participant keep for requests.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use remote_access_protocol::server::StatusLevel;
use remote_access_protocol::{ClientChannelId, ServiceId};
use tracing::info;

use super::answers::AnswerQueue;
use super::client_channels::ClientChannelState;
use super::command_topics::CommandTopics;
use super::connections::Connections;
use super::permission::{Ask, Permission, Rights, MAY_NOT_SEND};
use super::request::{PendingRequests, RequestQueue};
use super::services::ServiceInfo;
use super::status::status;
use super::{ParticipantId, Request, Session, SessionConfig};

/// The same notice is not repeated for this time.
const NOTICE_INTERVAL: Duration = Duration::from_secs(1);
/// Different notices to one participant in that time.
const MAX_NOTICES: usize = 64;
/// Characters of a notice's id that are remembered. A topic or a parameter's name fits in.
const MAX_NOTICE_ID: usize = 512;
/// Names the status of a viewer that may not send.
const MAY_NOT_SEND_STATUS: &str = "may-not-send";

/// The session's side of requests.
#[derive(Debug)]
pub(super) struct Asks {
    pub queue: RequestQueue,
    pub pending: PendingRequests,
    pub services: BTreeMap<ServiceId, ServiceInfo>,
    pub commands: CommandTopics,
    /// The connection graph, while somebody watches it and it is known.
    pub graph: Option<Connections>,
    pub watching_graph: bool,
    pub watching_parameters: bool,
    /// Bytes of answers that wait for all participants.
    pub answer_bytes: usize,
    /// Problems of the robot that viewers are told about: id, level and text.
    pub problems: BTreeMap<String, (StatusLevel, String)>,
}

impl Asks {
    pub fn new(config: &SessionConfig) -> Self {
        Self {
            queue: RequestQueue::default(),
            pending: PendingRequests::default(),
            services: BTreeMap::new(),
            commands: CommandTopics::new(config.command_topics.clone(), config.command_timeout),
            graph: None,
            watching_graph: false,
            watching_parameters: false,
            answer_bytes: 0,
            problems: BTreeMap::new(),
        }
    }
}

/// A participant's side of requests.
#[derive(Debug)]
pub(super) struct ParticipantAsks {
    pub permission: Permission,
    /// What people call it.
    pub name: String,
    pub channels: BTreeMap<ClientChannelId, ClientChannelState>,
    pub parameters: ParameterSubscription,
    pub watches_graph: bool,
    /// Answers that are too large for the control queue.
    pub answers: AnswerQueue,
    notices: BTreeMap<String, Instant>,
}

/// The parameters that a participant watches.
#[derive(Debug, Default)]
pub(super) struct ParameterSubscription {
    pub all: bool,
    names: BTreeSet<String>,
    /// Bytes of the names.
    bytes: usize,
}

impl ParameterSubscription {
    /// Remembers a name, if there is room for it or it is known.
    pub fn add(&mut self, name: String, max_names: usize, max_bytes: usize) -> bool {
        if self.names.contains(&name) {
            return true;
        }
        let bytes = self.bytes + name.len();
        if self.names.len() >= max_names || bytes > max_bytes {
            return false;
        }
        self.bytes = bytes;
        self.names.insert(name)
    }

    pub fn remove(&mut self, name: &str) {
        if self.names.remove(name) {
            self.bytes -= name.len();
        }
    }

    pub fn names(&self) -> Vec<String> {
        self.names.iter().cloned().collect()
    }

    pub fn is_empty(&self) -> bool {
        !self.all && self.names.is_empty()
    }

    pub fn has(&self, name: &str) -> bool {
        self.all || self.names.contains(name)
    }
}

impl ParticipantAsks {
    pub fn new(rights: Rights) -> Self {
        Self {
            permission: Permission::new(rights),
            name: String::new(),
            channels: BTreeMap::new(),
            parameters: ParameterSubscription::default(),
            watches_graph: false,
            answers: AnswerQueue::default(),
            notices: BTreeMap::new(),
        }
    }

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

impl Session {
    /// The next thing that the robot's side is to do for a viewer.
    pub fn poll_request(&mut self) -> Option<Request> {
        self.asks.queue.pop()
    }

    /// Sets what a viewer may do, and starts it anew so that it knows. Unknown ids are ignored.
    pub fn set_rights(&mut self, now: Instant, id: ParticipantId, rights: Rights) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        participant.asks.permission.rights = rights;
        self.permission_changed(now, id);
    }

    /// Says whether the room lets a viewer send data, which is so until this is called. One that
    /// may not writes nothing to the robot; what it drove gets its stop. Unknown ids are ignored.
    pub fn set_may_send(&mut self, now: Instant, id: ParticipantId, may_send: bool) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        let permission = &mut participant.asks.permission;
        if std::mem::replace(&mut permission.may_send, may_send) == may_send {
            return;
        }
        info!(?id, may_send, "the room changed a viewer's permission");
        self.permission_changed(now, id);
        if may_send {
            let withdrawal = super::status::withdraw(MAY_NOT_SEND_STATUS.to_owned());
            self.push_control(now, id, withdrawal);
        }
    }

    fn permission_changed(&mut self, now: Instant, id: ParticipantId) {
        self.end_what_is_not_allowed(now, id);
        self.resync(now, id);
    }

    /// Says what people call a viewer. Unknown ids are ignored.
    pub fn participant_named(&mut self, id: ParticipantId, name: String) {
        if let Some(participant) = self.participants.get_mut(&id) {
            participant.asks.name = name;
        }
    }

    /// Ends what a viewer has of the robot. To be called when it leaves, while it is still known.
    pub(super) fn end_requests(&mut self, now: Instant, id: ParticipantId) {
        if let Some(participant) = self.participants.get_mut(&id) {
            participant.asks.permission = Permission::new(Rights::default());
        }
        self.end_what_is_not_allowed(now, id);
        let waiting: Vec<_> = self.asks.pending.of(id).map(|(key, _)| key).collect();
        for key in waiting {
            self.asks.pending.take(key);
            self.request(Request::Cancel(key));
        }
        self.asks.commands.forget(id);
        if let Some(participant) = self.participants.get_mut(&id) {
            let left = participant.asks.answers.clear();
            self.asks.answer_bytes -= left;
        }
    }

    fn end_what_is_not_allowed(&mut self, now: Instant, id: ParticipantId) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        let asks = &mut participant.asks;
        let permission = &asks.permission;
        let lost: Vec<ClientChannelId> = asks
            .channels
            .iter()
            .filter(|(_, channel)| {
                let topic = &channel.topic;
                permission.check(Ask::Publish { topic }).is_err()
            })
            .map(|(&channel, _)| channel)
            .collect();
        if asks.permission.check(Ask::SubscribeParameters).is_err() {
            asks.parameters = ParameterSubscription::default();
        }
        if asks.permission.check(Ask::WatchGraph).is_err() {
            asks.watches_graph = false;
        }
        self.end_client_channels(now, id, &lost);
        self.update_watching();
    }

    /// Tells a viewer about something that it did, but not again and again.
    pub(super) fn notice(
        &mut self,
        now: Instant,
        id: ParticipantId,
        level: StatusLevel,
        text: String,
        status_id: String,
    ) {
        let due = self
            .participants
            .get_mut(&id)
            .is_some_and(|participant| participant.asks.may_notice(now, &status_id));
        if due {
            self.push_control(now, id, status(level, text, status_id));
        }
    }

    /// Whether a viewer may do this. If not it is told why, and the reason comes back.
    pub(super) fn allow(
        &mut self,
        now: Instant,
        id: ParticipantId,
        ask: Ask<'_>,
    ) -> Result<(), String> {
        let Some(participant) = self.participants.get(&id) else {
            return Err("the viewer is unknown".to_owned());
        };
        let Err(refusal) = participant.asks.permission.check(ask) else {
            return Ok(());
        };
        let text = refusal.to_string();
        let status_id = match ask {
            Ask::Publish { topic } => format!("refused-publish-{topic}"),
            other => format!("refused-{other:?}"),
        };
        self.notice(now, id, StatusLevel::Error, text.clone(), status_id);
        Err(text)
    }

    /// Queues a request of the kind that always finds room.
    pub(super) fn request(&mut self, request: Request) {
        let taken = self.asks.queue.push(request);
        debug_assert!(taken.is_ok(), "only what ends something is queued here");
    }

    /// Tells the robot's side whether anybody watches parameters or the graph.
    pub(super) fn update_watching(&mut self) {
        let parameters = self
            .participants
            .values()
            .any(|participant| !participant.asks.parameters.is_empty());
        let graph = self
            .participants
            .values()
            .any(|participant| participant.asks.watches_graph);
        if parameters != self.asks.watching_parameters {
            self.asks.watching_parameters = parameters;
            self.request(Request::WatchParameters(parameters));
        }
        if graph != self.asks.watching_graph {
            self.asks.watching_graph = graph;
            self.asks.graph = None;
            self.request(Request::WatchGraph(graph));
        }
    }

    /// A problem of the robot, or none any more, that all viewers are told about.
    ///
    /// `id` names it; the number of problems is up to the robot's side.
    pub fn problem(&mut self, now: Instant, id: String, problem: Option<(StatusLevel, String)>) {
        let frame = match problem {
            Some((level, text)) => {
                self.asks.problems.insert(id.clone(), (level, text.clone()));
                status(level, text, id)
            }
            None if self.asks.problems.remove(&id).is_some() => super::status::withdraw(id),
            None => None,
        };
        self.broadcast_control(now, frame.as_slice());
    }

    /// The texts of the robot's problems by their ids.
    #[must_use]
    pub fn problems(&self) -> BTreeMap<String, String> {
        let problems = self.asks.problems.iter();
        problems
            .map(|(id, (_, text))| (id.clone(), text.clone()))
            .collect()
    }

    /// Tells a viewer what the robot has beside channels, after a new start.
    pub(super) fn greet_requests(&mut self, now: Instant, id: ParticipantId) {
        for frame in self.service_frames(id, None) {
            self.push_control(now, id, Some(frame));
        }
        let problems: Vec<_> = self
            .asks
            .problems
            .iter()
            .map(|(id, problem)| (id.clone(), problem.clone()))
            .collect();
        for (problem, (level, text)) in problems {
            self.push_control(now, id, status(level, text, problem));
        }
        let asks = self.participants.get(&id).map(|each| &each.asks);
        if asks.is_some_and(|asks| !asks.permission.may_send) {
            let (level, text) = (StatusLevel::Warning, MAY_NOT_SEND.to_owned());
            let notice = status(level, text, MAY_NOT_SEND_STATUS.to_owned());
            self.push_control(now, id, notice);
        }
        self.greet_graph(now, id);
        self.greet_parameters(now, id);
    }
}
