//! Runs the session: one task that owns it, and hands it everything that happens.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use livekit::{DisconnectReason, Room, RoomEvent};
use remote_access_protocol::TOPIC;
use remote_access_room::{close, connect, Backoff, Endpoint};
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::{debug, error, info, warn};

use super::inbox::{Inbound, InboxEvent};
use super::outbox::{InFlight, Outbox};
use super::participants::{is_active, Participants};
use super::port::{self, Command, Message, Port, PortEnd};
use super::report::{Connection, Report};
use crate::session::{Event, Session, Transmit};

/// Messages that are taken in one go before something is sent.
const BATCH: usize = 64;
/// Events of participants that may wait.
const MAX_INBOX: usize = 256;
/// Longest time for the end of the streams.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(700);
/// Time between two log lines about dropped messages.
const REPORT_INTERVAL: Duration = Duration::from_secs(30);
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

/// What happened.
enum Input {
    Stop,
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
        let mut backoff = Backoff::default();
        let mut connecting: Option<Connecting> = Some(self.connect(Duration::ZERO, &backoff));
        let mut link: Option<Link> = None;
        let mut ears = Ears::default();
        let mut in_flight: Option<InFlight> = None;
        loop {
            self.forward_demand();
            self.forward_requests();
            if in_flight.is_none() {
                in_flight = self.next_transmit(link.as_mut());
            }
            let timeout = self.session.poll_timeout(Instant::now());
            let input = tokio::select! {
                biased;
                () = &mut stop => Input::Stop,
                (room, events) = ready(&mut connecting) => Input::Connected(room, events),
                event = room_event(&mut ears.room) => Input::Room(event),
                done = ready(&mut in_flight) => Input::Sent(done),
                event = inbox_event(&ears.inbox) => Input::Inbox(event),
                () = ready(&mut self.handing_over) => Input::HandedOver,
                Ok(command) = self.port.commands.recv_async() => Input::Command(command),
                Some(message) = self.port.messages.recv() => Input::Message(message),
                () = sleep_until(timeout) => Input::Time,
            };
            let now = Instant::now();
            match input {
                Input::Stop => break,
                Input::Connected(room, events) => {
                    connecting = None;
                    let (sender, inbox) = flume::bounded(MAX_INBOX);
                    ears = Ears {
                        room: Some(events),
                        inbox: Some(inbox),
                    };
                    self.connection = Connection::Up;
                    self.connections += 1;
                    let participants = Participants::new(sender, self.connections);
                    link = Some(self.connected(now, room, participants));
                }
                Input::Room(event) => {
                    let Some(up) = link.as_mut() else { continue };
                    if !self.room_event(now, up, event) {
                        let delay = if now.saturating_duration_since(up.since) > STABLE {
                            backoff.reset();
                            Duration::ZERO
                        } else {
                            backoff.next_delay(rand::random())
                        };
                        // What is in flight is abandoned together with the connection.
                        in_flight = None;
                        self.connection = Connection::Down;
                        ears = Ears::default();
                        if let Some(link) = link.take() {
                            tokio::spawn(close(link.room));
                        }
                        self.session.connection_lost(now);
                        connecting = Some(self.connect(delay, &backoff));
                    }
                }
                Input::Inbox(event) => {
                    if let Some(up) = link.as_mut() {
                        self.inbox_event(now, up, event);
                    }
                }
                Input::Sent(done) => {
                    in_flight = None;
                    let failed = link.as_mut().and_then(|up| up.outbox.finish(done));
                    if let Some((stream, error)) = failed {
                        warn!(?stream, %error, "cannot write to a stream");
                        self.session.stream_failed(now, stream);
                    }
                }
                Input::HandedOver => self.handing_over = None,
                Input::Command(command) => self.command(now, command),
                Input::Message(message) => self.messages(now, message),
                Input::Time => {}
            }
            // Not left to `Input::Time`, which comes last and may not come at all under load.
            if timeout.is_some_and(|at| at <= now) {
                self.session.handle_timeout(now);
            }
            self.report_drops(now);
        }
        drop(in_flight);
        self.end_requests().await;
        if let Some(mut link) = link {
            link.outbox.close(CLOSE_TIMEOUT).await;
            close(link.room).await;
        }
    }

    fn connect(&self, delay: Duration, backoff: &Backoff) -> Connecting {
        Box::pin(connect(self.endpoint.clone(), delay, backoff.clone()))
    }

    fn connected(&mut self, now: Instant, room: Room, participants: Participants) -> Link {
        let local = room.local_participant();
        info!(room = room.name(), identity = %local.identity(), "joined the room");
        let mut link = Link {
            outbox: Outbox::new(local),
            room: Arc::new(room),
            participants,
            since: now,
        };
        for participant in link.room.remote_participants().into_values() {
            if is_active(&participant) {
                self.participant_active(now, &mut link, &participant);
            }
        }
        link
    }

    /// Returns `false` if the connection is over.
    fn room_event(&mut self, now: Instant, link: &mut Link, event: Option<RoomEvent>) -> bool {
        match event {
            Some(RoomEvent::ParticipantActive(participant)) => {
                self.participant_active(now, link, &participant);
            }
            Some(RoomEvent::ParticipantDisconnected(participant)) => {
                if let Some(id) = link.participants.gone(&participant) {
                    self.session.participant_left(now, id);
                }
            }
            Some(RoomEvent::ByteStreamOpened {
                reader,
                topic,
                participant_identity,
            }) if topic == TOPIC => {
                let robot = reader
                    .take()
                    .and_then(|reader| link.participants.stream(&participant_identity, reader));
                if let Some(id) = robot {
                    self.session.participant_left(now, id);
                }
            }
            Some(RoomEvent::Reconnecting) => {
                info!("connection interrupted, reconnecting");
                self.connection = Connection::Interrupted;
            }
            Some(RoomEvent::Reconnected) => {
                info!("reconnected");
                self.connection = Connection::Up;
                self.session.resync_all(now);
            }
            Some(RoomEvent::Disconnected {
                reason: DisconnectReason::DuplicateIdentity,
            }) => {
                error!(
                    "another participant joined with this node's identity, which ended the \
                     connection: give each robot its own (parameter `identity`, or its token)"
                );
                return false;
            }
            Some(RoomEvent::Disconnected { reason }) => {
                warn!(?reason, "disconnected from the room");
                return false;
            }
            None => return false,
            Some(_) => {}
        }
        true
    }

    fn participant_active(
        &mut self,
        now: Instant,
        link: &mut Link,
        participant: &livekit::participant::RemoteParticipant,
    ) {
        let (joined, replaced) = link.participants.active(participant);
        if let Some(id) = replaced {
            self.session.participant_left(now, id);
        }
        if let Some(id) = joined {
            self.session.participant_joined(now, id);
            let identity = participant.identity().to_string();
            self.session.participant_named(id, identity);
        }
    }

    fn inbox_event(&mut self, now: Instant, link: &mut Link, event: InboxEvent) {
        let InboxEvent {
            participant,
            inbound,
            what,
        } = event;
        let result = match what {
            Inbound::Opened {
                many_streams,
                closer,
            } => {
                link.participants.opened(inbound, closer);
                self.session
                    .inbound_opened(now, participant, inbound, many_streams)
            }
            Inbound::Bytes(bytes) => self.session.inbound_bytes(now, inbound, &bytes),
            Inbound::Closed => {
                self.session.inbound_closed(inbound);
                link.participants.close(inbound);
                Ok(())
            }
        };
        if let Err(error) = result {
            debug!(?participant, %error, "ending a stream");
            link.participants.close(inbound);
        }
    }

    fn command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Add(channels) => self.session.add_channels(now, channels),
            Command::Remove(channels) => self.session.remove_channels(now, &channels),
            Command::Update {
                channel,
                depth,
                reliable,
                latched,
            } => self
                .session
                .update_channel(channel, depth, reliable, latched),
            Command::AddServices(services) => self.session.add_services(now, services),
            Command::RemoveServices(services) => self.session.remove_services(now, &services),
            Command::Answer(answer) => answer.give(&mut self.session, now),
            Command::Report(to) => {
                let report = Report {
                    connection: self.connection,
                    connections: self.connections,
                    viewers: self.session.viewers(),
                    snapshot: self.session.snapshot(),
                    problems: self.session.problems(),
                };
                // Who asked may have given up.
                let _ = to.try_send(report);
            }
        }
    }

    /// Takes a message and those that wait behind it.
    fn messages(&mut self, now: Instant, first: Message) {
        self.message(now, first);
        for _ in 1..BATCH {
            match self.port.messages.try_recv() {
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
            } => self.session.message(now, channel, publisher, frame),
            Message::TooLarge { channel, size } => {
                self.session.message_too_large(now, channel, size);
            }
        }
    }

    fn forward_demand(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Subscribe(channel) => self.port.demand.start(channel),
                Event::Unsubscribe(channel) => self.port.demand.end(channel),
            }
        }
    }

    /// Hands requests to the robot's side as long as it takes them at once.
    fn forward_requests(&mut self) {
        while self.handing_over.is_none() {
            let Some(request) = self.session.poll_request() else {
                return;
            };
            if let Err(flume::TrySendError::Full(request)) = self.port.requests.try_send(request) {
                let taken = self.port.requests.clone().into_send_async(request);
                // It fails only when the robot's side is gone, at the end.
                self.handing_over = Some(Box::pin(taken.map(|_| ())));
            }
        }
    }

    /// Ends what viewers have of the robot: what they drive gets its stop.
    async fn end_requests(&mut self) {
        self.session.connection_lost(Instant::now());
        let rest = async {
            if let Some(first) = self.handing_over.take() {
                first.await;
            }
            while let Some(request) = self.session.poll_request() {
                let _ = self.port.requests.send_async(request).await;
            }
        };
        if tokio::time::timeout(CLOSE_TIMEOUT, rest).await.is_err() {
            warn!("the ROS side does not take the last requests of viewers");
        }
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

    fn report_drops(&mut self, now: Instant) {
        let due = self
            .reported
            .is_none_or(|at| now.saturating_duration_since(at) > REPORT_INTERVAL);
        if !due {
            return;
        }
        let dropped = self.port.messages.take_dropped();
        self.session.messages_unread(dropped);
        if dropped > 0 {
            self.reported = Some(now);
            warn!(dropped, "messages arrive faster than they can be taken");
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
