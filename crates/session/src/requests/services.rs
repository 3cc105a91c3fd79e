//! The robot's services, and calls of them. Each call gets one answer, whatever happens.

use std::collections::btree_map::Entry;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::failure::RequestFailure;
use remote_access_protocol::server::{BinaryMessage, ServerMessage};
use remote_access_protocol::service::{Service, ServicePayload};
use remote_access_protocol::{CallId, ServiceId};
use tracing::debug;

use super::exchange::Exchange;
use super::pending::Pending;
use super::queue::Busy;
use super::request::{Encoding, Request, RequestKey, UnknownEncoding};
use crate::audit::Act;
use crate::catalogues::Catalogues;
use crate::ids::ParticipantId;
use crate::permission::{Action, Permission, Refusal};

/// An advertisement holds about this many bytes of schemas at most.
const ADVERTISE_BATCH: usize = 512 * 1024;
/// Calls of all participants together that are not answered yet.
const MAX_CALLS: usize = 256;

/// A service as the robot's side describes it.
#[derive(Clone, Debug)]
pub struct ServiceInfo {
    /// Description for viewers.
    pub service: Service,
    /// Time until a call of it fails.
    pub timeout: Duration,
}

/// Reason why a call has no response. The text is for the viewer's user.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("there is no such service")]
    NoService,
    #[error(transparent)]
    Encoding(#[from] UnknownEncoding),
    #[error("no more than {0} calls are possible at once")]
    TooMany(usize),
    #[error("too many calls of all viewers")]
    TooManyOfAll,
    #[error("call {0} of this service is not answered yet")]
    IdInUse(CallId),
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error("the service is gone")]
    Gone,
    #[error("the right to call the service has ended")]
    RightEnded,
    #[error("no response within {} ms", .0.as_millis())]
    Overdue(Duration),
    #[error("the response of {0} bytes is over the limit of 16 MiB")]
    TooLarge(usize),
    #[error("too many bytes of answers wait: the connection is too slow")]
    TooSlow,
}

/// The services that exist.
#[derive(Debug)]
pub(crate) struct Services {
    services: BTreeMap<ServiceId, ServiceInfo>,
    /// The advertisements of the services that a group of equal rights sees, once they were asked for.
    catalogue: Catalogues,
    /// Calls that one participant may wait for.
    max_calls: usize,
}

impl Services {
    pub(crate) fn new(max_calls: usize) -> Self {
        Self {
            services: BTreeMap::new(),
            catalogue: Catalogues::default(),
            max_calls,
        }
    }

    /// Adds services. One whose id is known is ignored: ids are never used twice.
    pub(crate) fn add(&mut self, exchange: &mut Exchange, services: Vec<ServiceInfo>) {
        self.catalogue.clear();
        let mut added = Vec::with_capacity(services.len());
        for info in services {
            let id = info.service.id;
            if let Entry::Vacant(vacant) = self.services.entry(id) {
                vacant.insert(info);
                added.push(id);
            }
        }
        let mut frames = Catalogues::default();
        let news: Vec<_> = exchange
            .permissions()
            .map(|(id, permission)| {
                let make = || self.advertisements(&self.seen_by(permission, &added));
                (id, frames.of(permission, make))
            })
            .collect();
        for (id, frames) in news {
            for frame in frames {
                exchange.reply(id, Some(frame));
            }
        }
    }

    /// Removes services; their calls fail. Unknown ids are ignored.
    pub(crate) fn remove(&mut self, exchange: &mut Exchange, ids: &[ServiceId]) {
        let known = ids.iter().copied();
        let removed: Vec<ServiceId> = known.filter(|id| self.services.contains_key(id)).collect();
        if removed.is_empty() {
            return;
        }
        self.catalogue.clear();
        let told: Vec<(ParticipantId, Vec<ServiceId>)> = exchange
            .permissions()
            .map(|(id, permission)| (id, self.seen_by(permission, &removed)))
            .collect();
        for id in &removed {
            self.services.remove(id);
        }
        let gone = |what: &Pending| match what {
            Pending::Call { service, .. } => removed.contains(service),
            Pending::Parameters { .. } | Pending::Asset { .. } => false,
        };
        let pending = exchange.pending.iter();
        let calls: Vec<RequestKey> = pending
            .filter(|(_, what)| gone(what))
            .map(|(key, _)| key)
            .collect();
        for key in calls {
            Self::answer(exchange, key, Err(RequestFailure::new(CallError::Gone)));
            exchange.forward_ending(Request::Cancel(key));
        }
        for (id, service_ids) in told {
            if !service_ids.is_empty() {
                let frame = ServerMessage::UnadvertiseServices { service_ids }.frame();
                exchange.reply(id, frame);
            }
        }
    }

    /// Those of the services that somebody may call, and so see.
    fn seen_by(&self, permission: &Permission, ids: &[ServiceId]) -> Vec<ServiceId> {
        let sees = |id: &&ServiceId| {
            self.services.get(id).is_some_and(|info| {
                let service = &info.service.name;
                permission.check(Action::CallService { service }).is_ok()
            })
        };
        ids.iter().filter(sees).copied().collect()
    }

    /// Ends calls of services that a participant may not call any more.
    pub(crate) fn end_forbidden(&self, exchange: &mut Exchange, id: ParticipantId) {
        let forbidden = |exchange: &Exchange, what: &Pending| match what {
            Pending::Call { service, .. } => self.services.get(service).is_none_or(|info| {
                let service = &info.service.name;
                !exchange.permits(id, Action::CallService { service })
            }),
            Pending::Parameters { .. } | Pending::Asset { .. } => false,
        };
        for key in exchange.waiting(id, forbidden) {
            let failure = RequestFailure::new(CallError::RightEnded);
            Self::answer(exchange, key, Err(failure));
            exchange.forward_ending(Request::Cancel(key));
        }
    }

    /// Time until a call of a service fails, if it exists.
    pub(crate) fn timeout(&self, service: ServiceId) -> Option<Duration> {
        self.services.get(&service).map(|info| info.timeout)
    }

    /// Passes on the outcome of a call: the response in the encoding of the request, or why there
    /// is none. Ignored if the call is answered already, or nobody waits for it any more.
    pub(crate) fn answer(
        exchange: &mut Exchange,
        key: RequestKey,
        result: Result<Bytes, RequestFailure>,
    ) {
        let Some(Pending::Call {
            service,
            call,
            encoding,
        }) = exchange.pending.take(key)
        else {
            debug!(?key, "an answer that nobody waits for");
            return;
        };
        let frame = match result {
            Ok(payload) => {
                let size = payload.len();
                let response = BinaryMessage::ServiceCallResponse(ServicePayload {
                    service,
                    call,
                    encoding: encoding.name().to_owned(),
                    payload,
                });
                response
                    .frame()
                    .or_else(|| failure(service, call, CallError::TooLarge(size)))
            }
            Err(reason) => failure(service, call, reason),
        };
        exchange.answer(key.participant, frame, || {
            failure(service, call, CallError::TooSlow)
        });
    }

    pub(crate) fn call(
        &self,
        exchange: &mut Exchange,
        now: Instant,
        id: ParticipantId,
        request: ServicePayload,
    ) {
        let (service_id, call_id) = (request.service, request.call);
        if let Err(error) = self.start(exchange, now, id, request) {
            debug!(?id, %service_id, %error, "a service call is refused");
            exchange.reply(id, failure(service_id, call_id, error));
        }
    }

    fn start(
        &self,
        exchange: &mut Exchange,
        now: Instant,
        id: ParticipantId,
        request: ServicePayload,
    ) -> Result<(), CallError> {
        exchange.allow(now, id, Action::CallServices)?;
        let ServicePayload {
            service,
            call,
            encoding,
            payload,
        } = request;
        // Who may not call a service does not learn that there is one.
        let info = self.services.get(&service).ok_or(CallError::NoService)?;
        let name = &info.service.name;
        let action = Action::CallService { service: name };
        if !exchange.permits(id, action) {
            exchange.audit(now, id, Act::Refused(action));
            return Err(CallError::NoService);
        }
        let timeout = info.timeout;
        let encoding = Encoding::parse(&encoding)?;
        let limit = self.max_calls;
        let is_call = |what: &Pending| matches!(what, Pending::Call { .. });
        if exchange.pending.count(id, is_call) >= limit {
            return Err(CallError::TooMany(limit));
        }
        let total = exchange.pending.iter().filter(|(_, what)| is_call(what));
        if total.count() >= MAX_CALLS {
            return Err(CallError::TooManyOfAll);
        }
        let is_this = |what: &Pending| match *what {
            Pending::Call {
                service: other,
                call: number,
                ..
            } => (other, number) == (service, call),
            Pending::Parameters { .. } | Pending::Asset { .. } => false,
        };
        if exchange.pending.count(id, is_this) > 0 {
            return Err(CallError::IdInUse(call));
        }
        let pending = Pending::Call {
            service,
            call,
            encoding,
        };
        let request = |key| Request::Call {
            key,
            service,
            encoding,
            payload,
        };
        exchange.forward_pending(now, id, (pending, timeout), request)?;
        exchange.audit(now, id, Act::Calls(name));
        Ok(())
    }

    /// Tells a participant of all services, after a resync.
    pub(crate) fn greet(&mut self, exchange: &mut Exchange, id: ParticipantId) {
        let Some(permission) = exchange.permission(id) else {
            return;
        };
        let mut catalogue = std::mem::take(&mut self.catalogue);
        let frames = catalogue.of(permission, || {
            let all: Vec<ServiceId> = self.services.keys().copied().collect();
            self.advertisements(&self.seen_by(permission, &all))
        });
        self.catalogue = catalogue;
        exchange.reply_shared(id, frames);
    }

    fn advertisements(&self, ids: &[ServiceId]) -> Vec<Bytes> {
        let mut frames = Vec::new();
        let mut services = Vec::new();
        let mut size = 0;
        for info in ids.iter().filter_map(|id| self.services.get(id)) {
            let service = &info.service;
            size += service.request.schema.len() + service.response.schema.len();
            services.push(service.clone());
            if size > ADVERTISE_BATCH {
                let services = std::mem::take(&mut services);
                frames.extend(ServerMessage::AdvertiseServices { services }.frame());
                size = 0;
            }
        }
        if !services.is_empty() {
            frames.extend(ServerMessage::AdvertiseServices { services }.frame());
        }
        frames
    }
}

fn failure(service_id: ServiceId, call_id: CallId, reason: impl Display) -> Option<Bytes> {
    let message = reason.to_string();
    ServerMessage::ServiceCallFailure {
        service_id,
        call_id,
        message,
    }
    .frame()
}
