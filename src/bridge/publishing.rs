//! Publishing for viewers: one ROS publisher for each topic and type, whoever publishes on it.

mod outlet;
mod shared;
mod stops;

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use flume::Receiver;
use tracing::info;

use super::answers::Answers;
use crate::driver::Answer;
use crate::ros::{Ros, RosError};
use outlet::Outlet;
use remote_access_session::{ClientChannelKey, Encoding};
use shared::{Retired, Shared};
use stops::{Channel, Channels};

/// A publisher that nobody uses is kept for this time: its last message, perhaps a stop, must
/// reach its subscribers, and a viewer that comes back need not wait until they are matched again.
const LINGER: Duration = Duration::from_secs(5);

/// At the end of the process the last messages, perhaps stops, are given this time to be read:
/// what is still in shared memory goes with its publisher.
const FAREWELL: Duration = Duration::from_millis(500);

/// The publishers for viewers.
pub(super) struct Publishing {
    ros: Arc<Ros>,
    answers: Answers,
    channels: Channels,
    publishers: HashMap<PublisherKey, Shared>,
    /// Publishers that were replaced.
    retired: Vec<Retired>,
    /// Publishes stops.
    stops: JoinHandle<()>,
}

/// Topic and type.
type PublisherKey = (String, String);

/// Why a viewer cannot publish on a topic.
#[derive(Debug, thiserror::Error)]
enum OpenError {
    /// Another type on the topic would not reach anybody, and the topic would be lost to those who
    /// watch it.
    #[error("the topic has the type {present}, not {wanted}")]
    OtherType { present: String, wanted: String },
    #[error(transparent)]
    Ros(#[from] RosError),
}

impl Publishing {
    /// Stops are published from now on, as they come.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub(super) fn start(
        ros: Arc<Ros>,
        answers: Answers,
        stops: Receiver<ClientChannelKey>,
    ) -> std::io::Result<Self> {
        let channels = Channels::default();
        Ok(Self {
            stops: channels.start(Arc::clone(&ros), stops)?,
            ros,
            answers,
            channels,
            publishers: HashMap::new(),
            retired: Vec::new(),
        })
    }

    pub(super) fn advertise(
        &mut self,
        key: ClientChannelKey,
        topic: String,
        type_name: String,
        encoding: Encoding,
    ) {
        let publisher = (topic, type_name);
        let outlet = match self.open(&publisher) {
            Ok(outlet) => outlet,
            Err(error) => {
                let reason = error.to_string();
                let answer = Answer::ChannelFailed { key, reason };
                self.answers.give(answer);
                return;
            }
        };
        let channel = Channel {
            publisher,
            encoding,
            outlet,
        };
        self.channels.insert(key, channel);
    }

    /// Makes a publisher, or takes the one that is there.
    fn open(&mut self, key: &PublisherKey) -> Result<Arc<Outlet>, OpenError> {
        if let Some(shared) = self.publishers.get_mut(key) {
            shared.users += 1;
            shared.idle_since = None;
            return Ok(Arc::clone(&shared.outlet));
        }
        let (topic, type_name) = key;
        let types = self.ros.types_of(topic);
        if let Some(other) = types.iter().find(|other| *other != type_name) {
            return Err(OpenError::OtherType {
                present: other.clone(),
                wanted: type_name.clone(),
            });
        }
        let shared = Shared::open(&self.ros, topic, type_name)?;
        info!(topic, type_name, "publishing for viewers");
        let outlet = Arc::clone(&shared.outlet);
        self.publishers.insert(key.clone(), shared);
        Ok(outlet)
    }

    pub(super) fn publish(&mut self, key: ClientChannelKey, message: &[u8]) {
        let Some(channel) = self.channels.use_now(key) else {
            return;
        };
        if let Some(shared) = self.publishers.get_mut(&channel.publisher) {
            let retired = shared.keep_up(&self.ros);
            self.retired.extend(retired);
        }
        let is_void = || self.channels.is_void(key);
        let result = channel.outlet.publish(channel.encoding, message, is_void);
        if let Err(error) = result {
            let reason = error.to_string();
            self.answers.give(Answer::PublishFailed { key, reason });
        }
    }

    /// The place of a stop among the requests is reached.
    pub(super) fn stop(&mut self, key: ClientChannelKey) {
        self.channels.stop_in_order(&self.ros, key);
    }

    pub(super) fn unadvertise(&mut self, key: ClientChannelKey) {
        let Some(channel) = self.channels.remove(key) else {
            return;
        };
        if let Some(shared) = self.publishers.get_mut(&channel.publisher) {
            shared.users -= 1;
            if shared.users == 0 {
                shared.idle_since = Some(Instant::now());
            }
        }
    }

    /// Ends publishers that nobody has used for a while. Returns when to call this again.
    pub(super) fn end_idle(&mut self) -> Option<Instant> {
        let now = Instant::now();
        self.publishers
            .retain(|_, shared| shared.idle_since.is_none_or(|since| since + LINGER > now));
        self.retired.retain(|retired| retired.since + LINGER > now);
        let idle = self.publishers.values().filter_map(|each| each.idle_since);
        let retired = self.retired.iter().map(|retired| retired.since);
        idle.chain(retired).min().map(|since| since + LINGER)
    }

    /// Publishes the last stops, and waits until they have been read, most probably.
    pub(super) fn finish(self) {
        // It ends with the driver, as the requests do.
        let _ = self.stops.join();
        if let Some(last) = self.channels.last_message() {
            std::thread::sleep(FAREWELL.saturating_sub(last.elapsed()));
        }
    }
}
