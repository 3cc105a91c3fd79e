//! The handle of the driver, by which the robot's side feeds it: messages go in, demand comes out.
//!
//! Nothing here ever waits for a viewer. Messages that the driver does not take in time push out
//! older ones; demand is a state that is looked up, not a queue. Requests of viewers wait in the
//! session until the robot's side takes them.

use flume::{Receiver, Sender};
use remote_access_protocol::{ChannelId, ServiceId};
use remote_access_session::{
    ChannelInfo, ClientChannelKey, Delivery, RateLimit, Request, ServiceInfo,
};

use super::answer::Answer;
use super::demand::Demand;
use super::encoders::Encoders;
use super::messages::Messages;
use super::report::Report;

/// Commands that may wait for the driver.
const MAX_COMMANDS: usize = 1024;
/// Requests that may wait for the robot's side. More wait in the session, a share for each viewer.
const MAX_REQUESTS: usize = 16;

/// A change of what the robot offers, or an answer.
#[derive(Debug)]
pub enum Command {
    /// Channels have appeared.
    Add(Vec<ChannelInfo>),
    /// Channels have gone.
    Remove(Vec<ChannelId>),
    /// Channels have these rate limits from now on.
    RateLimits(Vec<(ChannelId, RateLimit)>),
    /// The most bytes per second to all viewers together; `None` is no limit.
    UplinkRate(Option<u64>),
    /// The most bytes per second to each viewer; `None` is no limit.
    ViewerRate(Option<u64>),
    /// The publishers of a channel deliver otherwise than before.
    Update {
        /// The channel.
        channel: ChannelId,
        /// Their delivery from now on.
        delivery: Delivery,
    },
    /// Services have appeared.
    AddServices(Vec<ServiceInfo>),
    /// Services have gone.
    RemoveServices(Vec<ServiceId>),
    /// Something that a viewer asked for.
    Answer(Answer),
    /// Tell of the session as it is now.
    Report(Sender<Report>),
}

/// The robot's side of the driver.
#[derive(Clone, Debug)]
pub struct DriverHandle {
    /// Changes of what the robot offers, and answers.
    pub commands: Sender<Command>,
    /// Messages of the channels.
    pub messages: Messages,
    /// The channels that somebody wants.
    pub demand: Demand,
    /// Requests of viewers. Ends when the driver does, after the last requests.
    pub requests: Receiver<Request>,
    /// Channels of viewers on which a stop is to be published at once. Ends as `requests` does. Each
    /// is followed by its [`Request::Stop`] there.
    pub stops: Receiver<ClientChannelKey>,
    /// Costs of encoding, for reports.
    pub encoders: Encoders,
}

impl DriverHandle {
    /// Asks for the session as it is, from anywhere.
    #[must_use]
    pub fn reports(&self) -> ReportSource {
        ReportSource {
            commands: self.commands.clone(),
            encoders: self.encoders.clone(),
        }
    }
}

/// The driver's end of its handle.
#[derive(Debug)]
pub(super) struct HandleEnd {
    pub commands: Receiver<Command>,
    pub messages: Messages,
    pub demand: Demand,
    pub requests: Sender<Request>,
    pub stops: Sender<ClientChannelKey>,
}

/// Makes a handle. The receiver gets a word whenever the demand has changed.
pub(super) fn handle() -> (DriverHandle, HandleEnd, Receiver<()>) {
    let (commands, command_queue) = flume::bounded(MAX_COMMANDS);
    let messages = Messages::new();
    let (demand, changed) = Demand::new();
    let (requests, request_queue) = flume::bounded(MAX_REQUESTS);
    // A stop needs a command before it, which needs room among the requests.
    let (stops, stop_queue) = flume::unbounded();
    let end = HandleEnd {
        commands: command_queue,
        messages: messages.clone(),
        demand: demand.clone(),
        requests,
        stops,
    };
    let handle = DriverHandle {
        commands,
        messages,
        demand,
        requests: request_queue,
        stops: stop_queue,
        encoders: Encoders::default(),
    };
    (handle, end, changed)
}

/// Asks the driver for reports.
#[derive(Clone, Debug)]
pub struct ReportSource {
    commands: Sender<Command>,
    encoders: Encoders,
}

impl ReportSource {
    /// The session as it is now, or `None` if the driver is gone.
    pub async fn get(&self) -> Option<Report> {
        let (to, report) = flume::bounded(1);
        self.commands.send_async(Command::Report(to)).await.ok()?;
        let report = report.recv_async().await.ok()?;
        Some(Report {
            encoders: self.encoders.get(),
            ..report
        })
    }
}
