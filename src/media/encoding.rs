//! One sibling that is watched.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flume::{Receiver, RecvError, Selector, Sender};
use parking_lot::Mutex;
use remote_access_protocol::server::{message_data, StatusLevel};
use remote_access_protocol::ChannelId;
use remote_access_session::{PublisherId, Subject};
use rustix::time::{clock_gettime, ClockId};
use thiserror::Error;
use tracing::{error, warn};

use super::camera_config::CameraConfig;
use super::codec::Codec;
use super::coder::{Coder, Encoded, Origin};
use super::external_encoder::{Event, ProgramError};
use super::rate_gate::RateGate;
use crate::driver::{Answer, Command, Encoders, Message, Messages, VideoHint};
use crate::ros::{RawMessage, Ros, RosError, Subscription, Topic};

/// Frames that may wait for the encoder; a newer one takes the place of the oldest.
const QUEUE: usize = 2;
/// Frames that must be encoded before a problem counts as solved.
const SOLVED_AFTER: u32 = 30;
/// Least time between two problems that are told of.
const TELL_INTERVAL: Duration = Duration::from_secs(1);

/// A sibling cannot be encoded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EncodingError {
    /// The source cannot be subscribed to.
    #[error(transparent)]
    Subscription(#[from] RosError),
    /// There is no thread for it.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// The way to those who watch.
#[derive(Clone)]
pub struct Viewers {
    /// Queue of the messages.
    pub messages: Messages,
    /// Receiver of problems.
    pub commands: Sender<Command>,
    /// Where to note what it costs.
    pub figures: Encoders,
}

/// Encodes the frames of a topic as long as it lives. Nothing comes any more once it is
/// dropped, which does not wait for the encoder.
#[must_use = "dropping it ends the encoding"]
pub struct Encoding {
    _subscription: Subscription,
    live: Arc<Mutex<bool>>,
    hint: Arc<Mutex<VideoHint>>,
}

/// A frame that waits.
struct Job {
    raw: RawMessage,
    log_time: u64,
    at: Instant,
}

impl Job {
    fn origin(&self) -> Origin {
        Origin {
            log_time: self.log_time,
            publisher: PublisherId(u128::from_le_bytes(self.raw.publisher)),
        }
    }
}

impl Encoding {
    /// Subscribes to `source` and encodes its frames for `channel`.
    ///
    /// # Errors
    /// ROS or the system refuse.
    pub fn start(
        ros: &Ros,
        source: &Topic,
        codec: Codec,
        channel: ChannelId,
        config: &CameraConfig,
        viewers: Viewers,
    ) -> Result<Self, EncodingError> {
        let (jobs, queue) = flume::bounded::<Job>(QUEUE);
        let live = Arc::new(Mutex::new(true));
        let hint = Arc::default();
        let skipped = Arc::new(AtomicU64::new(0));
        let worker = Worker {
            hint: Arc::clone(&hint),
            name: codec.topic(&source.name),
            source_type: source.type_name.clone(),
            codec,
            channel,
            config: config.clone(),
            viewers,
            live: Arc::clone(&live),
            skipped: Arc::clone(&skipped),
            problem: None,
            told_at: None,
            good: 0,
        };
        let oldest = queue.clone();
        std::thread::Builder::new()
            .name("encode".into())
            .spawn(move || worker.run(&queue))?;
        let clock = ros.clock();
        let mut gate = RateGate::new(config.max_rate(codec));
        let subscription = ros.subscribe(&source.name, &source.type_name, move |raw| {
            let at = Instant::now();
            if !gate.passes(at) {
                return;
            }
            let log_time = clock();
            let job = Job { raw, log_time, at };
            if let Err(flume::TrySendError::Full(job)) = jobs.try_send(job) {
                skipped.fetch_add(1, Ordering::Relaxed);
                let _ = oldest.try_recv();
                let _ = jobs.try_send(job);
            }
        })?;
        Ok(Self {
            _subscription: subscription,
            live,
            hint,
        })
    }

    /// Tells the encoder what viewers need.
    pub fn hint(&self, hint: VideoHint) {
        self.hint.lock().add(hint);
    }
}

impl Drop for Encoding {
    fn drop(&mut self) {
        *self.live.lock() = false;
    }
}

struct Worker {
    name: String,
    source_type: String,
    codec: Codec,
    channel: ChannelId,
    config: CameraConfig,
    viewers: Viewers,
    live: Arc<Mutex<bool>>,
    hint: Arc<Mutex<VideoHint>>,
    /// Frames that were overtaken while they waited, and are not in the figures yet.
    skipped: Arc<AtomicU64>,
    /// Problem that viewers were told last, and when.
    problem: Option<String>,
    told_at: Option<Instant>,
    /// Frames encoded since something went wrong.
    good: u32,
}

impl Worker {
    fn run(mut self, queue: &Receiver<Job>) {
        let mut coder = self.coder();
        // Ends with the subscription, which has the other end.
        while let Some(work) = next(queue, coder.events().as_ref()) {
            if !*self.live.lock() {
                break;
            }
            let is_news = matches!(work, Work::Program(_));
            let began = processor_time();
            // The encoders are the work of others, and frames come from anywhere.
            let encoded = catch_unwind(AssertUnwindSafe(|| match work {
                Work::Frame(job) => {
                    let hint = std::mem::take(&mut *self.hint.lock());
                    coder.encode(job.raw.payload(), job.origin(), job.at, hint)
                }
                Work::Program(event) => coder.take(event),
            }));
            let mut cpu = processor_time().saturating_sub(began);
            if is_news {
                cpu += coder.take_program_cpu();
            }
            let outcome = match &encoded {
                Ok(Ok(Some(encoded))) => Some(Ok(encoded.message.len())),
                Ok(Ok(None)) => None,
                Ok(Err(_)) | Err(_) => Some(Err(())),
            };
            self.note(outcome, cpu, coder.bit_rate());
            match encoded {
                Ok(Ok(Some(encoded))) => {
                    self.deliver(&encoded);
                    self.fine();
                }
                Ok(Ok(None)) => {}
                Ok(Err(error)) => self.trouble(error.to_string()),
                Err(_) => {
                    error!(
                        topic = self.name,
                        "the encoder panicked and is started anew"
                    );
                    coder = self.coder();
                    self.trouble("the encoder failed and is started anew".to_owned());
                }
            }
        }
        self.solved();
    }

    fn coder(&self) -> Coder {
        Coder::new(self.codec, &self.source_type, &self.config, Instant::now())
    }

    /// Counts a message with its size, or one that could not be encoded.
    fn note(&self, outcome: Option<Result<usize, ()>>, cpu: Duration, bit_rate: Option<u32>) {
        let live = self.live.lock();
        if !*live {
            return;
        }
        let skipped = self.skipped.swap(0, Ordering::Relaxed);
        self.viewers.figures.update(&self.name, |figures| {
            match outcome {
                Some(Ok(bytes)) => {
                    figures.messages += 1;
                    figures.bytes += bytes as u64;
                }
                Some(Err(())) => figures.failed += 1,
                None => {}
            }
            figures.skipped += skipped;
            figures.cpu += cpu;
            figures.bit_rate = bit_rate;
        });
    }

    fn deliver(&self, encoded: &Encoded) {
        let Origin {
            log_time,
            publisher,
        } = encoded.origin;
        let Some(frame) = message_data(self.channel, log_time, &encoded.message) else {
            return;
        };
        let live = self.live.lock();
        if *live {
            self.viewers.messages.push(Message::Data {
                channel: self.channel,
                publisher,
                frame,
                video_frame: encoded.video_frame,
            });
        }
    }

    fn fine(&mut self) {
        self.good = self.good.saturating_add(1);
        if self.good >= SOLVED_AFTER {
            self.solved();
        }
    }

    fn trouble(&mut self, reason: String) {
        self.good = 0;
        let lately = self.told_at.is_some_and(|at| at.elapsed() < TELL_INTERVAL);
        if self.problem.as_ref() != Some(&reason) && !lately {
            self.told_at = Some(Instant::now());
            warn!(topic = self.name, reason, "frames are not encoded");
            let text = format!("{} is not encoded: {reason}", self.name);
            self.tell(Some((StatusLevel::Warning, text)));
            self.problem = Some(reason);
        }
    }

    fn solved(&mut self) {
        if self.problem.take().is_some() {
            self.tell(None);
        }
    }

    fn tell(&self, problem: Option<(StatusLevel, String)>) {
        let about = Subject::Encoding(self.name.clone());
        // The driver is gone only at the end.
        let _ = self
            .viewers
            .commands
            .send(Command::Answer(Answer::Problem { about, problem }));
    }
}

/// What an encoder has to do next.
enum Work {
    Frame(Job),
    Program(Event),
}

/// Waits for a frame, or for news of the program that encodes; none once no frames can come.
fn next(frames: &Receiver<Job>, events: Option<&Receiver<Event>>) -> Option<Work> {
    let frame = |job: Result<Job, RecvError>| job.ok().map(Work::Frame);
    let Some(events) = events else {
        return frame(frames.recv());
    };
    let gone = |_| Event::Ended(ProgramError::Gone);
    Selector::new()
        .recv(frames, frame)
        .recv(events, |event| {
            Some(Work::Program(event.unwrap_or_else(gone)))
        })
        .wait()
}

/// The processor time of this thread.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
