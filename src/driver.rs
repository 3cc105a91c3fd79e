//! The driver: one task that owns the [`Session`] and hands it everything that happens.
//!
//! [`Driver`] runs the session on a [`Transport`] and comes back after every interruption. The
//! robot's side reaches it by a [`DriverHandle`].

mod answer;
mod demand;
mod encoders;
mod handle;
mod messages;
mod report;
mod robot;
mod transport;
mod viewers;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use remote_access_session::{ParticipantId, Session};
use tracing::{info_span, Span};

pub use answer::Answer;
pub use demand::{Demand, VideoHint};
pub use encoders::{EncoderFigures, Encoders};
pub use handle::{Command, DriverHandle, ReportSource};
pub use messages::{Message, Messages};
pub use report::{ConnectionState, PathKind, PathStats, Report};
pub use transport::{
    Access, Connecting, Connection, ConnectionEvent, Inbound, InboundEvent, SendError, Transport,
};

use handle::HandleEnd;

/// Longest time for handing over the last requests of viewers.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(700);

/// Runs a session on a transport. Made by [`Driver::new`], run by [`Driver::run`].
pub struct Driver<T> {
    session: Session,
    transport: T,
    handle: HandleEnd,
    reported: Option<Instant>,
    state: ConnectionState,
    /// Times that a connection was made.
    connections: u64,
    /// A request that waits until the robot's side has room for it.
    handing_over: Option<HandingOver>,
    /// The span of the present connection.
    span: Span,
    /// The span of each viewer.
    viewers: HashMap<ParticipantId, Span>,
}

type HandingOver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The connection to the viewers, or the attempt at one.
enum Link<C> {
    Connecting(Connecting<C>),
    Up(C),
}

/// Event of the transport or of the robot's side.
enum Input<C> {
    Connected(C),
    Connection(ConnectionEvent),
    Sent(Result<(), SendError>),
    Inbound(InboundEvent),
    HandedOver,
    Command(Command),
    Message(Message),
    Time,
}

impl<C: Connection> Link<C> {
    /// The next input of the connection, the most urgent one first: what a viewer sends does not
    /// keep others waiting for what is sent to them.
    fn poll_input(&mut self, context: &mut Context<'_>) -> Poll<Input<C>> {
        let connection = match self {
            Self::Connecting(connecting) => {
                return connecting.poll_unpin(context).map(Input::Connected);
            }
            Self::Up(connection) => connection,
        };
        if let Poll::Ready(event) = connection.poll_event(context) {
            return Poll::Ready(Input::Connection(event));
        }
        if let Poll::Ready(result) = connection.poll_sent(context) {
            return Poll::Ready(Input::Sent(result));
        }
        connection.poll_inbound(context).map(Input::Inbound)
    }
}

impl<T: Transport> Driver<T> {
    /// A driver, the robot's side of it, and a receiver that gets a word when the demand changes.
    #[must_use]
    pub fn new(session: Session, transport: T) -> (Self, DriverHandle, flume::Receiver<()>) {
        let (handle, end, changed) = handle::handle();
        let driver = Self {
            session,
            transport,
            handle: end,
            reported: None,
            state: ConnectionState::Down,
            connections: 0,
            handing_over: None,
            span: Span::none(),
            viewers: HashMap::new(),
        };
        (driver, handle, changed)
    }

    /// Runs until `stop` is ready, then leaves the viewers in good order.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut link = Link::Connecting(self.transport.connect());
        loop {
            self.forward_demand();
            self.forward_requests();
            if let Link::Up(connection) = &mut link {
                self.transmit(connection);
            }
            let timeout = self.session.poll_timeout(Instant::now());
            let input = tokio::select! {
                biased;
                () = &mut stop => break,
                input = self.next_input(&mut link, timeout) => input,
            };
            let now = Instant::now();
            self.handle(now, &mut link, input);
            // Not left to `Input::Time`, which comes last and may not come at all under load.
            if timeout.is_some_and(|at| at <= now) {
                self.session.handle_timeout(now);
            }
            self.report_drops(now);
        }
        self.end_requests().await;
        if let Link::Up(connection) = link {
            connection.leave().await;
        }
    }

    /// Waits for the next thing that happens, the most urgent one first. May be dropped: nothing
    /// is lost by it.
    async fn next_input(
        &mut self,
        link: &mut Link<T::Connection>,
        timeout: Option<Instant>,
    ) -> Input<T::Connection> {
        let span = &self.span;
        let poll_input = |context: &mut Context<'_>| {
            let _entered = span.enter();
            link.poll_input(context)
        };
        tokio::select! {
            biased;
            input = std::future::poll_fn(poll_input) => input,
            () = handed_over(&mut self.handing_over) => Input::HandedOver,
            Ok(command) = self.handle.commands.recv_async() => Input::Command(command),
            Some(message) = self.handle.messages.recv() => Input::Message(message),
            () = sleep_until(timeout) => Input::Time,
        }
    }

    fn handle(
        &mut self,
        now: Instant,
        link: &mut Link<T::Connection>,
        input: Input<T::Connection>,
    ) {
        let span = self.span.clone();
        let _entered = span.enter();
        match input {
            Input::Connected(connection) => {
                self.state = ConnectionState::Up;
                self.connections += 1;
                self.span = info_span!("connection", number = self.connections);
                *link = Link::Up(connection);
            }
            Input::Connection(event) => self.connection_event(now, link, event),
            Input::Sent(result) => self.sent(now, result),
            Input::Inbound(event) => self.inbound_event(now, link, event),
            Input::HandedOver => self.handing_over = None,
            Input::Command(command) => self.command(now, link, command),
            Input::Message(message) => self.messages(now, message),
            Input::Time => {}
        }
    }

    /// The connection is over: gives up what was on it, and makes another one.
    fn reconnect(&mut self, now: Instant, link: &mut Link<T::Connection>) {
        self.state = ConnectionState::Down;
        self.session.connection_lost(now);
        self.span = Span::none();
        self.viewers.clear();
        let next = Link::Connecting(self.transport.connect());
        if let Link::Up(connection) = std::mem::replace(link, next) {
            connection.abandon();
        }
    }

    /// Sends the next thing, unless something is being sent.
    fn transmit(&mut self, connection: &mut T::Connection) {
        while !connection.is_sending() {
            let Some(transmit) = self.session.next_transmit(Instant::now()) else {
                return;
            };
            connection.start(transmit, self.session.suggested_send_buffer());
        }
    }
}

/// Waits until the robot's side has taken a request.
async fn handed_over(request: &mut Option<HandingOver>) {
    match request {
        Some(taken) => taken.await,
        None => std::future::pending().await,
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
