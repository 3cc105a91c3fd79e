//! Files for viewers, read beside everything else.

use std::future::Future;
use std::sync::Arc;

use remote_access_protocol::failure::RequestFailure;
use tokio::sync::Semaphore;

use super::answers::Answers;
use crate::driver::Answer;
use crate::ros::{AssetPolicy, Ros};
use remote_access_session::RequestKey;

/// Files that are read at once.
const AT_ONCE: usize = 2;

/// Reads files that the policy allows.
pub(super) struct Assets {
    ros: Arc<Ros>,
    policy: Arc<AssetPolicy>,
    answers: Answers,
    turns: Arc<Semaphore>,
}

impl Assets {
    pub(super) fn new(ros: Arc<Ros>, policy: AssetPolicy, answers: Answers) -> Self {
        Self {
            ros,
            policy: Arc::new(policy),
            answers,
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    pub(super) fn fetch(
        &self,
        key: RequestKey,
        uri: String,
    ) -> impl Future<Output = ()> + Send + 'static {
        let ros = Arc::clone(&self.ros);
        let policy = Arc::clone(&self.policy);
        let answers = self.answers.clone();
        let turns = Arc::clone(&self.turns);
        async move {
            let _turn = turns.acquire_owned().await;
            let read = tokio::task::spawn_blocking(move || ros.fetch_asset(&uri, &policy));
            let result = match read.await {
                Ok(result) => result.map_err(RequestFailure::new),
                Err(error) => Err(RequestFailure::new(error)),
            };
            answers.give_async(Answer::Asset { key, result }).await;
        }
    }
}
