//! The handler of viewers' requests: carries them out at once, or by a task if it may take time.

use std::collections::HashMap;
use std::future::Future;

use flume::{Receiver, Selector};
use remote_access_protocol::failure::RequestFailure;
use remote_access_protocol::ServiceId;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::answers::Answers;
use super::assets::Assets;
use super::burst::burst;
use super::calls::Calls;
use super::diagnostics::Diagnostics;
use super::parameters::Parameters;
use super::publishing::Publishing;
use super::watching::Watching;
use crate::driver::Answer;
use crate::ros::ServiceEvent;
use remote_access_session::{Request, RequestKey};

/// Tasks after which those that are done are forgotten.
const TASKS: usize = 128;

/// Runs on a thread of its own until the driver is gone and its last request is done.
pub(super) struct RequestHandler {
    pub runtime: Handle,
    pub answers: Answers,
    pub publishing: Publishing,
    pub calls: Calls,
    pub parameters: Parameters,
    pub assets: Assets,
    pub watching: Watching,
    pub _diagnostics: Option<Diagnostics>,
    pub tasks: HashMap<RequestKey, Task>,
}

/// Something that is being done for a viewer.
pub(super) struct Task {
    handle: AbortHandle,
    /// The service that it calls.
    calls: Option<ServiceId>,
}

enum Wake {
    Request(Request),
    Service(ServiceEvent),
    Time,
    Stop,
}

impl RequestHandler {
    pub(super) fn run(mut self, requests: &Receiver<Request>, services: &Receiver<ServiceEvent>) {
        let mut services_end = false;
        loop {
            let deadlines = [self.publishing.end_idle(), self.calls.expire_unresponsive()];
            let deadline = deadlines.into_iter().flatten().min();
            let selector = Selector::new().recv(requests, |request| {
                request.map_or(Wake::Stop, Wake::Request)
            });
            let selector = if services_end {
                selector
            } else {
                selector.recv(services, |event| event.map_or(Wake::Time, Wake::Service))
            };
            let wake = match deadline {
                Some(deadline) => selector.wait_deadline(deadline).unwrap_or(Wake::Time),
                None => selector.wait(),
            };
            match wake {
                Wake::Stop => return self.publishing.finish(),
                Wake::Request(request) => self.request(request),
                Wake::Service(first) => {
                    self.calls.service_events(burst(first, services));
                }
                Wake::Time => services_end = services.is_disconnected(),
            }
        }
    }

    fn request(&mut self, request: Request) {
        match request {
            Request::Advertise {
                key,
                topic,
                type_name,
                encoding,
            } => self.publishing.advertise(key, topic, type_name, encoding),
            Request::Publish { key, message } => self.publishing.publish(key, &message),
            Request::Stop { key } => self.publishing.stop(key),
            Request::Unadvertise { key } => self.publishing.unadvertise(key),
            Request::Call {
                key,
                service,
                encoding,
                payload,
            } => {
                let call = self.calls.call(service, encoding, payload);
                let answers = self.answers.clone();
                let task = async move {
                    let result = call.await.map_err(RequestFailure::new);
                    answers.give_async(Answer::Service { key, result }).await;
                };
                self.start(key, Some(service), task);
            }
            Request::Cancel(key) => {
                self.end(key);
            }
            Request::Overdue(key) => {
                if let Some(service) = self.end(key) {
                    self.calls.overdue(service);
                }
            }
            Request::GetParameters { key, names } => {
                let task = self.parameters.get(key, names);
                self.spawn(key, task);
            }
            Request::SetParameters { key, parameters } => {
                let task = self.parameters.set(key, parameters);
                self.spawn(key, task);
            }
            Request::WatchParameters(watch) => self.parameters.watch(&self.runtime, watch),
            Request::WatchGraph(watch) => self.watching.watch_graph(&self.runtime, watch),
            Request::FetchAsset { key, uri } => {
                let task = self.assets.fetch(key, uri);
                self.spawn(key, task);
            }
        }
    }

    fn spawn(&mut self, key: RequestKey, task: impl Future<Output = ()> + Send + 'static) {
        self.start(key, None, task);
    }

    fn start(
        &mut self,
        key: RequestKey,
        calls: Option<ServiceId>,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        if self.tasks.len() >= TASKS {
            self.tasks.retain(|_, task| !task.handle.is_finished());
        }
        let handle = self.runtime.spawn(task).abort_handle();
        self.tasks.insert(key, Task { handle, calls });
    }

    /// Ends a task. Returns the service that it was still calling.
    fn end(&mut self, key: RequestKey) -> Option<ServiceId> {
        let task = self.tasks.remove(&key)?;
        if task.handle.is_finished() {
            return None;
        }
        task.handle.abort();
        task.calls
    }
}
