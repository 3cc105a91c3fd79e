//! Writes what is watched to an MCAP file.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mcap::records::MessageHeader;
use mcap::{Compression, McapError, WriteOptions, Writer};
use remote_access_protocol::server::Channel;
use tracing::{error, info, warn};

/// Bytes that may wait for the disk, 256 MiB. Beyond that messages are left out and counted.
const MAX_WAITING_BYTES: usize = 256 * 1024 * 1024;
/// Uncompressed bytes of a chunk. A file that is cut off loses its last chunk.
const CHUNK_SIZE: u64 = 4 * 1024 * 1024;
/// Time after which what has come is written to the disk, though its chunk is not full.
const FLUSH_INTERVAL: Duration = Duration::from_secs(2);
/// Time between two log lines about messages that were left out.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// A recording cannot be made or finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The file cannot be created.
    #[error("cannot create {path}: {source}")]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the recording: {0}")]
    Write(#[from] McapError),
    /// The thread that writes is gone.
    #[error("the recording ended before its time")]
    Thread,
}

/// Takes messages for the file. It never waits for the disk.
#[derive(Clone)]
pub struct Recorder {
    records: Sender<Record>,
    shared: Arc<Shared>,
}

/// The thread that writes the file.
pub struct Recording {
    recorder: Recorder,
    thread: JoinHandle<Result<(), RecordError>>,
}

#[derive(Default)]
struct Shared {
    waiting_bytes: AtomicUsize,
    left_out: AtomicU64,
}

enum Record {
    Message {
        channel: Arc<Channel>,
        log_time: u64,
        message: Bytes,
    },
    Finish,
}

impl Recording {
    /// Creates the file; an existing one is not overwritten.
    pub fn create(path: &Path) -> Result<Self, RecordError> {
        let file = File::options()
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(|source| RecordError::Create {
                path: path.to_owned(),
                source,
            })?;
        let library = concat!("remote_access_viewer ", env!("CARGO_PKG_VERSION"));
        let writer = WriteOptions::new()
            .profile("ros2")
            .library(library)
            .compression(Some(Compression::Lz4))
            .chunk_size(Some(CHUNK_SIZE))
            .create(BufWriter::new(file))?;
        let (records, waiting) = mpsc::channel();
        let shared = Arc::new(Shared::default());
        let file = RecordFile {
            writer,
            channels: HashMap::new(),
            sequences: HashMap::new(),
            shared: Arc::clone(&shared),
        };
        let thread = std::thread::Builder::new()
            .name("record".to_owned())
            .spawn(move || file.run(&waiting))
            .map_err(|source| RecordError::Create {
                path: path.to_owned(),
                source,
            })?;
        info!(path = %path.display(), "recording");
        let recorder = Recorder { records, shared };
        Ok(Self { recorder, thread })
    }

    /// Writer of the messages.
    #[must_use]
    pub fn recorder(&self) -> Recorder {
        self.recorder.clone()
    }

    /// Writes what waits, and the file's end.
    pub fn finish(self) -> Result<(), RecordError> {
        // If nobody listens, the thread's result tells why.
        let _ = self.recorder.records.send(Record::Finish);
        self.thread.join().map_err(|_| RecordError::Thread)?
    }
}

impl Recorder {
    /// Records a message of a channel.
    pub fn record(&self, channel: &Arc<Channel>, log_time: u64, message: &Bytes) {
        let size = message.len();
        if self.shared.waiting_bytes.load(Ordering::Relaxed) + size > MAX_WAITING_BYTES {
            self.shared.left_out.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.shared.waiting_bytes.fetch_add(size, Ordering::Relaxed);
        let record = Record::Message {
            channel: Arc::clone(channel),
            log_time,
            message: message.clone(),
        };
        if self.records.send(record).is_err() {
            self.shared.waiting_bytes.fetch_sub(size, Ordering::Relaxed);
        }
    }
}

struct RecordFile {
    writer: Writer<BufWriter<File>>,
    /// Ids in the file by what is written of a channel: a robot that returns goes on where it was.
    channels: HashMap<ChannelKey, u16>,
    sequences: HashMap<u16, u32>,
    shared: Arc<Shared>,
}

/// Description of a channel in the file: topic, encoding, schema with encoding and name, metadata.
type ChannelKey = (
    String,
    String,
    String,
    String,
    String,
    BTreeMap<String, String>,
);

impl RecordFile {
    fn run(mut self, records: &Receiver<Record>) -> Result<(), RecordError> {
        let mut flush_at = Instant::now() + FLUSH_INTERVAL;
        let mut report_at = Instant::now();
        loop {
            let left = flush_at.saturating_duration_since(Instant::now());
            match records.recv_timeout(left) {
                Ok(Record::Message {
                    channel,
                    log_time,
                    message,
                }) => {
                    let waiting = &self.shared.waiting_bytes;
                    waiting.fetch_sub(message.len(), Ordering::Relaxed);
                    if let Err(error) = self.write(&channel, log_time, &message) {
                        error!(%error, "the recording ends here");
                        return Err(error);
                    }
                }
                Ok(Record::Finish) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = Instant::now();
            if now >= flush_at {
                flush_at = now + FLUSH_INTERVAL;
                self.writer.flush()?;
            }
            if now >= report_at {
                report_at = now + REPORT_INTERVAL;
                self.report();
            }
        }
        self.report();
        self.writer.finish()?;
        Ok(())
    }

    fn write(
        &mut self,
        channel: &Channel,
        log_time: u64,
        message: &[u8],
    ) -> Result<(), RecordError> {
        let channel_id = self.channel_id(channel)?;
        let sequence = self.sequences.entry(channel_id).or_default();
        let header = MessageHeader {
            channel_id,
            sequence: *sequence,
            log_time,
            publish_time: log_time,
        };
        *sequence = sequence.wrapping_add(1);
        self.writer.write_to_known_channel(&header, message)?;
        Ok(())
    }

    fn channel_id(&mut self, channel: &Channel) -> Result<u16, RecordError> {
        let encoding = channel.schema_encoding.clone().unwrap_or_default();
        let key = (
            channel.topic.clone(),
            channel.encoding.clone(),
            channel.schema_name.clone(),
            encoding,
            channel.schema.clone(),
            channel.metadata.clone(),
        );
        if let Some(&id) = self.channels.get(&key) {
            return Ok(id);
        }
        let schema = self
            .writer
            .add_schema(&key.2, &key.3, channel.schema.as_bytes())?;
        let id = self.writer.add_channel(
            schema,
            &channel.topic,
            &channel.encoding,
            &channel.metadata,
        )?;
        self.channels.insert(key, id);
        Ok(id)
    }

    fn report(&self) {
        let left_out = self.shared.left_out.swap(0, Ordering::Relaxed);
        if left_out > 0 {
            warn!(
                left_out,
                "the disk is too slow: messages are missing in the recording"
            );
        }
    }
}
