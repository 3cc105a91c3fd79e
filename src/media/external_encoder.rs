//! An encoder of video that is a program of its own: raw frames in, H.264 out.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use flume::{Receiver, Sender};
use parking_lot::Mutex;
use remote_access_media::{AccessUnits, Coded, MediaError, Planes, StreamFormat};
use rustix::event::{poll, PollFd, PollFlags};
use rustix::process::{kill_process_group, Pid, Signal};
use rustix::time::Timespec;
use thiserror::Error;
use tracing::debug;

use crate::proc_stat::cpu_time;

/// Frames that may wait for the program.
const QUEUE: usize = 2;
/// Frames of the program that may wait to be delivered.
const CODED_QUEUE: usize = 8;
/// A program that writes nothing for so long has written the whole frame: it writes one at a stretch.
const PAUSE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 8_000_000,
};
/// Most characters of what the program says of itself.
const MOST_SAID: usize = 300;

/// A program that runs. It is killed once this is dropped.
#[must_use = "dropping it ends the program"]
pub(super) struct ExternalEncoder {
    /// What it was started for.
    pub(super) format: StreamFormat,
    /// The program and all that it starts, until it has ended.
    group: Arc<Mutex<Option<Pid>>>,
    frames: Sender<Vec<u8>>,
    events: Receiver<Event>,
}

/// News of a program.
#[derive(Debug)]
pub(super) enum Event {
    /// It has encoded the next frame.
    Coded(Coded),
    /// It ended, or what it writes is of no use.
    Ended(ProgramError),
}

/// A program does not encode.
#[derive(Debug, Error)]
pub(super) enum ProgramError {
    #[error("{program:?} cannot be started: {error}")]
    Start {
        program: String,
        error: std::io::Error,
    },
    #[error("it has written no frame for {} s and is started anew", .0.as_secs())]
    Stalled(Duration),
    /// What it writes is no video.
    #[error(transparent)]
    Stream(#[from] MediaError),
    /// What it writes cannot be read.
    #[error(transparent)]
    Pipe(#[from] std::io::Error),
    /// It ended by itself; `said` is the last line of its standard error.
    #[error("it ended with {status}{}{said}", if .said.is_empty() { "" } else { ": " })]
    Ended { status: String, said: String },
    /// Whoever read what it writes panicked.
    #[error("it is gone")]
    Gone,
}

impl ExternalEncoder {
    /// Starts `command` without a shell: its first word is the program. In each word `{width}`,
    /// `{height}`, `{frame_rate}`, `{bit_rate}` and `{key_frame_frames}` stand for the values of `format`, in
    /// whole numbers, and the frames between two key frames.
    pub(super) fn start(
        command: &[String],
        format: StreamFormat,
        key_frame_frames: u32,
    ) -> std::io::Result<Self> {
        let mut words = command
            .iter()
            .map(|word| filled(word, format, key_frame_frames));
        let program = words.next().unwrap_or_default();
        let mut child = Command::new(program);
        child.args(words);
        // The keys of the room are none of its business.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LIVEKIT_") {
                child.env_remove(name);
            }
        }
        let mut child = child
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Whoever stops the bridge from a terminal does not stop it first; and all that it starts ends with it.
            .process_group(0)
            .spawn()?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let group = Arc::new(Mutex::new(group));
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(said)) = pipes else {
            return Err(std::io::Error::other("no pipes"));
        };
        let (frames, waiting) = flume::bounded(QUEUE);
        let (report, events) = flume::bounded(CODED_QUEUE);
        // What is started from here on ends by the kill when this is dropped on an error.
        let encoder = Self {
            format,
            group: Arc::clone(&group),
            frames,
            events,
        };
        thread("encode_in", move || write(input, &waiting))?;
        let reader = Reader {
            child,
            output,
            group,
            listener: thread("encode_log", move || last_words(said))?,
            report,
        };
        thread("encode_out", move || reader.run())?;
        Ok(encoder)
    }

    /// Gives it a frame; false if it has not taken those before.
    pub(super) fn give(&self, planes: &Planes) -> bool {
        !self.frames.is_full()
            && self
                .frames
                .try_send([&planes.y[..], &planes.u, &planes.v].concat())
                .is_ok()
    }

    /// The processor time that it has taken, without that of what it has started.
    pub(super) fn cpu(&self) -> Option<Duration> {
        let process = (*self.group.lock())?;
        cpu_time(&format!("/proc/{}/stat", process.as_raw_nonzero()))
    }

    /// What comes of it.
    pub(super) fn events(&self) -> &Receiver<Event> {
        &self.events
    }
}

impl Drop for ExternalEncoder {
    fn drop(&mut self) {
        kill(&self.group);
    }
}

fn kill(group: &Mutex<Option<Pid>>) {
    if let Some(group) = *group.lock() {
        // It may have ended by itself.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

fn filled(word: &str, format: StreamFormat, key_frame_frames: u32) -> String {
    word.replace("{width}", &format.width.to_string())
        .replace("{height}", &format.height.to_string())
        .replace(
            "{frame_rate}",
            &format!("{:.0}", format.frame_rate.max(1.0)),
        )
        .replace("{bit_rate}", &format.bit_rate.to_string())
        .replace("{key_frame_frames}", &key_frame_frames.to_string())
}

fn thread<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<JoinHandle<T>> {
    std::thread::Builder::new().name(name.into()).spawn(run)
}

/// Writes frames until nobody has any, or nobody reads them.
fn write(mut input: ChildStdin, frames: &Receiver<Vec<u8>>) {
    while let Ok(frame) = frames.recv() {
        if input.write_all(&frame).is_err() {
            return;
        }
    }
}

/// Reads what the program says until it ends; returns the last line.
fn last_words(mut said: ChildStderr) -> String {
    let mut buffer = [0; 1_024];
    let (mut line, mut last) = (String::new(), String::new());
    while let Ok(count @ 1..) = said.read(&mut buffer) {
        for letter in String::from_utf8_lossy(&buffer[..count]).chars() {
            if letter != '\n' && letter != '\r' {
                if line.len() < MOST_SAID {
                    line.push(letter);
                }
            } else if !line.trim().is_empty() {
                debug!(line, "the encoder says");
                last = std::mem::take(&mut line);
            }
        }
    }
    if line.trim().is_empty() {
        last
    } else {
        line
    }
}

/// Reads what the program writes.
struct Reader {
    child: Child,
    output: ChildStdout,
    group: Arc<Mutex<Option<Pid>>>,
    listener: JoinHandle<String>,
    report: Sender<Event>,
}

impl Reader {
    fn run(mut self) {
        let wrong = self.read().err();
        // It is of no use any more, and must not be left behind as a zombie.
        kill(&self.group);
        let status = self.child.wait();
        *self.group.lock() = None;
        let said = self.listener.join().unwrap_or_default();
        let error = wrong.unwrap_or_else(|| ProgramError::Ended {
            status: status.map_or_else(|error| error.to_string(), |status| status.to_string()),
            said: said.trim().to_owned(),
        });
        let _ = self.report.send(Event::Ended(error));
    }

    /// Reads until the end, or until the stream is of no use.
    fn read(&mut self) -> Result<(), ProgramError> {
        let mut units = AccessUnits::default();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let coded = if units.has_slice() && self.pauses() {
                units.pause().into_iter().collect()
            } else {
                match self.output.read(&mut buffer) {
                    Ok(0) => return Ok(()),
                    Ok(count) => units.push(&buffer[..count])?,
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(error) => return Err(error.into()),
                }
            };
            for each in coded {
                // Whoever asked for it is gone.
                if self.report.send(Event::Coded(each)).is_err() {
                    return Ok(());
                }
            }
        }
    }

    fn pauses(&self) -> bool {
        let mut output = [PollFd::new(&self.output, PollFlags::IN)];
        matches!(poll(&mut output, Some(&PAUSE)), Ok(0))
    }
}
