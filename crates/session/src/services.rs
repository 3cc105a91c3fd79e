//! The robot's services, and calls of them. Each call gets one answer, whatever happens.

use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::server::{BinaryMessage, ServerMessage};
use remote_access_protocol::service::{Service, ServicePayload};
use remote_access_protocol::ServiceId;
use tracing::debug;

use super::permission::Ask;
use super::request::{Encoding, Pending, RequestKey};
use super::{ParticipantId, Request, Session};

/// An advertisement holds about this many bytes of schemas at most.
const ADVERTISE_BATCH: usize = 512 * 1024;
/// Calls of all viewers together that are not answered yet.
const MAX_CALLS: usize = 256;

/// A service as the robot's side describes it.
#[derive(Clone, Debug)]
pub struct ServiceInfo {
    /// What viewers are told.
    pub service: Service,
    /// Time until a call of it fails.
    pub timeout: Duration,
}

impl Session {
    /// New services. One whose id is known is ignored: ids are never used twice.
    pub fn add_services(&mut self, now: Instant, services: Vec<ServiceInfo>) {
        let mut added = Vec::with_capacity(services.len());
        for info in services {
            let id = info.service.id;
            if let std::collections::btree_map::Entry::Vacant(vacant) = self.asks.services.entry(id)
            {
                vacant.insert(info);
                added.push(id);
            }
        }
        let viewers: Vec<ParticipantId> = self.participants.keys().copied().collect();
        for viewer in viewers {
            for frame in self.service_frames(viewer, Some(&added)) {
                self.push_control(now, viewer, Some(frame));
            }
        }
    }

    /// Services that exist no more; their calls fail. Unknown ids are ignored.
    pub fn remove_services(&mut self, now: Instant, ids: &[ServiceId]) {
        let removed: Vec<ServiceId> = ids
            .iter()
            .copied()
            .filter(|id| self.asks.services.remove(id).is_some())
            .collect();
        if removed.is_empty() {
            return;
        }
        let gone = |what: &Pending| match what {
            Pending::Call { service, .. } => removed.contains(service),
            _ => false,
        };
        let calls: Vec<RequestKey> = self
            .asks
            .pending
            .iter()
            .filter(|(_, what)| gone(what))
            .map(|(key, _)| key)
            .collect();
        for key in calls {
            self.service_response(now, key, Err("the service is gone".to_owned()));
            self.request(Request::Cancel(key));
        }
        let service_ids = removed;
        let frame = ServerMessage::UnadvertiseServices { service_ids }.frame();
        for viewer in self.callers() {
            self.push_control(now, viewer, frame.clone());
        }
    }

    /// The outcome of a call: the response in the encoding of the request, or why there is none.
    /// Ignored if the call is answered already, or nobody waits for it any more.
    pub fn service_response(
        &mut self,
        now: Instant,
        key: RequestKey,
        result: Result<Bytes, String>,
    ) {
        let Some(Pending::Call {
            service,
            call,
            encoding,
        }) = self.asks.pending.take(key)
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
        self.answer(now, key.viewer, frame, || {
            failure("too many bytes of answers wait: the connection is too slow".to_owned())
        });
    }

    pub(super) fn call_service(
        &mut self,
        now: Instant,
        viewer: ParticipantId,
        request: ServicePayload,
    ) {
        let (service_id, call_id) = (request.service, request.call);
        if let Err(message) = self.start_call(now, viewer, request) {
            debug!(?viewer, %service_id, message, "a service call is refused");
            let failure = ServerMessage::ServiceCallFailure {
                service_id,
                call_id,
                message,
            };
            self.push_control(now, viewer, failure.frame());
        }
    }

    fn start_call(
        &mut self,
        now: Instant,
        viewer: ParticipantId,
        request: ServicePayload,
    ) -> Result<(), String> {
        self.allow(now, viewer, Ask::CallService)?;
        let ServicePayload {
            service,
            call,
            encoding,
            payload,
        } = request;
        let info = self.asks.services.get(&service);
        let timeout = info.ok_or("there is no such service")?.timeout;
        let encoding = Encoding::parse(&encoding).ok_or_else(|| {
            format!("the encoding must be \"cdr\" or \"json\", not {encoding:.32?}")
        })?;
        let limit = self.config.max_service_calls;
        let is_call = |what: &Pending| matches!(what, Pending::Call { .. });
        if self.asks.pending.count(viewer, is_call) >= limit {
            return Err(format!("no more than {limit} calls are possible at once"));
        }
        let total = self.asks.pending.iter().filter(|(_, what)| is_call(what));
        if total.count() >= MAX_CALLS {
            return Err("too many calls of all viewers".to_owned());
        }
        let pending = Pending::Call {
            service,
            call,
            encoding,
        };
        if self.asks.pending.of(viewer).any(|(_, what)| match what {
            Pending::Call {
                service: other,
                call: id,
                ..
            } => (*other, *id) == (service, call),
            _ => false,
        }) {
            return Err(format!("call {call} of this service is not answered yet"));
        }
        let key = self.asks.pending.add(now, viewer, pending, timeout);
        let request = Request::Call {
            key,
            service,
            encoding,
            payload,
        };
        self.asks.queue.push(request).map_err(|busy| {
            self.asks.pending.take(key);
            busy.to_string()
        })
    }

    /// The advertisements of services for one viewer: of these, or of all.
    pub(super) fn service_frames(
        &self,
        viewer: ParticipantId,
        ids: Option<&[ServiceId]>,
    ) -> Vec<Bytes> {
        let may_call = self
            .participants
            .get(&viewer)
            .is_some_and(|participant| participant.asks.permission.check(Ask::CallService).is_ok());
        let all: Vec<ServiceId>;
        let ids = match ids {
            _ if !may_call => &[],
            Some(ids) => ids,
            None => {
                all = self.asks.services.keys().copied().collect();
                &all
            }
        };
        let mut frames = Vec::new();
        let mut services = Vec::new();
        let mut size = 0;
        for info in ids.iter().filter_map(|id| self.asks.services.get(id)) {
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

    /// The viewers that know of services.
    fn callers(&self) -> Vec<ParticipantId> {
        self.participants
            .iter()
            .filter(|(_, participant)| participant.asks.permission.check(Ask::CallService).is_ok())
            .map(|(&id, _)| id)
            .collect()
    }
}
