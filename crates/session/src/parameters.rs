//! Parameters of the robot: reading, setting and watching them.

use std::time::{Duration, Instant};

use remote_access_protocol::parameter::Parameter;
use remote_access_protocol::server::{ServerMessage, StatusLevel};

use super::permission::Ask;
use super::request::{Pending, RequestKey};
use super::status::status;
use super::{ParticipantId, Request, Session};

/// Requests about parameters that one viewer may wait for.
const MAX_REQUESTS: usize = 32;
/// Names that one viewer may watch, beside all.
const MAX_WATCHED: usize = 10_000;
/// Bytes of the names that one viewer may watch: about 100 for each.
const MAX_WATCHED_BYTES: usize = 1 << 20;
/// Longest name that can be watched. Names of nodes have 255 bytes at most, and parameters hardly more.
const MAX_NAME: usize = 512;
/// Longest id of a request, which is remembered until it is answered.
const MAX_ID: usize = 256;
/// Names in one request. All that may be watched are read by one request after a new start; who
/// wants more than that names none, and gets all.
const MAX_NAMES: usize = MAX_WATCHED;
/// The robot's side has its own, shorter limits: this is for one that does not answer at all.
const TIMEOUT: Duration = Duration::from_secs(60);
/// A message with values holds about this many bytes at most.
const VALUES_BATCH: usize = 4 << 20;

impl Session {
    /// The values that a viewer asked for, or those after it set some. Ignored if nobody waits.
    pub fn parameter_values(&mut self, now: Instant, key: RequestKey, parameters: Vec<Parameter>) {
        let Some(Pending::Parameters { id, answer }) = self.asks.pending.take(key) else {
            return;
        };
        if !answer {
            return;
        }
        let frame = ServerMessage::ParameterValues {
            parameters,
            id: id.clone(),
        }
        .frame();
        let too_large = || {
            let text = "the values of the parameters are too large for one message".to_owned();
            status(StatusLevel::Error, text, "parameters-size".to_owned())
        };
        let frame = frame.or_else(too_large);
        self.answer(now, key.viewer, frame, too_large);
    }

    /// A viewer's parameter was not set, or could not be read. The answer comes besides.
    pub fn parameter_failed(&mut self, now: Instant, key: RequestKey, name: &str, reason: &str) {
        let text = format!("parameter {name}: {reason}");
        let id = format!("parameter-{name}");
        self.notice(now, key.viewer, StatusLevel::Error, text, id);
    }

    /// Parameters have changed: those who watch them are told.
    pub fn parameters_changed(&mut self, now: Instant, changed: &[Parameter]) {
        let mut frames = Vec::new();
        for (&id, participant) in &self.participants {
            let watched = &participant.asks.parameters;
            if watched.is_empty() {
                continue;
            }
            let of_interest = changed.iter().filter(|each| watched.has(&each.name));
            let mut batch: Vec<Parameter> = Vec::new();
            let mut size = 0;
            let mut batches = Vec::new();
            for parameter in of_interest {
                size += parameter.name.len() + size_of_value(parameter);
                batch.push(parameter.clone());
                if size > VALUES_BATCH {
                    batches.push(std::mem::take(&mut batch));
                    size = 0;
                }
            }
            batches.push(batch);
            for parameters in batches.into_iter().filter(|batch| !batch.is_empty()) {
                let id_of_request = None;
                let message = ServerMessage::ParameterValues {
                    parameters,
                    id: id_of_request,
                };
                frames.push((id, message.frame()));
            }
        }
        for (id, frame) in frames {
            self.push_control(now, id, frame);
        }
    }

    pub(super) fn get_parameters(
        &mut self,
        now: Instant,
        viewer: ParticipantId,
        mut names: Vec<String>,
        id: Option<String>,
    ) {
        // A node would answer each repetition with the value anew.
        names.sort_unstable();
        names.dedup();
        if self.allow(now, viewer, Ask::GetParameters).is_ok()
            && self.few_names(now, viewer, names.len())
        {
            self.ask_for_parameters(now, viewer, id, true, |key| Request::GetParameters {
                key,
                names,
            });
        }
    }

    pub(super) fn set_parameters(
        &mut self,
        now: Instant,
        viewer: ParticipantId,
        parameters: Vec<Parameter>,
        id: Option<String>,
    ) {
        if self.allow(now, viewer, Ask::SetParameters).is_ok()
            && self.few_names(now, viewer, parameters.len())
        {
            let answer = id.is_some();
            self.ask_for_parameters(now, viewer, id, answer, |key| Request::SetParameters {
                key,
                parameters,
            });
        }
    }

    /// Whether a request names so few parameters that it is passed on. If not the viewer is told.
    fn few_names(&mut self, now: Instant, viewer: ParticipantId, count: usize) -> bool {
        if count > MAX_NAMES {
            let text = format!(
                "a request for {count} parameters is refused: no more than {MAX_NAMES} can be named"
            );
            let id = "parameters-names".to_owned();
            self.notice(now, viewer, StatusLevel::Error, text, id);
        }
        count <= MAX_NAMES
    }

    fn ask_for_parameters(
        &mut self,
        now: Instant,
        viewer: ParticipantId,
        id: Option<String>,
        answer: bool,
        request: impl FnOnce(RequestKey) -> Request,
    ) {
        let is_one = |what: &Pending| matches!(what, Pending::Parameters { .. });
        let reason = if self.asks.pending.count(viewer, is_one) >= MAX_REQUESTS {
            format!("no more than {MAX_REQUESTS} requests for parameters are possible at once")
        } else if id.as_ref().is_some_and(|id| id.len() > MAX_ID) {
            format!("the id of a request for parameters has more than {MAX_ID} bytes")
        } else {
            let pending = Pending::Parameters { id, answer };
            let key = self.asks.pending.add(now, viewer, pending, TIMEOUT);
            let Err(busy) = self.asks.queue.push(request(key)) else {
                return;
            };
            self.asks.pending.take(key);
            busy.to_string()
        };
        let id = "parameters".to_owned();
        self.notice(now, viewer, StatusLevel::Error, reason, id);
    }

    pub(super) fn watch_parameters(
        &mut self,
        now: Instant,
        viewer: ParticipantId,
        names: Vec<String>,
    ) {
        if self.allow(now, viewer, Ask::SubscribeParameters).is_err() {
            return;
        }
        let Some(participant) = self.participants.get_mut(&viewer) else {
            return;
        };
        let watched = &mut participant.asks.parameters;
        watched.all |= names.is_empty();
        let mut left_out = 0;
        for name in names {
            let kept = name.len() <= MAX_NAME && watched.add(name, MAX_WATCHED, MAX_WATCHED_BYTES);
            left_out += usize::from(!kept);
        }
        self.update_watching();
        if left_out > 0 {
            let text = format!(
                "{left_out} parameters are not watched: no more than {MAX_WATCHED} can be by name, \
                 with {MAX_NAME} bytes each and {MAX_WATCHED_BYTES} in all"
            );
            let id = "parameters-watched".to_owned();
            self.notice(now, viewer, StatusLevel::Error, text, id);
        }
    }

    pub(super) fn unwatch_parameters(&mut self, viewer: ParticipantId, names: &[String]) {
        let Some(participant) = self.participants.get_mut(&viewer) else {
            return;
        };
        let watched = &mut participant.asks.parameters;
        if names.is_empty() {
            *watched = super::asks::ParameterSubscription::default();
        }
        for name in names {
            watched.remove(name);
        }
        self.update_watching();
    }

    /// A viewer that was started anew may have missed changes of what it watches.
    pub(super) fn greet_parameters(&mut self, now: Instant, viewer: ParticipantId) {
        let Some(participant) = self.participants.get(&viewer) else {
            return;
        };
        let watched = &participant.asks.parameters;
        if watched.is_empty() {
            return;
        }
        let names = if watched.all {
            Vec::new()
        } else {
            watched.names()
        };
        self.ask_for_parameters(now, viewer, None, true, |key| Request::GetParameters {
            key,
            names,
        });
    }
}

/// About the bytes of a value in JSON.
fn size_of_value(parameter: &Parameter) -> usize {
    use serde_json::Value;
    fn size(value: &Value) -> usize {
        match value {
            Value::String(text) => text.len() + 2,
            Value::Array(values) => values.iter().map(|value| size(value) + 1).sum(),
            _ => 20,
        }
    }
    parameter.value.as_ref().map_or(0, size)
}
