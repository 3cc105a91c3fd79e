//! The driver's dealings with the robot's side: commands and messages in, demand and requests out.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use flume::Sender;
use futures_util::FutureExt;
use remote_access_session::Event;
use tracing::warn;

use super::demand::VideoHint;
use super::handle::Command;
use super::messages::Message;
use super::report::Report;
use super::transport::{Connection, Transport};
use super::{Driver, Link, CLOSE_TIMEOUT};

/// Messages that are taken in one go before something is sent.
const BATCH: usize = 64;
/// Longest time for measuring the path; a report goes without it then.
const PATH_TIMEOUT: Duration = Duration::from_millis(500);
/// Time between two log lines about dropped messages.
const REPORT_INTERVAL: Duration = Duration::from_secs(30);

impl<T: Transport> Driver<T> {
    pub(super) fn command(&mut self, now: Instant, link: &Link<T::Connection>, command: Command) {
        match command {
            Command::Add(channels) => self.session.add_channels(now, channels),
            Command::Remove(channels) => self.session.remove_channels(now, &channels),
            Command::RateLimits(limits) => self.session.set_rate_limits(now, limits),
            Command::UplinkRate(rate) => self.session.set_uplink_rate(now, rate),
            Command::ViewerRate(rate) => self.session.set_participant_rate(now, rate),
            Command::Update { channel, delivery } => {
                self.session.update_channel(channel, delivery);
            }
            Command::AddServices(services) => self.session.add_services(now, services),
            Command::RemoveServices(services) => self.session.remove_services(now, &services),
            Command::Answer(answer) => answer.apply(&mut self.session, now),
            Command::Report(to) => self.report(link, to),
        }
    }

    fn report(&self, link: &Link<T::Connection>, to: Sender<Report>) {
        let mut report = Report {
            connection: self.state,
            connections: self.connections,
            path: None,
            viewers: self.session.viewers(),
            snapshot: self.session.snapshot(),
            problems: self.session.problems(),
            // The source of reports adds them.
            encoders: BTreeMap::new(),
        };
        let path = match link {
            Link::Up(connection) => Some(connection.path()),
            Link::Connecting(_) => None,
        };
        tokio::spawn(async move {
            if let Some(path) = path {
                let path = tokio::time::timeout(PATH_TIMEOUT, path).await;
                report.path = path.ok().flatten();
            }
            // Who asked may have given up.
            let _ = to.try_send(report);
        });
    }

    /// Takes a message and those that wait behind it.
    pub(super) fn messages(&mut self, now: Instant, first: Message) {
        self.message(now, first);
        for _ in 1..BATCH {
            match self.handle.messages.try_recv() {
                Some(message) => self.message(now, message),
                None => return,
            }
        }
    }

    fn message(&mut self, now: Instant, message: Message) {
        match message {
            Message::Data {
                channel,
                publisher,
                frame,
                video_frame: None,
            } => self.session.message(now, channel, publisher, frame),
            Message::Data {
                channel,
                publisher,
                frame,
                video_frame: Some(video_frame),
            } => self
                .session
                .video_frame(now, channel, publisher, frame, video_frame),
            Message::TooLarge { channel, size } => {
                self.session.message_too_large(now, channel, size);
            }
        }
    }

    pub(super) fn forward_demand(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Subscribe(channel) => self.handle.demand.start(channel),
                Event::Unsubscribe(channel) => self.handle.demand.end(channel),
                Event::KeyFrame(channel) => {
                    let hint = VideoHint {
                        key_frame: true,
                        ..VideoHint::default()
                    };
                    self.handle.demand.hint(channel, hint);
                }
                Event::Behind { channel, lag, rate } => {
                    let hint = VideoHint {
                        behind: Some(lag),
                        rate,
                        ..VideoHint::default()
                    };
                    self.handle.demand.hint(channel, hint);
                }
            }
        }
    }

    /// Hands stops to the robot's side, and requests as long as it takes them at once.
    pub(super) fn forward_requests(&mut self) {
        self.forward_stops();
        while self.handing_over.is_none() {
            let Some(request) = self.session.poll_request() else {
                return;
            };
            if let Err(flume::TrySendError::Full(request)) = self.handle.requests.try_send(request)
            {
                let taken = self.handle.requests.clone().into_send_async(request);
                // It fails only when the robot's side is gone, at the end.
                self.handing_over = Some(Box::pin(taken.map(|_| ())));
            }
        }
    }

    /// Hands stops to the robot's side, whatever requests wait there.
    fn forward_stops(&mut self) {
        while let Some(channel) = self.session.poll_stop() {
            // It fails only when the robot's side is gone, at the end.
            let _ = self.handle.stops.send(channel);
        }
    }

    /// Ends what viewers have of the robot: what they drive gets its stop.
    pub(super) async fn end_requests(&mut self) {
        self.session.connection_lost(Instant::now());
        self.forward_stops();
        let rest = async {
            if let Some(first) = self.handing_over.take() {
                first.await;
            }
            while let Some(request) = self.session.poll_request() {
                let _ = self.handle.requests.send_async(request).await;
            }
        };
        if tokio::time::timeout(CLOSE_TIMEOUT, rest).await.is_err() {
            warn!("the ROS side does not take the last requests of viewers");
        }
    }

    pub(super) fn report_drops(&mut self, now: Instant) {
        let due = self
            .reported
            .is_none_or(|at| now.saturating_duration_since(at) > REPORT_INTERVAL);
        if !due {
            return;
        }
        let dropped = self.handle.messages.take_dropped();
        self.session.messages_unread(dropped);
        if dropped > 0 {
            self.reported = Some(now);
            warn!(dropped, "messages arrive faster than they can be taken");
        }
    }
}
