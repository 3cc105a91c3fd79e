//! Link to one robot: our stream to it, and its streams to us.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use livekit::id::ParticipantIdentity;
use livekit::ByteStreamReader;
use parking_lot::Mutex;
use remote_access_room::{BufferBudget, FrameReader, Uplink};
use tokio::task::JoinSet;
use tracing::{debug, warn};

use super::robots::{Choice, RobotId};
use crate::hub::Hub;

/// Streams of the robot that are read at once. A channel has up to four.
const MAX_STREAMS: usize = 8192;
/// Bytes of incomplete frames of all streams together, 256 MiB.
const MAX_BUFFERED: usize = 256 * 1024 * 1024;
/// Shortest time between two requests for a resync.
const RESYNC_INTERVAL: Duration = Duration::from_secs(2);
/// A robot that does not answer for so long is named to people and asked for a resync.
const PATIENCE: Duration = Duration::from_secs(5);

/// Link to one robot. Dropping it ends all streams.
pub(super) struct Link {
    robot: Choice,
    uplink: Uplink,
    readers: JoinSet<()>,
    shared: Arc<Shared>,
    created: Instant,
    resynced: Instant,
    /// Reason for the next resync, as soon as the robot may be asked again.
    due: Option<&'static str>,
}

/// State shared by the tasks that read streams.
struct Shared {
    hub: Arc<Hub>,
    budget: BufferBudget,
    broken: AtomicBool,
    answered: Mutex<Instant>,
}

impl Link {
    /// Introduces the robot to the hub.
    pub(super) fn new(uplink: Uplink, robot: Choice, hub: Arc<Hub>) -> Self {
        hub.robot_joined(&robot.name, uplink.clone());
        let now = Instant::now();
        let shared = Shared {
            hub,
            budget: BufferBudget::new(MAX_BUFFERED),
            broken: AtomicBool::new(false),
            answered: Mutex::new(now),
        };
        Self {
            robot,
            uplink,
            readers: JoinSet::new(),
            shared: Arc::new(shared),
            created: now,
            resynced: now,
            due: None,
        }
    }

    pub(super) fn identity(&self) -> &ParticipantIdentity {
        &self.robot.identity
    }

    pub(super) fn id(&self) -> RobotId {
        self.robot.id
    }

    pub(super) fn name(&self) -> &str {
        &self.robot.name
    }

    /// Takes what the room tells of the robot.
    pub(super) fn update(&mut self, robot: Choice) {
        let was_told = std::mem::replace(&mut self.robot, robot).is_told;
        if was_told || !self.robot.is_told {
            return;
        }
        self.shared.hub.robot_named(&self.robot.name);
        let is_unheard = *self.shared.answered.lock() == self.created;
        if is_unheard && self.created.elapsed() >= RESYNC_INTERVAL {
            // It was taken for an earlier visit, which was over.
            self.resync("it was not heard yet");
        }
    }

    /// Reads a stream of the robot.
    pub(super) fn read(&mut self, reader: ByteStreamReader) {
        while self.readers.try_join_next().is_some() {}
        if self.readers.len() >= MAX_STREAMS {
            warn!(robot = self.robot.name, "the robot opens too many streams");
            reader.closer().close();
            return;
        }
        self.readers.spawn(read(reader, Arc::clone(&self.shared)));
    }

    /// Asks the robot for a resync, as soon as it may be asked again.
    pub(super) fn resync(&mut self, why: &'static str) {
        if self.resynced.elapsed() < RESYNC_INTERVAL {
            self.due = Some(why);
            return;
        }
        warn!(
            robot = self.robot.name,
            why, "asking the robot for a resync"
        );
        self.due = None;
        self.resynced = Instant::now();
        self.uplink.resync();
    }

    /// Looks whether all is well, once in a while.
    pub(super) fn check(&mut self) {
        let silent = self.shared.answered.lock().elapsed() >= PATIENCE;
        let text = silent.then(|| format!("{} does not answer", self.robot.name));
        self.shared.hub.notice("silence", text);
        if self.shared.broken.swap(false, Ordering::Relaxed) {
            self.resync("a stream broke");
        } else if silent && self.resynced.elapsed() >= PATIENCE {
            self.resync("it does not answer");
        } else if let Some(why) = self.due {
            self.resync(why);
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shared.hub.notice("silence", None);
    }
}

async fn read(reader: ByteStreamReader, shared: Arc<Shared>) {
    let mut reader = FrameReader::new(reader, shared.budget.clone());
    while let Some(frame) = reader.next().await {
        match frame {
            Ok(frame) => {
                if shared.hub.robot_frame(frame).is_some() {
                    *shared.answered.lock() = Instant::now();
                }
            }
            Err(error) => {
                debug!(%error, "a stream of the robot broke");
                shared.broken.store(true, Ordering::Relaxed);
            }
        }
    }
}
