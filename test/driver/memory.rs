//! A transport in memory, and a driver that runs on it.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use flume::r#async::RecvStream;
use flume::{Receiver, Sender};
use futures_util::StreamExt;
use remote_access_bridge::driver::{
    Access, Command, Connecting, Connection, ConnectionEvent, ConnectionState, Driver,
    DriverHandle, Inbound, InboundEvent, PathStats, Report, SendError, Transport,
};
use remote_access_protocol::capability::Capability;
use remote_access_protocol::frame::{self, FrameDecoder, Opcode};
use remote_access_protocol::server::ServerMessage;
use remote_access_session::{
    InboundId, NameRule, ParticipantId, Policy, Rights, RobotInfo, Session, SessionConfig,
    StreamId, Transmit,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A guard against hanging. No test takes it.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// A framed JSON message.
pub(crate) fn json(text: &str) -> Bytes {
    frame::text(text).unwrap()
}

/// Hands the far end of each connection to the test, or never connects.
struct MemoryTransport(Option<Sender<Line>>);

impl Transport for MemoryTransport {
    type Connection = MemoryConnection;

    fn connect(&mut self) -> Connecting<MemoryConnection> {
        let Some(lines) = self.0.clone() else {
            return Box::pin(std::future::pending());
        };
        Box::pin(async move {
            let (connection, line) = pair();
            lines.send_async(line).await.unwrap();
            connection
        })
    }
}

struct MemoryConnection {
    events: RecvStream<'static, ConnectionEvent>,
    inbound: RecvStream<'static, InboundEvent>,
    outcomes: RecvStream<'static, Result<(), SendError>>,
    transmits: Sender<Transmit>,
    ended: Sender<InboundId>,
    partings: Sender<Parting>,
    sending: bool,
}

/// How a connection was given up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parting {
    Left,
    Abandoned,
}

/// The far end of a connection.
pub(crate) struct Line {
    events: Sender<ConnectionEvent>,
    inbound: Sender<InboundEvent>,
    outcomes: Sender<Result<(), SendError>>,
    transmits: Receiver<Transmit>,
    ended: Receiver<InboundId>,
    partings: Receiver<Parting>,
    streams: BTreeMap<StreamId, (Vec<ParticipantId>, FrameDecoder)>,
    /// Frames that have arrived and that no test has looked at.
    arrived: VecDeque<Arrived>,
}

/// A frame, with the destinations of its stream.
type Arrived = (Vec<ParticipantId>, Opcode, Bytes);

fn pair() -> (MemoryConnection, Line) {
    let (events, events_in) = flume::unbounded();
    let (inbound, inbound_in) = flume::unbounded();
    let (outcomes, outcomes_in) = flume::unbounded();
    let (transmits, transmits_out) = flume::unbounded();
    let (ended, ended_out) = flume::unbounded();
    let (partings, partings_out) = flume::unbounded();
    let connection = MemoryConnection {
        events: events_in.into_stream(),
        inbound: inbound_in.into_stream(),
        outcomes: outcomes_in.into_stream(),
        transmits,
        ended,
        partings,
        sending: false,
    };
    let line = Line {
        events,
        inbound,
        outcomes,
        transmits: transmits_out,
        ended: ended_out,
        partings: partings_out,
        streams: BTreeMap::new(),
        arrived: VecDeque::new(),
    };
    (connection, line)
}

fn poll<T>(stream: &mut RecvStream<'static, T>, context: &mut Context<'_>) -> Poll<T> {
    match stream.poll_next_unpin(context) {
        Poll::Ready(Some(item)) => Poll::Ready(item),
        // The test has dropped its end.
        Poll::Ready(None) | Poll::Pending => Poll::Pending,
    }
}

impl Connection for MemoryConnection {
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<ConnectionEvent> {
        poll(&mut self.events, context)
    }

    fn poll_inbound(&mut self, context: &mut Context<'_>) -> Poll<InboundEvent> {
        poll(&mut self.inbound, context)
    }

    fn poll_sent(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SendError>> {
        if !self.sending {
            return Poll::Pending;
        }
        let outcome = poll(&mut self.outcomes, context);
        self.sending = outcome.is_pending();
        outcome
    }

    fn is_sending(&self) -> bool {
        self.sending
    }

    fn start(&mut self, transmit: Transmit, buffer: u64) {
        assert!(!self.sending, "one thing at a time");
        assert!(buffer > 0);
        self.sending = true;
        let _ = self.transmits.send(transmit);
    }

    fn end_stream(&mut self, inbound: InboundId) {
        let _ = self.ended.send(inbound);
    }

    fn path(&self) -> impl Future<Output = Option<PathStats>> + Send + 'static {
        std::future::ready(None)
    }

    async fn leave(self) {
        let _ = self.partings.send(Parting::Left);
    }

    fn abandon(self) {
        let _ = self.partings.send(Parting::Abandoned);
    }
}

impl Line {
    pub(crate) async fn event(&self, event: ConnectionEvent) {
        self.events.send_async(event).await.unwrap();
    }

    /// A viewer joins and opens a stream, both under this number.
    pub(crate) async fn join(&self, id: u64) {
        self.event(ConnectionEvent::ViewerJoined {
            id: ParticipantId(id),
            name: format!("viewer-{id}"),
            may_send: true,
            access: Access {
                rights: Rights::all(),
                problem: None,
            },
        })
        .await;
        self.send(id, Inbound::Opened { many_streams: true }).await;
    }

    pub(crate) async fn send(&self, id: u64, what: Inbound) {
        let event = InboundEvent {
            viewer: ParticipantId(id),
            stream: InboundId(id),
            what,
        };
        self.inbound.send_async(event).await.unwrap();
    }

    /// The next transmit, which is on its way until [`fail`](Self::fail) says how it ended.
    pub(crate) async fn transmit(&self) -> Transmit {
        soon("a transmit", self.transmits.recv_async())
            .await
            .unwrap()
    }

    pub(crate) fn try_transmit(&self) -> Option<Transmit> {
        self.transmits.try_recv().ok()
    }

    pub(crate) async fn fail(&self, stream: StreamId) {
        let reason = "lost".to_owned();
        let failed = Err(SendError { stream, reason });
        self.outcomes.send_async(failed).await.unwrap();
    }

    /// The next frame that arrives.
    async fn frame(&mut self) -> Arrived {
        loop {
            if let Some(arrived) = self.arrived.pop_front() {
                return arrived;
            }
            match self.transmit().await {
                Transmit::Open {
                    stream,
                    destinations,
                } => {
                    let opened = (destinations, FrameDecoder::default());
                    self.streams.insert(stream, opened);
                }
                Transmit::Write { stream, data } => {
                    let (destinations, decoder) = self.streams.get_mut(&stream).unwrap();
                    decoder.push(&data);
                    while let Some(frame) = decoder.next_frame().unwrap() {
                        let arrived = (destinations.clone(), frame.opcode, frame.payload);
                        self.arrived.push_back(arrived);
                    }
                }
                Transmit::Close { stream } => {
                    self.streams.remove(&stream).unwrap();
                }
            }
            self.outcomes.send_async(Ok(())).await.unwrap();
        }
    }

    /// Takes what is sent until a JSON message comes that is looked for.
    pub(crate) async fn until_json(&mut self, wanted: impl Fn(&ServerMessage) -> bool) {
        loop {
            let (_, opcode, payload) = self.frame().await;
            if opcode == Opcode::Text && wanted(&serde_json::from_slice(&payload).unwrap()) {
                return;
            }
        }
    }

    /// Takes what is sent until a message of a channel comes.
    pub(crate) async fn until_data(&mut self) -> (Vec<ParticipantId>, Bytes) {
        loop {
            let (destinations, opcode, payload) = self.frame().await;
            if opcode == Opcode::Binary && payload.first() == Some(&1) {
                return (destinations, payload);
            }
        }
    }

    pub(crate) async fn ended_stream(&self) -> InboundId {
        soon("the end of a stream", self.ended.recv_async())
            .await
            .unwrap()
    }

    pub(crate) async fn parting(&self) -> Parting {
        soon("the end of the connection", self.partings.recv_async())
            .await
            .unwrap()
    }
}

/// A driver that runs.
pub(crate) struct Fixture {
    pub handle: DriverHandle,
    changed: Receiver<()>,
    lines: Receiver<Line>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Fixture {
    /// A driver whose transport connects at once, when the test takes the other end.
    pub(crate) fn start() -> Self {
        let (lines, connections) = flume::bounded(0);
        Self::run(MemoryTransport(Some(lines)), connections)
    }

    /// A driver whose transport never connects.
    pub(crate) fn unconnected() -> Self {
        Self::run(MemoryTransport(None), flume::bounded(0).1)
    }

    fn run(transport: MemoryTransport, lines: Receiver<Line>) -> Self {
        let config = SessionConfig {
            policy: Policy::new(Capability::ALL, NameRule::all()),
            command_topics: NameRule::new(|topic| topic == "/cmd_vel"),
            ..SessionConfig::default()
        };
        let session = Session::new(config, RobotInfo::default(), Instant::now(), 1_000);
        let (driver, handle, changed) = Driver::new(session, transport);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(driver.run(async move {
            let _ = stopped.await;
        }));
        Self {
            handle,
            changed,
            lines,
            stop,
            task,
        }
    }

    /// The far end of the next connection.
    pub(crate) async fn connection(&self) -> Line {
        soon("a connection", self.lines.recv_async()).await.unwrap()
    }

    pub(crate) async fn command(&self, command: Command) {
        self.handle.commands.send_async(command).await.unwrap();
    }

    pub(crate) async fn report(&self) -> Report {
        soon("a report", self.handle.reports().get()).await.unwrap()
    }

    /// Waits until the connection is told to be so.
    pub(crate) async fn connection_is(&self, state: ConnectionState) {
        soon("the state of the connection", async {
            while self.report().await.connection != state {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    pub(crate) async fn demand_changes(&self) {
        soon("a change of demand", self.changed.recv_async())
            .await
            .unwrap();
    }

    /// Stops the driver and waits for its end.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        soon("the end of the driver", self.task).await.unwrap();
    }
}
