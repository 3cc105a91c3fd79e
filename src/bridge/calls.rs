//! Services for viewers: what is advertised, and calls.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::server::StatusLevel;
use remote_access_protocol::service::{Service, ServiceSchema};
use remote_access_protocol::ServiceId;
use tokio::sync::OnceCell;
use tracing::{debug, info, warn};

use super::answers::Answers;
use super::robot_config::CallTimeouts;
use super::unresponsive::UnresponsiveServices;
use crate::driver::{Answer, Command};
use crate::ros::{
    CallError, Ros, RosError, Schema, Service as RosService, ServiceClient, ServiceEvent,
};
use remote_access_session::{Encoding, ServiceInfo, Subject};

/// The services that viewers may call.
pub(super) struct Calls {
    ros: Arc<Ros>,
    answers: Answers,
    timeouts: CallTimeouts,
    services: HashMap<ServiceId, Arc<Callee>>,
    ids: HashMap<String, ServiceId>,
    unresponsive: Arc<UnresponsiveServices>,
    next_id: u32,
}

/// Why a viewer's call has no response.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServiceError {
    #[error("the service is gone")]
    Gone,
    #[error(transparent)]
    Client(#[from] RosError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("the bridge is stopping")]
    Stopping,
}

/// A service with its client, which is made for the first call.
struct Callee {
    name: String,
    type_name: String,
    client: OnceCell<ServiceClient>,
}

impl Calls {
    pub(super) fn new(ros: Arc<Ros>, answers: Answers, timeouts: CallTimeouts) -> Self {
        Self {
            ros,
            unresponsive: Arc::new(UnresponsiveServices::new(answers.clone())),
            answers,
            timeouts,
            services: HashMap::new(),
            ids: HashMap::new(),
            next_id: 1,
        }
    }

    /// Tells viewers about services that come and go.
    pub(super) fn service_events(&mut self, events: Vec<ServiceEvent>) {
        let mut added = Vec::new();
        let mut gone = 0;
        for event in events {
            match event {
                ServiceEvent::Added(service) => added.push(self.add(service)),
                ServiceEvent::Removed { name, .. } => {
                    self.advertise(std::mem::take(&mut added));
                    gone += usize::from(self.remove(&name));
                }
                ServiceEvent::Problem { service, reason } => {
                    warn!(service, %reason, "the service is not offered");
                    let text = format!("{service} cannot be offered: {reason}");
                    self.problem(&service, Some((StatusLevel::Warning, text)));
                }
                ServiceEvent::Solved { service } => {
                    info!(service, "the service can be offered now");
                    self.problem(&service, None);
                }
            }
        }
        self.advertise(added);
        if gone > 0 {
            info!(count = gone, "services have gone");
        }
    }

    fn problem(&self, service: &str, problem: Option<(StatusLevel, String)>) {
        let about = Subject::Service(service.to_owned());
        self.answers.give(Answer::Problem { about, problem });
    }

    fn add(&mut self, service: RosService) -> ServiceInfo {
        let id = ServiceId(self.next_id);
        self.next_id += 1;
        let info = service_info(id, &service, self.timeouts.of(&service.name));
        self.ids.insert(service.name.clone(), id);
        let callee = Callee {
            name: service.name,
            type_name: service.type_name,
            client: OnceCell::new(),
        };
        self.services.insert(id, Arc::new(callee));
        info
    }

    fn advertise(&self, services: Vec<ServiceInfo>) {
        if !services.is_empty() {
            info!(count = services.len(), "offering services");
            self.answers.command(Command::AddServices(services));
        }
    }

    /// Returns `false` if it was not offered.
    fn remove(&mut self, name: &str) -> bool {
        let Some(id) = self.ids.remove(name) else {
            return false;
        };
        debug!(service = name, "the service has gone");
        self.services.remove(&id);
        self.unresponsive.forget(id);
        self.answers.command(Command::RemoveServices(vec![id]));
        true
    }

    /// Calls a service. The future may be dropped at any time.
    pub(super) fn call(
        &self,
        id: ServiceId,
        encoding: Encoding,
        request: Bytes,
    ) -> impl std::future::Future<Output = Result<Bytes, ServiceError>> + Send + 'static {
        let callee = self.services.get(&id).cloned();
        let ros = Arc::clone(&self.ros);
        let unresponsive = Arc::clone(&self.unresponsive);
        async move {
            let callee = callee.ok_or(ServiceError::Gone)?;
            let client = callee.client(ros).await?;
            let result = match encoding {
                Encoding::Cdr => client.call(&request).await,
                Encoding::Json => client.call_json(&request).await,
            };
            if result.is_ok() {
                unresponsive.answered(id).await;
            }
            Ok(result?)
        }
    }

    /// A call was not answered in time.
    pub(super) fn overdue(&self, id: ServiceId) {
        if let Some(callee) = self.services.get(&id) {
            let timeout = self.timeouts.of(&callee.name);
            self.unresponsive.add(id, &callee.name, timeout);
        }
    }

    /// Ends what is told of services that did not answer long ago. Returns when to call this again.
    pub(super) fn expire_unresponsive(&self) -> Option<Instant> {
        self.unresponsive.expire()
    }
}

impl Callee {
    async fn client(self: &Arc<Self>, ros: Arc<Ros>) -> Result<&ServiceClient, ServiceError> {
        let callee = Arc::clone(self);
        self.client
            .get_or_try_init(|| async move {
                let make = move || ros.service_client(&callee.name, &callee.type_name);
                let made = tokio::task::spawn_blocking(make).await;
                Ok(made.map_err(|_| ServiceError::Stopping)??)
            })
            .await
    }
}

fn service_info(id: ServiceId, service: &RosService, timeout: Duration) -> ServiceInfo {
    let schema = |name: &str, schema: &Schema| ServiceSchema {
        encoding: Encoding::Cdr.name().to_owned(),
        schema_name: format!("{}_{name}", service.type_name),
        schema_encoding: schema.encoding.to_owned(),
        schema: schema.text.to_string(),
    };
    ServiceInfo {
        service: Service {
            id,
            name: service.name.clone(),
            service_type: service.type_name.clone(),
            request: schema("Request", &service.request),
            response: schema("Response", &service.response),
        },
        timeout,
    }
}
