//! A video that a program of its own encodes: which message each frame is of, and when the program starts anew.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use flume::Receiver;
use remote_access_media::{Coded, FrameRate, Planes, Stamp, StreamFormat};

use super::external_encoder::{Event, ExternalEncoder, ProgramError};

/// A program that has encoded nothing of what it was given for so long is started anew; the first
/// frame of hardware that has to be set up takes longer.
const STALLED_AFTER: Duration = Duration::from_secs(3);
const STARTED_WITHIN: Duration = Duration::from_secs(10);
/// Time until a program that failed is started anew; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Frames after which a program counts as one that works.
const WORKS_AFTER: u32 = 30;
/// Least time that a program runs before it is started anew for a key frame, which it cannot be asked for.
const KEY_FRAME_PACE: Duration = Duration::from_secs(2);

/// A frame that the program was given.
#[derive(Debug)]
pub(super) struct Given<T> {
    pub(super) stamp: Stamp,
    pub(super) frame_id: String,
    /// The message that it came with.
    pub(super) origin: T,
    at: Instant,
}

/// Encodes frames by a program.
pub(super) struct ExternalVideo<T> {
    command: Vec<String>,
    key_frame_interval: Duration,
    running: Option<ExternalEncoder>,
    /// Frames that the program has, oldest first.
    given: VecDeque<Given<T>>,
    rate: FrameRate,
    start: Instant,
    wants_key_frame: bool,
    key_frame_at: Instant,
    /// When a program that failed may start again, and how long that was.
    not_before: Instant,
    pause: Duration,
    /// Frames of this program.
    coded: u32,
    /// Processor time that programs took, up to what was asked last.
    cpu: Duration,
}

impl<T> ExternalVideo<T> {
    pub(super) fn new(command: Vec<String>, key_frame_interval: Duration, now: Instant) -> Self {
        Self {
            command,
            key_frame_interval,
            running: None,
            given: VecDeque::new(),
            rate: FrameRate::default(),
            start: now,
            wants_key_frame: false,
            key_frame_at: now,
            not_before: now,
            pause: FIRST_PAUSE,
            coded: 0,
            cpu: Duration::ZERO,
        }
    }

    /// Asks for a key frame.
    pub(super) fn request_key_frame(&mut self) {
        self.wants_key_frame = true;
    }

    /// Gives the program a frame, unless it is busy; starts one if there is none for its format.
    pub(super) fn give(
        &mut self,
        planes: &Planes,
        bit_rate: u32,
        (stamp, frame_id, origin): (Stamp, &str, T),
        at: Instant,
    ) -> Result<(), ProgramError> {
        self.rate.seen(at.saturating_duration_since(self.start));
        let oldest = self.given.front().map(|given| given.at);
        let patience = if self.coded == 0 {
            STARTED_WITHIN
        } else {
            STALLED_AFTER
        };
        if oldest.is_some_and(|given| at.saturating_duration_since(given) > patience) {
            self.failed(at);
            return Err(ProgramError::Stalled(patience));
        }
        let format = StreamFormat {
            width: planes.width,
            height: planes.height,
            bit_rate,
            frame_rate: self.rate.per_second(),
        };
        let since_key_frame = at.saturating_duration_since(self.key_frame_at);
        let is_late = self.wants_key_frame && self.coded > 0 && since_key_frame >= KEY_FRAME_PACE;
        let fits = |running: &ExternalEncoder| running.format.serves(&format) && !is_late;
        if !self.running.as_ref().is_some_and(fits) {
            if at < self.not_before {
                return Ok(());
            }
            self.stop();
            let frames = self.key_frame_interval.as_secs_f32() * format.frame_rate;
            let started = ExternalEncoder::start(&self.command, format, (frames as u32).max(1));
            self.key_frame_at = at;
            match started {
                Ok(encoder) => self.running = Some(encoder),
                Err(error) => {
                    self.failed(at);
                    let program = self.command.first().cloned().unwrap_or_default();
                    return Err(ProgramError::Start { program, error });
                }
            }
        }
        if self
            .running
            .as_ref()
            .is_some_and(|running| running.give(planes))
        {
            self.given.push_back(Given {
                stamp,
                frame_id: frame_id.to_owned(),
                origin,
                at,
            });
        }
        Ok(())
    }

    /// What comes of the program that runs.
    pub(super) fn events(&self) -> Option<&Receiver<Event>> {
        self.running.as_ref().map(ExternalEncoder::events)
    }

    /// The frame of which news came, which is none where it is the first of what was not asked for.
    pub(super) fn take(
        &mut self,
        event: Event,
        now: Instant,
    ) -> Result<Option<(Given<T>, Coded)>, ProgramError> {
        match event {
            Event::Coded(coded) => {
                self.coded += 1;
                if self.coded >= WORKS_AFTER {
                    self.pause = FIRST_PAUSE;
                }
                if coded.is_key_frame {
                    self.wants_key_frame = false;
                    self.key_frame_at = now;
                }
                Ok(self.given.pop_front().map(|given| (given, coded)))
            }
            Event::Ended(error) => {
                self.failed(now);
                Err(error)
            }
        }
    }

    /// Processor time that the program took since this was asked last.
    pub(super) fn take_cpu(&mut self) -> Duration {
        let total = self.running.as_ref().and_then(ExternalEncoder::cpu);
        let total = total.unwrap_or(self.cpu);
        let since = total.saturating_sub(self.cpu);
        self.cpu = total;
        since
    }

    fn failed(&mut self, now: Instant) {
        self.stop();
        self.not_before = now + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    fn stop(&mut self) {
        self.running = None;
        self.given.clear();
        (self.coded, self.cpu) = (0, Duration::ZERO);
    }
}
