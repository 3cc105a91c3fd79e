//! The session: hands events on to its parts.

mod channels;
mod limits;
mod participants;
mod requests;
pub(crate) mod snapshot;
pub(crate) mod viewers;

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tracing::info;

use crate::channels::Channels;
use crate::config::SessionConfig;
use crate::ids::{ParticipantId, StreamId};
use crate::inbound::Inbound;
use crate::reports::Reports;
use crate::requests::Requests;
use crate::robot::{Robot, RobotInfo};
use crate::send::Sender;
use crate::transmit::{Event, Transmit};

/// The session. See the [crate documentation](crate).
#[derive(Debug)]
pub struct Session {
    config: Arc<SessionConfig>,
    clock: Clock,
    robot: Robot,
    channels: Channels,
    inbound: Inbound,
    requests: Requests,
    sender: Sender,
    reports: Reports,
    /// Subscriptions that were refused since there were too many.
    refused_subscriptions: u64,
    /// Messages of the robot that came faster than the session was run.
    unread_messages: u64,
}

/// The robot's clock.
#[derive(Debug)]
struct Clock {
    started: Instant,
    started_ms: u64,
}

impl Clock {
    /// The robot's clock, in milliseconds since the epoch.
    fn ms(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.started).as_millis();
        self.started_ms + u64::try_from(elapsed).unwrap_or(u64::MAX / 2)
    }
}

impl Session {
    /// Makes a session; `clock_ms` is the robot's clock at `now`, in milliseconds since the epoch.
    pub fn new(config: SessionConfig, robot: RobotInfo, now: Instant, clock_ms: u64) -> Self {
        let config = Arc::new(config);
        Self {
            clock: Clock {
                started: now,
                started_ms: clock_ms,
            },
            robot: Robot::new(robot),
            channels: Channels::new(config.latched_budget, config.unsubscribe_linger),
            inbound: Inbound::new(config.clone()),
            requests: Requests::new(&config),
            sender: Sender::new(config.clone(), now),
            reports: Reports::default(),
            refused_subscriptions: 0,
            unread_messages: 0,
            config,
        }
    }

    /// Does what is due, see [`Session::poll_timeout`].
    pub fn handle_timeout(&mut self, now: Instant) {
        for id in self.sender.due_resyncs(now) {
            info!(?id, "resyncing participant");
            self.resync(now, id);
        }
        self.end_rights(now);
        self.sender.handle_timeout(now);
        self.channels.handle_timeout(now);
        let routes = self.sender.routes();
        for (id, report) in self.reports.handle_timeout(now, routes, &self.channels) {
            self.push_control(now, id, Some(report));
        }
        self.with_requests(now, |requests| requests.handle_timeout(now));
    }

    /// Time of the next call of [`Session::handle_timeout`] and [`Session::next_transmit`] at the
    /// latest, if nothing else happens.
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let due = [
            self.sender.next_timeout(),
            self.channels.next_timeout(),
            self.reports.next_timeout(),
            self.requests.next_timeout(),
            self.requests.exchange.next_expiry(),
        ];
        due.into_iter().flatten().min().map(|at| at.max(now))
    }

    /// The next thing that the robot's side is to do.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.channels.poll_event()
    }

    /// The next thing that the transport is to do, or `None` if there is nothing that may be sent
    /// now. It must be carried out before the next call.
    pub fn next_transmit(&mut self, now: Instant) -> Option<Transmit> {
        let clock_ms = self.clock.ms(now);
        let transmit = self.sender.next_transmit(now, clock_ms, &self.channels);
        self.schedule_reports(now);
        transmit
    }

    /// Most unsent bytes that the transport should have before [`Session::next_transmit`]
    /// is called again. The value for LiveKit's `set_data_channel_buffered_amount_low_threshold`.
    ///
    /// It is what goes out in 40 ms at the rate of the last second, less the two slices that wait
    /// beyond it, between 4,000 B and 2 MiB. A buffer that is larger than needed delays all that
    /// comes later, even the most urgent.
    pub fn suggested_send_buffer(&self) -> u64 {
        self.sender.suggested_buffer()
    }

    /// A stream could not be opened or written. Its participants are resynced a little later.
    pub fn stream_failed(&mut self, now: Instant, stream: StreamId) {
        self.sender.stream_failed(now, stream);
    }

    /// Bytes of messages that wait in queues. One that waits for several participants counts once,
    /// with the place in each queue.
    pub fn queued_bytes(&self) -> usize {
        self.sender.queued_bytes()
    }

    /// Bytes of latched messages that are kept for later subscribers.
    pub fn latched_bytes(&self) -> usize {
        self.channels.latched_bytes()
    }

    /// Schedules reports of messages that were dropped, and tells encoders what viewers need.
    fn schedule_reports(&mut self, now: Instant) {
        let dropped = self.sender.take_dropped();
        if dropped {
            self.reports.schedule(now);
        }
        if self.sender.take_video_broke() || dropped {
            for need in self.sender.video_needs(&self.channels) {
                if need.key_frame {
                    self.channels.ask_for_key_frame(need.channel);
                }
                if let Some(lag) = need.behind {
                    self.channels.tell_behind(need.channel, lag, need.rate);
                }
            }
        }
    }

    fn push_control(&mut self, now: Instant, id: ParticipantId, frame: Option<Bytes>) {
        self.sender.push_control(now, id, frame);
    }
}
