//! A session with viewers that receive at once, for tests of one behaviour each.
//!
//! Every transmit is checked against the contract of the transport: streams are opened before
//! they are written, slices are bounded, and nothing follows a close.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::capability::Capability;
use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::frame::{self, FrameDecoder, Opcode};
use remote_access_protocol::server::{self, BinaryMessage, Channel, ServerMessage, Wheel};
use remote_access_protocol::ChannelId;
use remote_access_session::{
    ChannelInfo, Delivery, Event, InboundError, InboundId, NameRule, ParticipantId, Policy,
    PublisherId, RateLimit, Request, Rights, RobotInfo, Session, SessionConfig, StreamId, Transmit,
    SLICE_SIZE,
};

/// The robot's clock at the start, in milliseconds.
pub(crate) const CLOCK_MS: u64 = 1_000;

/// A frame that a viewer received, and the stream that it came on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Received {
    pub stream: StreamId,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Json(ServerMessage),
    Data { channel: u64, seq: u64, size: usize },
    Pong { echo: u64, stamp: u64 },
    Other(BinaryMessage),
}

struct Stream {
    destinations: Vec<ParticipantId>,
    decoder: FrameDecoder,
}

pub(crate) struct Harness {
    pub session: Session,
    pub now: Instant,
    /// Frames that each viewer received, in order.
    pub received: BTreeMap<u64, Vec<Received>>,
    /// Everything that the transport did.
    pub transmits: Vec<Transmit>,
    open: BTreeMap<StreamId, Stream>,
    seen: BTreeSet<StreamId>,
    viewers: BTreeMap<u64, InboundId>,
    next_inbound: u64,
}

impl Harness {
    pub(crate) fn new() -> Self {
        Self::with(SessionConfig::default())
    }

    /// A session whose viewers may do everything; topics that end with `cmd_vel` are commands.
    pub(crate) fn permissive() -> Self {
        Self::with(permissive())
    }

    pub(crate) fn with(config: SessionConfig) -> Self {
        let now = Instant::now();
        let robot = RobotInfo {
            name: "robot".into(),
            session_id: "1".into(),
            ..RobotInfo::default()
        };
        Self {
            session: Session::new(config, robot, now, CLOCK_MS),
            now,
            received: BTreeMap::new(),
            transmits: Vec::new(),
            open: BTreeMap::new(),
            seen: BTreeSet::new(),
            viewers: BTreeMap::new(),
            next_inbound: 0,
        }
    }

    /// A viewer joins, opens its stream and gets its greeting.
    pub(crate) fn join(&mut self, id: u64, many_streams: bool) {
        self.join_with(id, many_streams, Rights::all());
    }

    /// A viewer with these rights joins, opens its stream and gets its greeting.
    pub(crate) fn join_with(&mut self, id: u64, many_streams: bool, rights: Rights) {
        let now = self.now;
        self.session
            .participant_joined(now, ParticipantId(id), rights);
        self.open_inbound(id, many_streams).unwrap();
        self.pump();
    }

    /// A viewer opens a stream, beside any that it has, and uses it from now on.
    pub(crate) fn open_inbound(&mut self, id: u64, many_streams: bool) -> Result<(), InboundError> {
        self.next_inbound += 1;
        let inbound = InboundId(self.next_inbound);
        self.session
            .inbound_opened(self.now, ParticipantId(id), inbound, many_streams)?;
        self.viewers.insert(id, inbound);
        Ok(())
    }

    pub(crate) fn close_inbound(&mut self, id: u64) {
        self.session.inbound_closed(self.viewers[&id]);
    }

    /// The stream that a viewer opened last.
    pub(crate) fn viewer_stream(&self, id: u64) -> InboundId {
        self.viewers[&id]
    }

    /// The transport lost a stream.
    pub(crate) fn fail(&mut self, stream: StreamId) {
        self.open.remove(&stream);
    }

    /// The transport lost all streams.
    pub(crate) fn forget_streams(&mut self) {
        self.open.clear();
    }

    pub(crate) fn leave(&mut self, id: u64) {
        self.session.participant_left(self.now, ParticipantId(id));
        self.pump();
    }

    /// A viewer sends raw bytes.
    pub(crate) fn bytes(&mut self, id: u64, bytes: &[u8]) -> Result<(), InboundError> {
        self.session
            .inbound_bytes(self.now, self.viewers[&id], bytes)
    }

    /// A viewer sends a JSON message.
    pub(crate) fn json(&mut self, id: u64, json: &str) {
        let frame = frame::text(json).unwrap();
        self.bytes(id, &frame).unwrap();
    }

    /// A viewer sends a message.
    pub(crate) fn send(&mut self, id: u64, message: &ClientMessage) {
        self.bytes(id, &message.frame().unwrap()).unwrap();
    }

    /// Requests to the robot's side.
    pub(crate) fn requests(&mut self) -> Vec<Request> {
        std::iter::from_fn(|| self.session.poll_request()).collect()
    }

    /// The binary messages that a viewer got, beside data and Pongs.
    pub(crate) fn binaries(&self, id: u64) -> Vec<BinaryMessage> {
        let received = self.received.get(&id).into_iter().flatten();
        received
            .filter_map(|received| match &received.what {
                What::Other(message) => Some(message.clone()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn subscribe(&mut self, id: u64, channels: &[u64]) {
        self.json(
            id,
            &format!(r#"{{"op":"subscribe","channelIds":{channels:?}}}"#),
        );
    }

    pub(crate) fn unsubscribe(&mut self, id: u64, channels: &[u64]) {
        self.json(
            id,
            &format!(r#"{{"op":"unsubscribe","channelIds":{channels:?}}}"#),
        );
    }

    pub(crate) fn ping(&mut self, id: u64, timestamp: u64) {
        self.binary(id, 4, timestamp);
    }

    pub(crate) fn ack(&mut self, id: u64, stamp: u64) {
        self.binary(id, 5, stamp);
    }

    fn binary(&mut self, id: u64, opcode: u8, value: u64) {
        let mut message = vec![opcode];
        message.extend_from_slice(&value.to_le_bytes());
        let frame = frame::binary(&message).unwrap();
        self.bytes(id, &frame).unwrap();
    }

    /// A viewer pings until it gets a Pong, and acknowledges it: all that it was sent has arrived.
    pub(crate) fn acknowledge(&mut self, id: u64) {
        while !self.try_acknowledge(id) {
            self.pass(Duration::from_millis(5));
        }
    }

    /// A viewer pings and acknowledges the Pong, if it gets one.
    pub(crate) fn try_acknowledge(&mut self, id: u64) -> bool {
        let before = self.pongs(id).len();
        self.ping(id, 0);
        self.pump();
        let pongs = self.pongs(id);
        let stamp = pongs.last().filter(|_| pongs.len() > before);
        if let Some(&(_, stamp)) = stamp {
            self.ack(id, stamp);
            self.pump();
        }
        stamp.is_some()
    }

    /// A viewer acknowledges all it gets for a while, which large messages take.
    pub(crate) fn acknowledge_all(&mut self, id: u64) {
        for _ in 0..400 {
            self.try_acknowledge(id);
            self.pass(Duration::from_millis(5));
        }
    }

    pub(crate) fn add(&mut self, channels: Vec<ChannelInfo>) {
        self.session.add_channels(self.now, channels);
    }

    /// A message on a channel with its number, `size` bytes with all headers.
    pub(crate) fn publish(&mut self, channel: u64, seq: u64, size: usize) {
        self.publish_from(PublisherId(0), channel, seq, size);
    }

    pub(crate) fn publish_from(
        &mut self,
        publisher: PublisherId,
        channel: u64,
        seq: u64,
        size: usize,
    ) {
        let frame = data_frame(channel, seq, size);
        self.session
            .message(self.now, ChannelId(channel), publisher, frame);
    }

    /// Carries out all that is to be done now.
    pub(crate) fn pump(&mut self) {
        while self.step() {}
    }

    /// Carries out one transmit. Returns `false` if there is none.
    pub(crate) fn step(&mut self) -> bool {
        let Some(transmit) = self.session.next_transmit(self.now) else {
            return false;
        };
        self.transmits.push(transmit.clone());
        match transmit {
            Transmit::Open {
                stream,
                destinations,
            } => {
                assert!(self.seen.insert(stream), "{stream:?} was used before");
                assert!(!destinations.is_empty());
                let decoder = FrameDecoder::default();
                let opened = Stream {
                    destinations,
                    decoder,
                };
                self.open.insert(stream, opened);
            }
            Transmit::Write { stream, data } => self.deliver(stream, &data),
            Transmit::Close { stream } => {
                let closed = self.open.remove(&stream);
                assert!(closed.is_some(), "{stream:?} is not open");
            }
        }
        true
    }

    fn deliver(&mut self, id: StreamId, data: &[u8]) {
        assert!((1..=SLICE_SIZE).contains(&data.len()), "{}", data.len());
        let stream = self.open.get_mut(&id).expect("an open stream");
        stream.decoder.push(data);
        while let Some(frame) = stream.decoder.next_frame().unwrap() {
            let what = parse(frame.opcode, &frame.payload);
            for destination in &stream.destinations {
                let received = self.received.entry(destination.0).or_default();
                received.push(Received {
                    stream: id,
                    what: what.clone(),
                });
            }
        }
    }

    /// Lets time pass in steps of 5 ms, transmitting all the while.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(5);
            self.session.handle_timeout(self.now);
            self.pump();
        }
    }

    /// Lets time pass without a transport that takes anything.
    pub(crate) fn pass_blocked(&mut self, time: Duration) {
        self.now += time;
        self.session.handle_timeout(self.now);
    }

    /// Lets the time pass after which a channel ends that nobody subscribes to any more.
    pub(crate) fn linger(&mut self) {
        self.pass_blocked(SessionConfig::default().unsubscribe_linger);
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    /// Open streams that lead to a viewer, with their destinations.
    pub(crate) fn streams_of(&self, id: u64) -> Vec<StreamId> {
        self.open
            .iter()
            .filter(|(_, stream)| stream.destinations.contains(&ParticipantId(id)))
            .map(|(&stream, _)| stream)
            .collect()
    }

    pub(crate) fn open_streams(&self) -> usize {
        self.open.len()
    }

    /// Whether every open stream has ended its last frame.
    pub(crate) fn at_boundary(&self) -> bool {
        self.open
            .values()
            .all(|stream| stream.decoder.buffered() == 0)
    }

    /// Numbers of the messages that a viewer got on a channel.
    pub(crate) fn seqs(&self, id: u64, channel: u64) -> Vec<u64> {
        let received = self.received.get(&id).into_iter().flatten();
        received
            .filter_map(|received| match received.what {
                What::Data {
                    channel: of, seq, ..
                } if of == channel => Some(seq),
                _ => None,
            })
            .collect()
    }

    /// The Pongs that a viewer got: echoed timestamp and stamp.
    pub(crate) fn pongs(&self, id: u64) -> Vec<(u64, u64)> {
        let received = self.received.get(&id).into_iter().flatten();
        received
            .filter_map(|received| match received.what {
                What::Pong { echo, stamp } => Some((echo, stamp)),
                _ => None,
            })
            .collect()
    }

    /// The JSON messages that a viewer got.
    pub(crate) fn messages(&self, id: u64) -> Vec<ServerMessage> {
        let received = self.received.get(&id).into_iter().flatten();
        received
            .filter_map(|received| match &received.what {
                What::Json(message) => Some(message.clone()),
                _ => None,
            })
            .collect()
    }

    /// The texts of the statuses that a viewer got, and `-id` for each one that was removed.
    pub(crate) fn statuses(&self, id: u64) -> Vec<String> {
        let messages = self.messages(id).into_iter();
        messages
            .flat_map(|message| match message {
                ServerMessage::Status { message, .. } => vec![message],
                ServerMessage::RemoveStatus { status_ids } => {
                    status_ids.into_iter().map(|id| format!("-{id}")).collect()
                }
                _ => vec![],
            })
            .collect()
    }

    /// What the statuses that a viewer got tell of wheels.
    pub(crate) fn wheels(&self, id: u64) -> Vec<Wheel> {
        let messages = self.messages(id).into_iter();
        messages
            .filter_map(|message| match message {
                ServerMessage::Status { wheel, .. } => wheel,
                _ => None,
            })
            .collect()
    }

    /// Bytes that the transport carried.
    pub(crate) fn uplink(&self) -> usize {
        self.transmits.iter().map(size_of).sum()
    }

    pub(crate) fn forget(&mut self) {
        self.received.clear();
        self.transmits.clear();
    }
}

fn size_of(transmit: &Transmit) -> usize {
    match transmit {
        Transmit::Write { data, .. } => data.len(),
        _ => 0,
    }
}

pub(crate) fn parse(opcode: Opcode, payload: &[u8]) -> What {
    let number = |at: usize| u64::from_le_bytes(payload[at..at + 8].try_into().unwrap());
    match (opcode, payload[0]) {
        (Opcode::Text, _) => What::Json(serde_json::from_slice(payload).unwrap()),
        (Opcode::Binary, 1) => What::Data {
            channel: number(1),
            seq: number(17),
            size: payload.len() + frame::FRAME_HEADER_SIZE,
        },
        (Opcode::Binary, 6) => What::Pong {
            echo: number(1),
            stamp: number(9),
        },
        (Opcode::Binary, _) => {
            What::Other(BinaryMessage::parse(Bytes::copy_from_slice(payload)).unwrap())
        }
    }
}

/// Everything is allowed.
pub(crate) fn permissive() -> SessionConfig {
    SessionConfig {
        policy: Policy::new(Capability::ALL, NameRule::all()),
        command_topics: NameRule::new(|topic| topic.ends_with("cmd_vel")),
        ..SessionConfig::default()
    }
}

/// A framed message with its number, `size` bytes with all headers.
pub(crate) fn data_frame(channel: u64, seq: u64, size: usize) -> Bytes {
    let length = size.max(server::MESSAGE_DATA_HEADER_SIZE + 8) - server::MESSAGE_DATA_HEADER_SIZE;
    let header = server::message_data_header(ChannelId(channel), seq, length).unwrap();
    let mut frame = header.to_vec();
    frame.extend_from_slice(&seq.to_le_bytes());
    frame.resize(header.len() + length, 0);
    frame.into()
}

/// A periodic channel that may lose messages.
pub(crate) fn channel(id: u64) -> ChannelInfo {
    ChannelInfo {
        channel: Channel {
            id: ChannelId(id),
            topic: format!("/topic{id}"),
            encoding: "cdr".into(),
            schema_name: "a_msgs/msg/A".into(),
            schema_encoding: Some("ros2msg".into()),
            schema: "int64 a".into(),
            metadata: BTreeMap::new(),
        },
        delivery: Delivery {
            depth: 10,
            reliable: false,
            latched: false,
        },
        rate_limit: RateLimit::default(),
    }
}

pub(crate) fn reliable(id: u64) -> ChannelInfo {
    let mut info = channel(id);
    info.delivery.reliable = true;
    info
}

pub(crate) fn latched(id: u64, depth: usize) -> ChannelInfo {
    let delivery = Delivery {
        depth,
        reliable: true,
        latched: true,
    };
    ChannelInfo {
        delivery,
        ..channel(id)
    }
}
