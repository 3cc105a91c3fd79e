//! Parameters of the robot: reading, setting and watching them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use remote_access_protocol::parameter::Parameter;
use remote_access_protocol::server::{ServerMessage, StatusLevel};

use super::exchange::Exchange;
use super::pending::Pending;
use super::request::{size_of_parameter, Request, RequestKey};
use crate::audit::Act;
use crate::ids::ParticipantId;
use crate::permission::{Action, Permission};
use crate::status::status;

/// Requests about parameters that one participant may wait for.
const MAX_REQUESTS: usize = 32;
/// Names that one participant may watch, beside all.
const MAX_WATCHED: usize = 10_000;
/// Bytes of the names that one participant may watch: about 100 for each.
const MAX_WATCHED_BYTES: usize = 1 << 20;
/// Longest name that can be watched. Names of nodes have 255 bytes at most, and parameters hardly more.
const MAX_NAME: usize = 512;
/// Longest id of a request, which is remembered until it is answered.
const MAX_ID: usize = 256;
/// Names in one request. All that may be watched are read by one request after a resync; who
/// wants more than that names none, and gets all.
const MAX_NAMES: usize = MAX_WATCHED;
/// The robot's side has its own, shorter limits: this is for one that does not answer at all.
const TIMEOUT: Duration = Duration::from_secs(60);
/// A message with values holds about this many bytes at most.
const VALUES_BATCH: usize = 4 << 20;

/// The parameters that participants watch.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    /// Without those that watch nothing.
    watched: BTreeMap<ParticipantId, WatchedParameters>,
    /// Whether the robot's side was told that somebody watches.
    watching: bool,
}

/// The parameters that one participant watches.
#[derive(Debug, Default)]
struct WatchedParameters {
    all: bool,
    names: BTreeSet<String>,
    /// Bytes of the names.
    bytes: usize,
}

impl WatchedParameters {
    /// Remembers a name, if there is room for it or it is known.
    fn add(&mut self, name: String) -> bool {
        if self.names.contains(&name) {
            return true;
        }
        let bytes = self.bytes + name.len();
        if name.len() > MAX_NAME || self.names.len() >= MAX_WATCHED || bytes > MAX_WATCHED_BYTES {
            return false;
        }
        self.bytes = bytes;
        self.names.insert(name)
    }

    fn remove(&mut self, name: &str) {
        if self.names.remove(name) {
            self.bytes -= name.len();
        }
    }

    /// The names for a request that reads all that is watched: none if that is all parameters.
    fn names(&self) -> Vec<String> {
        if self.all {
            Vec::new()
        } else {
            self.names.iter().cloned().collect()
        }
    }

    fn is_empty(&self) -> bool {
        !self.all && self.names.is_empty()
    }

    fn has(&self, name: &str) -> bool {
        self.all || self.names.contains(name)
    }
}

impl Parameters {
    pub(crate) fn get(
        &self,
        exchange: &mut Exchange,
        now: Instant,
        id: ParticipantId,
        mut names: Vec<String>,
        request_id: Option<String>,
    ) {
        // A node would answer each repetition with the value anew.
        names.sort_unstable();
        names.dedup();
        if exchange.allow(now, id, Action::GetParameters).is_ok()
            && few_names(exchange, now, id, names.len())
        {
            let pending = Pending::Parameters {
                id: request_id,
                answer: true,
                sets: false,
            };
            if !names.is_empty() {
                names.retain(|name| {
                    let action = Action::GetParameter { name };
                    exchange.allow(now, id, action).is_ok()
                });
                // No names would mean all.
                if names.is_empty() {
                    forward_nothing(exchange, now, id, pending);
                    return;
                }
            }
            forward(exchange, now, id, pending, |key| Request::GetParameters {
                key,
                names,
            });
        }
    }

    pub(crate) fn set(
        &self,
        exchange: &mut Exchange,
        now: Instant,
        id: ParticipantId,
        mut parameters: Vec<Parameter>,
        request_id: Option<String>,
    ) {
        if exchange.allow(now, id, Action::SetParameters).is_ok()
            && few_names(exchange, now, id, parameters.len())
        {
            let pending = Pending::Parameters {
                answer: request_id.is_some(),
                id: request_id,
                sets: true,
            };
            parameters.retain(|parameter| {
                let name = &parameter.name;
                exchange
                    .allow(now, id, Action::SetParameter { name })
                    .is_ok()
            });
            if parameters.is_empty() {
                forward_nothing(exchange, now, id, pending);
                return;
            }
            let names: Vec<String> = parameters.iter().map(|each| each.name.clone()).collect();
            let forwarded = forward(exchange, now, id, pending, |key| Request::SetParameters {
                key,
                parameters,
            });
            if forwarded {
                for name in &names {
                    exchange.audit(now, id, Act::Sets(name));
                }
            }
        }
    }

    pub(crate) fn watch(
        &mut self,
        exchange: &mut Exchange,
        now: Instant,
        id: ParticipantId,
        names: Vec<String>,
    ) {
        if exchange
            .allow(now, id, Action::SubscribeParameters)
            .is_err()
        {
            return;
        }
        let watched = self.watched.entry(id).or_default();
        watched.all |= names.is_empty();
        let mut left_out = 0;
        for name in names {
            left_out += usize::from(!watched.add(name));
        }
        self.update_watching(exchange);
        if left_out > 0 {
            let text = format!(
                "{left_out} parameters are not watched: no more than {MAX_WATCHED} can be by name, \
                 with {MAX_NAME} bytes each and {MAX_WATCHED_BYTES} in all"
            );
            let status_id = "parameters-watched".to_owned();
            exchange.notice(now, id, StatusLevel::Error, text, status_id);
        }
    }

    /// Ends the watching of these, or of all.
    pub(crate) fn unwatch(&mut self, exchange: &mut Exchange, id: ParticipantId, names: &[String]) {
        let Some(watched) = self.watched.get_mut(&id) else {
            return;
        };
        if names.is_empty() {
            *watched = WatchedParameters::default();
        }
        for name in names {
            watched.remove(name);
        }
        self.update_watching(exchange);
    }

    /// Passes on the values that a participant asked for, or those after it set some. Ignored if
    /// nobody waits.
    pub(crate) fn answer(exchange: &mut Exchange, key: RequestKey, mut parameters: Vec<Parameter>) {
        let Some(Pending::Parameters {
            id, answer: true, ..
        }) = exchange.pending.take(key)
        else {
            return;
        };
        let permission = exchange.permission(key.participant);
        parameters.retain(|parameter| permission.is_some_and(|each| may_read(each, parameter)));
        let frame = ServerMessage::ParameterValues { parameters, id }.frame();
        let too_large = || {
            let text = "the values of the parameters are too large for one message".to_owned();
            status(StatusLevel::Error, text, "parameters-size".to_owned())
        };
        exchange.answer(key.participant, frame.or_else(too_large), too_large);
    }

    /// Tells a participant that a parameter was not set, or could not be read.
    pub(crate) fn failed(
        exchange: &mut Exchange,
        now: Instant,
        key: RequestKey,
        name: &str,
        reason: &str,
    ) {
        let text = format!("parameter {name}: {reason}");
        let status_id = format!("parameter-{name}");
        exchange.notice(now, key.participant, StatusLevel::Error, text, status_id);
    }

    /// Tells those who watch parameters that they have changed.
    pub(crate) fn changed(&self, exchange: &mut Exchange, changed: &[Parameter]) {
        for (&id, watched) in &self.watched {
            let Some(permission) = exchange.permission(id) else {
                continue;
            };
            let of_interest = changed
                .iter()
                .filter(|each| watched.has(&each.name) && may_read(permission, each));
            for parameters in batches(of_interest) {
                let message = ServerMessage::ParameterValues {
                    parameters,
                    id: None,
                };
                exchange.reply(id, message.frame());
            }
        }
    }

    /// Reads what a participant watches, since it may have missed changes before a resync.
    pub(crate) fn greet(&self, exchange: &mut Exchange, now: Instant, id: ParticipantId) {
        if let Some(watched) = self.watched.get(&id) {
            let names = watched.names();
            let pending = Pending::Parameters {
                id: None,
                answer: true,
                sets: false,
            };
            forward(exchange, now, id, pending, |key| Request::GetParameters {
                key,
                names,
            });
        }
    }

    /// Ends what a participant may not do any more.
    pub(crate) fn end_forbidden(&mut self, exchange: &mut Exchange, id: ParticipantId) {
        if !exchange.permits(id, Action::SubscribeParameters) {
            self.watched.remove(&id);
        }
        self.update_watching(exchange);
        let forbidden = |exchange: &Exchange, what: &Pending| match what {
            Pending::Parameters { sets: true, .. } => !exchange.permits(id, Action::SetParameters),
            Pending::Parameters { .. } => !exchange.permits(id, Action::GetParameters),
            Pending::Call { .. } | Pending::Asset { .. } => false,
        };
        for key in exchange.waiting(id, forbidden) {
            Self::answer(exchange, key, Vec::new());
            exchange.forward_ending(Request::Cancel(key));
        }
    }

    /// Tells the robot's side whether anybody watches.
    fn update_watching(&mut self, exchange: &mut Exchange) {
        self.watched.retain(|_, watched| !watched.is_empty());
        let watching = !self.watched.is_empty();
        if std::mem::replace(&mut self.watching, watching) != watching {
            exchange.forward_ending(Request::WatchParameters(watching));
        }
    }
}

/// Whether a request names so few parameters that it is passed on. If not the participant is told.
fn few_names(exchange: &mut Exchange, now: Instant, id: ParticipantId, count: usize) -> bool {
    if count > MAX_NAMES {
        let text = format!(
            "a request for {count} parameters is refused: no more than {MAX_NAMES} can be named"
        );
        let status_id = "parameters-names".to_owned();
        exchange.notice(now, id, StatusLevel::Error, text, status_id);
    }
    count <= MAX_NAMES
}

/// Whether somebody may know a parameter's value.
fn may_read(permission: &Permission, parameter: &Parameter) -> bool {
    let name = &parameter.name;
    permission.check(Action::GetParameter { name }).is_ok()
}

/// Answers a request of which nothing is left.
fn forward_nothing(exchange: &mut Exchange, now: Instant, id: ParticipantId, pending: Pending) {
    let key = exchange.pending.add(now, id, pending, TIMEOUT);
    Parameters::answer(exchange, key, Vec::new());
}

/// Returns whether the request was passed on; if not the participant is told why.
fn forward(
    exchange: &mut Exchange,
    now: Instant,
    id: ParticipantId,
    pending: Pending,
    request: impl FnOnce(RequestKey) -> Request,
) -> bool {
    let is_one = |what: &Pending| matches!(what, Pending::Parameters { .. });
    let long_id = matches!(&pending, Pending::Parameters { id: Some(id), .. } if id.len() > MAX_ID);
    let reason = if exchange.pending.count(id, is_one) >= MAX_REQUESTS {
        format!("no more than {MAX_REQUESTS} requests for parameters are possible at once")
    } else if long_id {
        format!("the id of a request for parameters has more than {MAX_ID} bytes")
    } else {
        match exchange.forward_pending(now, id, (pending, TIMEOUT), request) {
            Ok(()) => return true,
            Err(busy) => busy.to_string(),
        }
    };
    let status_id = "parameters".to_owned();
    exchange.notice(now, id, StatusLevel::Error, reason, status_id);
    false
}

/// Parameters in as many messages as their sizes need.
fn batches<'a>(parameters: impl Iterator<Item = &'a Parameter>) -> Vec<Vec<Parameter>> {
    let mut batches = Vec::new();
    let mut batch = Vec::new();
    let mut size = 0;
    for parameter in parameters {
        size += size_of_parameter(parameter);
        batch.push(parameter.clone());
        if size > VALUES_BATCH {
            batches.push(std::mem::take(&mut batch));
            size = 0;
        }
    }
    if !batch.is_empty() {
        batches.push(batch);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permission::{NameRule, Policy, Rights};
    use remote_access_protocol::capability::Capability;
    use serde_json::Value;

    const VIEWER: ParticipantId = ParticipantId(1);

    #[test]
    fn the_robot_is_told_of_the_first_and_the_last_who_watches() {
        let now = Instant::now();
        let mut exchange = Exchange::default();
        let mut parameters = Parameters::default();
        for id in [VIEWER, ParticipantId(2)] {
            let policy = Policy::new(Capability::ALL, NameRule::default());
            exchange.join(now, id, Permission::new(policy, Rights::all()));
            parameters.watch(&mut exchange, now, id, vec!["/n.p".to_owned()]);
            parameters.watch(&mut exchange, now, id, vec![]);
        }
        parameters.unwatch(&mut exchange, VIEWER, &[]);
        assert_eq!(exchange.poll(), Some(Request::WatchParameters(true)));
        assert_eq!(exchange.poll(), None);
        exchange.leave(ParticipantId(2));
        parameters.end_forbidden(&mut exchange, ParticipantId(2));
        assert_eq!(exchange.poll(), Some(Request::WatchParameters(false)));
        assert!(parameters.watched.is_empty());
    }

    #[test]
    fn names_are_bounded_in_length_and_number() {
        let mut watched = WatchedParameters::default();
        assert!(!watched.add("a".repeat(MAX_NAME + 1)));
        let names = (0..MAX_WATCHED).map(|number| number.to_string());
        assert!(names.clone().all(|name| watched.add(name)));
        assert!(!watched.add("one more".to_owned()));
        assert!(watched.add("1".to_owned()), "it is known");
        names.for_each(|name| watched.remove(&name));
        assert!(watched.is_empty() && watched.bytes == 0);
    }

    #[test]
    fn large_values_come_in_several_messages() {
        let large = Parameter {
            name: "/n.p".to_owned(),
            value: Some(Value::String("a".repeat(VALUES_BATCH / 2))),
            kind: None,
        };
        let sizes = |count| {
            batches(vec![large.clone(); count].iter())
                .iter()
                .map(Vec::len)
                .collect::<Vec<_>>()
        };
        assert_eq!(sizes(0), [0; 0]);
        assert_eq!(sizes(1), [1]);
        assert_eq!(sizes(5), [2, 2, 1]);
    }
}
