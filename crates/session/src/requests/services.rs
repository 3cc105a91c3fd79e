//! The robot's services, and calls of them. Each call gets one answer, whatever happens.

use std::collections::btree_map::Entry;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::server::{BinaryMessage, ServerMessage};
use remote_access_protocol::service::{Service, ServicePayload};
use remote_access_protocol::ServiceId;
use tracing::debug;

use super::exchange::Exchange;
use super::pending::Pending;
use super::request::{Encoding, Request, RequestKey};
use crate::ids::ParticipantId;
use crate::permission::Action;

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

/// The services that exist.
#[derive(Debug)]
pub(crate) struct Services {
    services: BTreeMap<ServiceId, ServiceInfo>,
    /// The advertisements of all services, once they were asked for.
    catalogue: Option<Vec<Bytes>>,
    /// Calls that one participant may wait for.
    max_calls: usize,
}

impl Services {
    pub(crate) fn new(max_calls: usize) -> Self {
        Self {
            services: BTreeMap::new(),
            catalogue: None,
            max_calls,
        }
    }

    /// Adds services. One whose id is known is ignored: ids are never used twice.
    pub(crate) fn add(&mut self, exchange: &mut Exchange, services: Vec<ServiceInfo>) {
        self.catalogue = None;
        let mut added = Vec::with_capacity(services.len());
        for info in services {
            let id = info.service.id;
            if let Entry::Vacant(vacant) = self.services.entry(id) {
                vacant.insert(info);
                added.push(id);
            }
        }
        let frames = self.advertisements(&added);
        for id in exchange.permitted(Action::CallService) {
            for frame in &frames {
                exchange.reply(id, Some(frame.clone()));
            }
        }
    }

    /// Removes services; their calls fail. Unknown ids are ignored.
    pub(crate) fn remove(&mut self, exchange: &mut Exchange, ids: &[ServiceId]) {
        let removed: Vec<ServiceId> = ids
            .iter()
            .copied()
            .filter(|id| self.services.remove(id).is_some())
            .collect();
        if removed.is_empty() {
            return;
        }
        self.catalogue = None;
        let gone = |what: &Pending| match what {
            Pending::Call { service, .. } => removed.contains(service),
            Pending::Parameters { .. } | Pending::Asset(_) => false,
        };
        let pending = exchange.pending.iter();
        let calls: Vec<RequestKey> = pending
            .filter(|(_, what)| gone(what))
            .map(|(key, _)| key)
            .collect();
        for key in calls {
            Self::answer(exchange, key, Err("the service is gone".to_owned()));
            exchange.forward_ending(Request::Cancel(key));
        }
        let service_ids = removed;
        let frame = ServerMessage::UnadvertiseServices { service_ids }.frame();
        for id in exchange.permitted(Action::CallService) {
            exchange.reply(id, frame.clone());
        }
    }

    /// Time until a call of a service fails, if it exists.
    pub(crate) fn timeout(&self, service: ServiceId) -> Option<Duration> {
        self.services.get(&service).map(|info| info.timeout)
    }

    /// Passes on the outcome of a call: the response in the encoding of the request, or why there
    /// is none. Ignored if the call is answered already, or nobody waits for it any more.
    pub(crate) fn answer(exchange: &mut Exchange, key: RequestKey, result: Result<Bytes, String>) {
        let Some(Pending::Call {
            service,
            call,
            encoding,
        }) = exchange.pending.take(key)
        else {
            debug!(?key, "an answer that nobody waits for");
            return;
        };
        let failure = |message| {
            ServerMessage::ServiceCallFailure {
                service_id: service,
                call_id: call,
                message,
            }
            .frame()
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
                response.frame().or_else(|| {
                    failure(format!(
                        "the response of {size} bytes is over the limit of 16 MiB"
                    ))
                })
            }
            Err(reason) => failure(reason),
        };
        exchange.answer(key.participant, frame, || {
            failure("too many bytes of answers wait: the connection is too slow".to_owned())
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
        if let Err(message) = self.start(exchange, now, id, request) {
            debug!(?id, %service_id, message, "a service call is refused");
            let failure = ServerMessage::ServiceCallFailure {
                service_id,
                call_id,
                message,
            };
            exchange.reply(id, failure.frame());
        }
    }

    fn start(
        &self,
        exchange: &mut Exchange,
        now: Instant,
        id: ParticipantId,
        request: ServicePayload,
    ) -> Result<(), String> {
        exchange.allow(now, id, Action::CallService)?;
        let ServicePayload {
            service,
            call,
            encoding,
            payload,
        } = request;
        let timeout = self.timeout(service).ok_or("there is no such service")?;
        let encoding = Encoding::parse(&encoding).ok_or_else(|| {
            format!("the encoding must be \"cdr\" or \"json\", not {encoding:.32?}")
        })?;
        let limit = self.max_calls;
        let is_call = |what: &Pending| matches!(what, Pending::Call { .. });
        if exchange.pending.count(id, is_call) >= limit {
            return Err(format!("no more than {limit} calls are possible at once"));
        }
        let total = exchange.pending.iter().filter(|(_, what)| is_call(what));
        if total.count() >= MAX_CALLS {
            return Err("too many calls of all viewers".to_owned());
        }
        let is_this = |what: &Pending| match *what {
            Pending::Call {
                service: other,
                call: number,
                ..
            } => (other, number) == (service, call),
            Pending::Parameters { .. } | Pending::Asset(_) => false,
        };
        if exchange.pending.count(id, is_this) > 0 {
            return Err(format!("call {call} of this service is not answered yet"));
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
        exchange
            .forward_pending(now, id, (pending, timeout), request)
            .map_err(|busy| busy.to_string())
    }

    /// Tells a participant of all services, after a resync.
    pub(crate) fn greet(&mut self, exchange: &mut Exchange, id: ParticipantId) {
        if exchange.permits(id, Action::CallService) {
            exchange.reply_shared(id, self.catalogue());
        }
    }

    fn catalogue(&mut self) -> Vec<Bytes> {
        if self.catalogue.is_none() {
            let ids: Vec<ServiceId> = self.services.keys().copied().collect();
            self.catalogue = Some(self.advertisements(&ids));
        }
        self.catalogue.clone().unwrap_or_default()
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
