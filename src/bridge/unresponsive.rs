//! Services that were called and did not answer: viewers are told once, until it is over.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use remote_access_protocol::server::StatusLevel;
use remote_access_protocol::ServiceId;
use tracing::{info, warn};

use super::answers::Answers;
use crate::driver::Answer;
use remote_access_session::Subject;

/// A service that nobody calls again is not held against for longer than this.
const LIFETIME: Duration = Duration::from_secs(60);

/// The services that did not answer the last call.
pub(super) struct UnresponsiveServices {
    answers: Answers,
    /// Each with its name and the time of the call that it did not answer.
    services: Mutex<BTreeMap<ServiceId, (String, Instant)>>,
}

impl UnresponsiveServices {
    pub(super) fn new(answers: Answers) -> Self {
        Self {
            answers,
            services: Mutex::default(),
        }
    }

    /// A call was not answered in time.
    pub(super) fn add(&self, id: ServiceId, name: &str, timeout: Duration) {
        let entry = (name.to_owned(), Instant::now());
        if self.services.lock().insert(id, entry).is_some() {
            return;
        }
        let text = format!("{name} did not answer within {} ms", timeout.as_millis());
        warn!(service = name, ?timeout, "the service does not answer");
        self.answers.give(Answer::Problem {
            about: Subject::Service(name.to_owned()),
            problem: Some((StatusLevel::Warning, text)),
        });
    }

    /// A call was answered. For tasks.
    pub(super) async fn answered(&self, id: ServiceId) {
        let was = self.services.lock().remove(&id);
        if let Some((name, _)) = was {
            info!(service = name, "the service answers again");
            let about = Subject::Service(name);
            let over = Answer::Problem {
                about,
                problem: None,
            };
            self.answers.give_async(over).await;
        }
    }

    /// The service has gone.
    pub(super) fn forget(&self, id: ServiceId) {
        let was = self.services.lock().remove(&id);
        if let Some((name, _)) = was {
            self.withdraw(&name);
        }
    }

    /// Withdraws what was long ago. Returns when to call this again.
    pub(super) fn expire(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut over = Vec::new();
        let mut services = self.services.lock();
        services.retain(|_, (name, since)| {
            let keep = *since + LIFETIME > now;
            if !keep {
                over.push(std::mem::take(name));
            }
            keep
        });
        let next = services.values().map(|(_, since)| *since + LIFETIME).min();
        drop(services);
        for name in over {
            self.withdraw(&name);
        }
        next
    }

    fn withdraw(&self, name: &str) {
        let about = Subject::Service(name.to_owned());
        let problem = None;
        self.answers.give(Answer::Problem { about, problem });
    }
}
