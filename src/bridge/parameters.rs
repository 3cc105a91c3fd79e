//! Parameters of all nodes, for viewers.

use std::future::Future;
use std::sync::Arc;

use remote_access_protocol::parameter::Parameter;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tracing::warn;

use super::answers::Answers;
use super::parameter_value::{from_wire, to_wire};
use crate::driver::Answer;
use crate::ros::ParameterClient;
use remote_access_session::RequestKey;

/// Reads, sets and watches parameters.
pub(super) struct Parameters {
    client: Arc<ParameterClient>,
    answers: Answers,
    watch: Option<AbortHandle>,
}

impl Parameters {
    pub(super) fn new(client: Arc<ParameterClient>, answers: Answers) -> Self {
        Self {
            client,
            answers,
            watch: None,
        }
    }

    /// Reads parameters; no names mean all. Those that are unknown or not set are left out.
    pub(super) fn get(
        &self,
        key: RequestKey,
        names: Vec<String>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let client = Arc::clone(&self.client);
        let answers = self.answers.clone();
        async move {
            let found = client.get(names).await;
            if found.cut {
                let failure = Answer::ParameterFailed {
                    key,
                    name: "request".to_owned(),
                    reason: "only values of 8 MiB in all are given; name fewer parameters"
                        .to_owned(),
                };
                answers.give_async(failure).await;
            }
            let parameters = found.entries.into_iter().map(to_wire).collect();
            answers
                .give_async(Answer::Parameters { key, parameters })
                .await;
        }
    }

    /// Sets parameters and reads what has become of them.
    pub(super) fn set(
        &self,
        key: RequestKey,
        parameters: Vec<Parameter>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let client = Arc::clone(&self.client);
        let answers = self.answers.clone();
        async move {
            let names: Vec<String> = parameters.iter().map(|each| each.name.clone()).collect();
            let mut failures = Vec::new();
            let mut values = Vec::new();
            for parameter in parameters {
                match from_wire(&parameter) {
                    Ok(value) => values.push((parameter.name, value)),
                    Err(reason) => failures.push((parameter.name, reason.to_string())),
                }
            }
            for (name, result) in client.set(values).await {
                if let Err(reason) = result {
                    failures.push((name, reason.to_string()));
                }
            }
            for (name, reason) in failures {
                let failure = Answer::ParameterFailed { key, name, reason };
                answers.give_async(failure).await;
            }
            // No names would mean all.
            let parameters = if names.is_empty() {
                Vec::new()
            } else {
                let found = client.get(names).await;
                found.entries.into_iter().map(to_wire).collect()
            };
            answers
                .give_async(Answer::Parameters { key, parameters })
                .await;
        }
    }

    /// Begins or ends to tell of changes.
    pub(super) fn watch(&mut self, runtime: &Handle, watch: bool) {
        if let Some(task) = self.watch.take() {
            task.abort();
        }
        if !watch {
            return;
        }
        let changes = match self.client.changes() {
            Ok(changes) => changes,
            Err(error) => {
                warn!(%error, "changes of parameters cannot be watched");
                return;
            }
        };
        let answers = self.answers.clone();
        let task = runtime.spawn(async move {
            // Takes all of it along, not the receiver alone: the subscription must live.
            let changes = changes;
            while let Ok(changed) = changes.receiver.recv_async().await {
                let changed = changed.into_iter().map(to_wire).collect();
                answers.give_async(Answer::ParametersChanged(changed)).await;
            }
        });
        self.watch = Some(task.abort_handle());
    }
}

impl Drop for Parameters {
    fn drop(&mut self) {
        if let Some(task) = self.watch.take() {
            task.abort();
        }
    }
}
