//! A viewer's byte stream to a robot.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use livekit::id::ParticipantIdentity;
use livekit::{ByteStreamWriter, Room, StreamByteOptions, StreamResult, StreamWriter};
use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::{SID_ATTRIBUTE, STREAMS_ATTRIBUTE, STREAMS_MANY, TOPIC};
use tokio::sync::{mpsc, Notify};
use tracing::debug;

/// Frames that may wait to be sent.
const MAX_WAITING: usize = 1024;
/// Bytes that may wait to be sent, 64 MiB: four frames of the longest kind.
const MAX_WAITING_BYTES: usize = 64 * 1024 * 1024;
/// Time before another attempt to open a stream.
const RETRY: Duration = Duration::from_millis(500);
/// Longest time for the end of the stream; then it is left to the end of the connection.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(700);

/// Settings of an [`Uplink`].
#[derive(Clone, Debug)]
pub struct UplinkOptions {
    /// Topic of the byte stream.
    pub topic: String,
    /// Whether to declare that any number of streams from the robot is read at once.
    pub many_streams: bool,
    /// Time between pings. `None`: no pings.
    pub ping: Option<Duration>,
    /// Bytes after which the stream is replaced by a new one.
    pub rotate_bytes: u64,
}

impl UplinkOptions {
    /// The default of [`rotate_bytes`](Self::rotate_bytes), 4 GB: receivers end a stream at
    /// 5,000,000,000 bytes.
    pub const ROTATE_BYTES: u64 = 4_000_000_000;
}

impl Default for UplinkOptions {
    /// Many streams, and a ping every 100 ms: the robot's flow control lives on the answers.
    fn default() -> Self {
        Self {
            topic: TOPIC.to_owned(),
            many_streams: true,
            ping: Some(Duration::from_millis(100)),
            rotate_bytes: Self::ROTATE_BYTES,
        }
    }
}

/// A viewer's byte stream to one robot, with pings. It is opened again when it fails and replaced
/// before it grows too long. Dropping the last clone closes it.
#[derive(Clone)]
pub struct Uplink {
    frames: mpsc::Sender<Bytes>,
    shared: Arc<Shared>,
}

struct Shared {
    resync: Notify,
    waiting_bytes: AtomicUsize,
    started: Instant,
}

impl Uplink {
    /// Opens a stream to a robot. Must be called in a Tokio runtime.
    #[must_use]
    pub fn open(room: Arc<Room>, robot: ParticipantIdentity, options: UplinkOptions) -> Self {
        let (frames, waiting) = mpsc::channel(MAX_WAITING);
        let shared = Arc::new(Shared {
            resync: Notify::new(),
            waiting_bytes: AtomicUsize::new(0),
            started: Instant::now(),
        });
        let writer = Writer {
            room,
            robot,
            options,
            shared: Arc::clone(&shared),
            stream: None,
            written: 0,
        };
        tokio::spawn(writer.run(waiting));
        Self { frames, shared }
    }

    /// Queues a frame. Returns `false` if too much is waiting already.
    pub fn send(&self, frame: Bytes) -> bool {
        let size = frame.len();
        let waiting = &self.shared.waiting_bytes;
        if waiting.load(Ordering::Relaxed) + size > MAX_WAITING_BYTES {
            return false;
        }
        waiting.fetch_add(size, Ordering::Relaxed);
        let queued = self.frames.try_send(frame).is_ok();
        if !queued {
            waiting.fetch_sub(size, Ordering::Relaxed);
        }
        queued
    }

    /// Closes the stream and opens a new one, which asks the robot for a resync: it ends its
    /// streams, opens new ones and sends everything again. What waits is sent on the new stream.
    pub fn resync(&self) {
        self.shared.resync.notify_one();
    }

    /// The time in microseconds on the clock that pings carry.
    #[must_use]
    pub fn clock(&self) -> u64 {
        self.shared.clock()
    }
}

impl Shared {
    fn clock(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

struct Writer {
    /// Kept as long as the writer: without its room the SDK panics when a stream is opened.
    room: Arc<Room>,
    robot: ParticipantIdentity,
    options: UplinkOptions,
    shared: Arc<Shared>,
    stream: Option<ByteStreamWriter>,
    written: u64,
}

impl Writer {
    /// A write in flight is never cancelled: the SDK would lose count of its chunks.
    async fn run(mut self, mut waiting: mpsc::Receiver<Bytes>) {
        let shared = Arc::clone(&self.shared);
        let period = self.options.ping.unwrap_or(Duration::from_secs(3600));
        let mut pings = tokio::time::interval(period);
        pings.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let frame = tokio::select! {
                biased;
                () = shared.resync.notified() => {
                    self.close().await;
                    continue;
                }
                _ = pings.tick(), if self.options.ping.is_some() => ping(shared.clock()),
                frame = waiting.recv() => {
                    let Some(frame) = frame else { break };
                    shared.waiting_bytes.fetch_sub(frame.len(), Ordering::Relaxed);
                    Some(frame)
                }
            };
            if let Some(frame) = frame {
                while !self.write(&frame).await {
                    if waiting.is_closed() {
                        return;
                    }
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
        self.close().await;
    }

    /// Returns `false` if the frame must be written again.
    async fn write(&mut self, frame: &Bytes) -> bool {
        match self.try_write(frame).await {
            Ok(()) => true,
            Err(error) => {
                debug!(robot = %self.robot, %error, "cannot write to the robot");
                false
            }
        }
    }

    async fn try_write(&mut self, frame: &Bytes) -> StreamResult<()> {
        let stream = match self.stream.take() {
            Some(stream) if self.written < self.options.rotate_bytes => stream,
            // The new one is opened before the old one ends, lest the robot resyncs.
            old => {
                let new = self.open().await?;
                self.written = 0;
                if let Some(old) = old {
                    debug!(robot = %self.robot, "the stream to the robot goes on as another one");
                    old.close().await?;
                }
                new
            }
        };
        stream.write(frame).await?;
        self.stream = Some(stream);
        self.written += frame.len() as u64;
        Ok(())
    }

    async fn open(&self) -> StreamResult<ByteStreamWriter> {
        let mut options = StreamByteOptions::new_with_topic(self.options.topic.clone());
        options.destination_identities = vec![self.robot.clone()];
        if self.options.many_streams {
            options
                .attributes
                .insert(STREAMS_ATTRIBUTE.to_owned(), STREAMS_MANY.to_owned());
        }
        let local = self.room.local_participant();
        options
            .attributes
            .insert(SID_ATTRIBUTE.to_owned(), local.sid().to_string());
        local.stream_bytes(options).await
    }

    async fn close(&mut self) {
        if let Some(stream) = self.stream.take() {
            // One that does not close is dropped, which is all that can be done.
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, stream.close()).await;
        }
    }
}

fn ping(timestamp: u64) -> Option<Bytes> {
    ClientMessage::Ping { timestamp }.frame()
}
