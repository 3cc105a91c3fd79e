//! Takes what viewers ask for and has it done: at once, or by a task if it may take time.

use std::collections::HashMap;
use std::future::Future;

use flume::{Receiver, Selector};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::answers::Answers;
use super::assets::Assets;
use super::calls::Calls;
use super::diagnostics::Diagnostics;
use super::parameters::Parameters;
use super::publishing::Publishing;
use super::watching::Watching;
use crate::livekit::Answer;
use crate::ros::ServiceEvent;
use crate::session::{Request, RequestKey};

/// Service events that are handled in one go.
const BATCH: usize = 256;
/// Tasks after which those that are done are forgotten.
const TASKS: usize = 128;

/// Runs on a thread of its own until the driver is gone and its last request is done.
pub(super) struct Desk {
    pub runtime: Handle,
    pub answers: Answers,
    pub publishing: Publishing,
    pub calls: Calls,
    pub parameters: Parameters,
    pub assets: Assets,
    pub watching: Watching,
    pub _diagnostics: Option<Diagnostics>,
    pub tasks: HashMap<RequestKey, AbortHandle>,
}

enum Wake {
    Request(Request),
    Service(ServiceEvent),
    Time,
    Stop,
}

impl Desk {
    pub fn run(mut self, requests: &Receiver<Request>, services: &Receiver<ServiceEvent>) {
        let mut services_end = false;
        loop {
            let deadline = self.publishing.end_idle();
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
                    let more = services.try_iter().take(BATCH);
                    self.calls
                        .service_events(std::iter::once(first).chain(more));
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
                self.spawn(key, async move {
                    let result = call.await;
                    answers.give_async(Answer::Service { key, result }).await;
                });
            }
            Request::Cancel(key) => {
                if let Some(task) = self.tasks.remove(&key) {
                    task.abort();
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
        if self.tasks.len() >= TASKS {
            self.tasks.retain(|_, task| !task.is_finished());
        }
        let task = self.runtime.spawn(task);
        self.tasks.insert(key, task.abort_handle());
    }
}
