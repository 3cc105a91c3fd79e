//! The connection graph and simulated time, for viewers that watch them.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tracing::warn;

use super::answers::Answers;
use crate::driver::Answer;
use crate::ros::{ClockWatch, Ros, TopicFilter};
use remote_access_session::Connections;

/// Shortest time between two notes of simulated time, which may come a thousand times a second.
const TIME_INTERVAL: Duration = Duration::from_millis(20);

/// Watches for viewers.
pub(super) struct Watching {
    ros: Arc<Ros>,
    answers: Answers,
    topics: TopicFilter,
    services: TopicFilter,
    graph: Option<AbortHandle>,
    time: Option<AbortHandle>,
}

impl Watching {
    /// Tells simulated time from now on, if the node goes by it.
    /// The connection graph has what passes the filters.
    pub(super) fn new(
        ros: Arc<Ros>,
        answers: Answers,
        topics: TopicFilter,
        services: TopicFilter,
        runtime: &Handle,
    ) -> Self {
        let clock = ros.uses_sim_time().then(|| ros.watch_clock());
        let time = clock.and_then(|clock| match clock {
            Ok(clock) => Some(
                runtime
                    .spawn(tell_time(clock, answers.clone()))
                    .abort_handle(),
            ),
            Err(error) => {
                warn!(%error, "viewers will not be told simulated time");
                None
            }
        });
        Self {
            ros,
            answers,
            topics,
            services,
            graph: None,
            time,
        }
    }

    /// Begins or ends to tell of the connection graph.
    pub(super) fn watch_graph(&mut self, runtime: &Handle, watch: bool) {
        if let Some(task) = self.graph.take() {
            task.abort();
        }
        if !watch {
            return;
        }
        let connections = self
            .ros
            .watch_connections(self.topics.clone(), self.services.clone());
        let answers = self.answers.clone();
        let task = runtime.spawn(async move {
            while let Ok(graph) = connections.receiver.recv_async().await {
                let graph = Connections {
                    published: graph.published.clone(),
                    subscribed: graph.subscribed.clone(),
                    services: graph.services.clone(),
                };
                answers.give_async(Answer::Graph(graph)).await;
            }
        });
        self.graph = Some(task.abort_handle());
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        for task in [self.graph.take(), self.time.take()].into_iter().flatten() {
            task.abort();
        }
    }
}

/// Tells each time that is published, also one before the last; of many in a short while the last.
async fn tell_time(mut clock: ClockWatch, answers: Answers) {
    while clock.time.changed().await.is_ok() {
        let time = *clock.time.borrow_and_update();
        answers.give_async(Answer::Time(time)).await;
        tokio::time::sleep(TIME_INTERVAL).await;
    }
}
