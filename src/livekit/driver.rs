//! Runs the session: one task that owns it, and hands it everything that happens.

mod robot;
mod room;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use livekit::{Room, RoomEvent};
use remote_access_room::{close, connect, Backoff, Endpoint};
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::{info, warn};

use super::inbox::InboxEvent;
use super::outbox::{InFlight, Outbox};
use super::participants::{is_active, Participants};
use super::port::{self, Command, Message, Port, PortEnd};
use super::report::Connection;
use remote_access_session::{Session, Transmit};

/// Events of participants that may wait.
const MAX_INBOX: usize = 256;
/// Longest time for the end of the streams.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(700);
/// A connection that held this long lets the next attempts start quickly again.
const STABLE: Duration = Duration::from_secs(30);

/// Runs a session on a room. Made by [`Driver::new`], run by [`Driver::run`].
pub struct Driver {
    session: Session,
    port: PortEnd,
    endpoint: Endpoint,
    reported: Option<Instant>,
    connection: Connection,
    /// Times that the room was joined.
    connections: u64,
    /// A request that waits until the robot's side has room for it.
    handing_over: Option<HandingOver>,
}

type HandingOver = Pin<Box<dyn Future<Output = ()> + Send>>;
type Connecting = Pin<Box<dyn Future<Output = (Room, UnboundedReceiver<RoomEvent>)> + Send>>;

/// What a connection has to tell.
#[derive(Default)]
struct Ears {
    room: Option<UnboundedReceiver<RoomEvent>>,
    inbox: Option<flume::Receiver<InboxEvent>>,
}

/// A connection to the room.
struct Link {
    room: Arc<Room>,
    participants: Participants,
    outbox: Outbox,
    since: Instant,
}

/// The way to the room: a link, or the making of one.
#[derive(Default)]
struct ToRoom {
    connecting: Option<Connecting>,
    backoff: Backoff,
    link: Option<Link>,
    ears: Ears,
    in_flight: Option<InFlight>,
}

/// What happened.
enum Input {
    Connected(Room, UnboundedReceiver<RoomEvent>),
    Room(Option<RoomEvent>),
    Inbox(InboxEvent),
    Sent(super::outbox::Done),
    HandedOver,
    Command(Command),
    Message(Message),
    Time,
}

impl Driver {
    /// A driver, the robot's side of it, and a receiver that gets a word when the demand changes.
    #[must_use]
    pub fn new(session: Session, endpoint: Endpoint) -> (Self, Port, flume::Receiver<()>) {
        let (port, end, changed) = port::port();
        let driver = Self {
            session,
            port: end,
            endpoint,
            reported: None,
            connection: Connection::Down,
            connections: 0,
            handing_over: None,
        };
        (driver, port, changed)
    }

    /// Runs until `stop` is ready, then leaves the room.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let mut to_room = ToRoom::default();
        to_room.connecting = Some(self.connect(Duration::ZERO, &to_room.backoff));
        loop {
            self.forward_demand();
            self.forward_requests();
            if to_room.in_flight.is_none() {
                to_room.in_flight = self.next_transmit(to_room.link.as_mut());
            }
            let timeout = self.session.poll_timeout(Instant::now());
            let input = tokio::select! {
                biased;
                () = &mut stop => break,
                input = self.next_input(&mut to_room, timeout) => input,
            };
            let now = Instant::now();
            self.handle(now, &mut to_room, input);
            // Not left to `Input::Time`, which comes last and may not come at all under load.
            if timeout.is_some_and(|at| at <= now) {
                self.session.handle_timeout(now);
            }
            self.report_drops(now);
        }
        drop(to_room.in_flight);
        self.end_requests().await;
        if let Some(mut link) = to_room.link {
            link.outbox.close(CLOSE_TIMEOUT).await;
            close(link.room).await;
        }
    }

    /// Waits for the next thing that happens, the most urgent one first. May be dropped: what is
    /// in flight goes on.
    async fn next_input(&mut self, to_room: &mut ToRoom, timeout: Option<Instant>) -> Input {
        tokio::select! {
            biased;
            (room, events) = ready(&mut to_room.connecting) => Input::Connected(room, events),
            event = room_event(&mut to_room.ears.room) => Input::Room(event),
            done = ready(&mut to_room.in_flight) => Input::Sent(done),
            event = inbox_event(&to_room.ears.inbox) => Input::Inbox(event),
            () = ready(&mut self.handing_over) => Input::HandedOver,
            Ok(command) = self.port.commands.recv_async() => Input::Command(command),
            Some(message) = self.port.messages.recv() => Input::Message(message),
            () = sleep_until(timeout) => Input::Time,
        }
    }

    fn handle(&mut self, now: Instant, to_room: &mut ToRoom, input: Input) {
        match input {
            Input::Connected(room, events) => self.connected(now, to_room, room, events),
            Input::Room(event) => {
                let Some(link) = to_room.link.as_mut() else {
                    return;
                };
                if !self.room_event(now, link, event) {
                    self.reconnect(now, to_room);
                }
            }
            Input::Inbox(event) => {
                if let Some(link) = to_room.link.as_mut() {
                    self.inbox_event(now, link, event);
                }
            }
            Input::Sent(done) => {
                to_room.in_flight = None;
                let link = to_room.link.as_mut();
                if let Some((stream, error)) = link.and_then(|link| link.outbox.finish(done)) {
                    warn!(?stream, %error, "cannot write to a stream");
                    self.session.stream_failed(now, stream);
                }
            }
            Input::HandedOver => self.handing_over = None,
            Input::Command(command) => self.command(now, command),
            Input::Message(message) => self.messages(now, message),
            Input::Time => {}
        }
    }

    fn connect(&self, delay: Duration, backoff: &Backoff) -> Connecting {
        Box::pin(connect(self.endpoint.clone(), delay, backoff.clone()))
    }

    fn connected(
        &mut self,
        now: Instant,
        to_room: &mut ToRoom,
        room: Room,
        events: UnboundedReceiver<RoomEvent>,
    ) {
        let local = room.local_participant();
        info!(room = room.name(), identity = %local.identity(), "joined the room");
        let (sender, inbox) = flume::bounded(MAX_INBOX);
        to_room.connecting = None;
        to_room.ears = Ears {
            room: Some(events),
            inbox: Some(inbox),
        };
        self.connection = Connection::Up;
        self.connections += 1;
        let link = to_room.link.insert(Link {
            outbox: Outbox::new(local),
            room: Arc::new(room),
            participants: Participants::new(sender, self.connections),
            since: now,
        });
        for participant in link.room.remote_participants().into_values() {
            if is_active(&participant) {
                self.participant_active(now, link, &participant);
            }
        }
    }

    /// The connection is over: gives up what was on it, and makes another one.
    fn reconnect(&mut self, now: Instant, to_room: &mut ToRoom) {
        // What is in flight is abandoned together with the connection.
        to_room.in_flight = None;
        self.connection = Connection::Down;
        to_room.ears = Ears::default();
        let Some(link) = to_room.link.take() else {
            return;
        };
        let delay = if now.saturating_duration_since(link.since) > STABLE {
            to_room.backoff.reset();
            Duration::ZERO
        } else {
            to_room.backoff.next_delay(rand::random())
        };
        tokio::spawn(close(link.room));
        self.session.connection_lost(now);
        to_room.connecting = Some(self.connect(delay, &to_room.backoff));
    }

    fn next_transmit(&mut self, link: Option<&mut Link>) -> Option<InFlight> {
        let link = link?;
        loop {
            let now = Instant::now();
            let transmit: Transmit = self.session.next_transmit(now)?;
            link.outbox
                .limit_buffer(self.session.suggested_send_buffer());
            let participants = &link.participants;
            let started = link.outbox.start(transmit, |id| participants.identity(id));
            if started.is_some() {
                return started;
            }
        }
    }
}

/// Waits for a future that may not be there.
async fn ready<T>(future: &mut Option<Pin<Box<dyn Future<Output = T> + Send>>>) -> T {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}

async fn room_event(events: &mut Option<UnboundedReceiver<RoomEvent>>) -> Option<RoomEvent> {
    match events {
        Some(events) => events.recv().await,
        None => std::future::pending().await,
    }
}

async fn inbox_event(inbox: &Option<flume::Receiver<InboxEvent>>) -> InboxEvent {
    let event = match inbox {
        Some(inbox) => inbox.recv_async().await.ok(),
        None => None,
    };
    match event {
        Some(event) => event,
        None => std::future::pending().await,
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
