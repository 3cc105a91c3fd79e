//! A viewer: reads each stream on its own, pings, acknowledges, and writes down what it got.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use remote_access_protocol::frame::{self, FrameDecoder, Opcode};
use remote_access_session::{InboundId, StreamId};

use super::link::{Link, Packet, What};
use super::random::Random;

/// One message as a viewer got it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Got {
    pub stream: StreamId,
    pub channel: u64,
    pub seq: u64,
    /// Microseconds of virtual time.
    pub published: u64,
    pub at: u64,
}

/// A viewer that does something else for a while, again and again. In microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Busy {
    pub every: u64,
    pub for_so_long: u64,
}

impl Busy {
    pub(crate) const ALL_THE_TIME: Self = Self {
        every: 1,
        for_so_long: 1,
    };
}

/// Abilities of a viewer that the protocol leaves open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    /// It reads many streams.
    pub many_streams: bool,
    pub pings: bool,
}

impl Habits {
    pub(crate) const GOOD: Self = Self {
        many_streams: true,
        pings: true,
    };
}

#[derive(Debug)]
pub(crate) struct Viewer {
    pub habits: Habits,
    /// It reads and sends nothing while stalled.
    pub stalled: bool,
    /// Whether it ever stalled.
    pub troubled: bool,
    /// Whether it, or the way to it, ever stalled while the session had no acknowledgement of its current streams.
    /// Then nothing tells the session what has arrived, and order across streams is not promised.
    pub stalled_unknown: bool,
    /// Whether the server is to drop the next packet of data for it.
    pub loses: bool,
    /// Whether it missed one and wants a resync.
    pub broken: bool,
    /// The starts in which it missed a packet, see [`Viewer::start_of`].
    pub missed: BTreeSet<usize>,
    /// When it acknowledged first since its last start.
    acknowledged: Option<u64>,
    /// When it is busy: its data arrives, but it reads and answers only in between.
    pub busy: Option<Busy>,
    unread: Vec<Packet>,
    pub downlink: Link,
    /// Microseconds that its messages take to the robot.
    pub up_delay: u64,
    pub inbound: InboundId,
    pub got: Vec<Got>,
    /// The streams that began with serverInfo, arrived or not: all streams opened since belong to a
    /// resync.
    pub greetings: Vec<StreamId>,
    /// Bytes of data that arrived.
    pub bytes: u64,
    streams: BTreeMap<StreamId, FrameDecoder>,
    /// Streams that broke.
    lost: BTreeSet<StreamId>,
    upward: VecDeque<(u64, Vec<u8>)>,
    next_ping: u64,
}

impl Viewer {
    pub(crate) fn new(habits: Habits, downlink: Link, inbound: InboundId) -> Self {
        Self {
            habits,
            stalled: false,
            troubled: false,
            stalled_unknown: false,
            loses: false,
            broken: false,
            missed: BTreeSet::new(),
            acknowledged: None,
            busy: None,
            unread: Vec::new(),
            up_delay: downlink.delay,
            downlink,
            inbound,
            got: Vec::new(),
            greetings: Vec::new(),
            bytes: 0,
            streams: BTreeMap::new(),
            lost: BTreeSet::new(),
            upward: VecDeque::new(),
            next_ping: 0,
        }
    }

    /// Sends a frame to the robot.
    pub(crate) fn send(&mut self, now: u64, frame: &[u8]) {
        self.upward.push_back((now + self.up_delay, frame.to_vec()));
    }

    /// Bytes that reach the robot by now.
    pub(crate) fn sent(&mut self, now: u64) -> Vec<Vec<u8>> {
        let arrived = self.upward.partition_point(|&(at, _)| at <= now);
        self.upward.drain(..arrived).map(|(_, data)| data).collect()
    }

    /// Its stream to the robot is replaced, and what is on its way there is lost.
    pub(crate) fn ask_for_resync(&mut self) {
        self.upward.clear();
        self.broken = false;
        self.resynced();
    }

    /// A packet of the stream was lost for good, and with it the rest of the stream.
    fn lose(&mut self, stream: StreamId) {
        self.troubled = true;
        self.missed.insert(self.start_of(stream));
        self.streams.remove(&stream);
        self.lost.insert(stream);
    }

    /// How many times it was started when the stream began: those of one start belong together.
    pub(crate) fn start_of(&self, stream: StreamId) -> usize {
        self.greetings.iter().filter(|&&at| at <= stream).count()
    }

    /// The robot resyncs it.
    pub(crate) fn resynced(&mut self) {
        self.troubled = true;
        self.acknowledged = None;
        self.stalled_unknown |= self.stalled;
    }

    /// Stops or goes on.
    pub(crate) fn toggle_stall(&mut self, now: u64) {
        self.stalled = !self.stalled;
        self.troubled = true;
        if self.stalled {
            self.is_held_up(now);
        }
    }

    /// Nothing reaches it for a while.
    pub(crate) fn is_held_up(&mut self, now: u64) {
        // A second covers the way of the acknowledgement and a delayed resync.
        let known = self.acknowledged.is_some_and(|at| at + 1_500_000 < now);
        self.stalled_unknown |= !known;
    }

    /// Lets time pass. The streams are read in any order, each in its own order: a viewer has a
    /// task for each.
    pub(crate) fn advance(&mut self, now: u64, step: u64, random: &mut Random) {
        if self.stalled {
            return;
        }
        self.unread.extend(self.downlink.advance(now, step));
        let is_busy = |busy: Busy| now % busy.every < busy.for_so_long;
        if self.busy.is_some_and(is_busy) {
            return;
        }
        let arrived = std::mem::take(&mut self.unread);
        let mut pongs = Vec::new();
        for packet in self.in_any_order(arrived, random) {
            self.read(now, packet, &mut pongs);
        }
        for stamp in pongs {
            self.acknowledged.get_or_insert(now);
            self.send(now, &framed(5, stamp));
        }
        if self.habits.pings && self.next_ping <= now {
            self.next_ping = now + 100_000;
            self.send(now, &framed(4, now));
        }
    }

    fn in_any_order(&self, packets: Vec<Packet>, random: &mut Random) -> Vec<Packet> {
        // One that reads one stream reads the next when the last one has ended.
        if !self.habits.many_streams || packets.len() < 2 {
            return packets;
        }
        let mut streams: BTreeMap<StreamId, VecDeque<Packet>> = BTreeMap::new();
        for packet in packets {
            streams.entry(packet.stream).or_default().push_back(packet);
        }
        let mut mixed = Vec::new();
        while !streams.is_empty() {
            let index = random.range(0, streams.len() as u64) as usize;
            let Some(&stream) = streams.keys().nth(index) else {
                break;
            };
            match streams.get_mut(&stream).and_then(VecDeque::pop_front) {
                Some(packet) => mixed.push(packet),
                None => {
                    streams.remove(&stream);
                }
            }
        }
        mixed
    }

    fn read(&mut self, now: u64, packet: Packet, pongs: &mut Vec<u64>) {
        let stream = packet.stream;
        match packet.what {
            What::Open => {
                self.streams.insert(stream, FrameDecoder::default());
            }
            What::Close => {
                self.streams.remove(&stream);
            }
            // The SDK ends a stream that misses a chunk: nothing of it is read any more.
            What::Data(_) if std::mem::take(&mut self.loses) => {
                self.lose(stream);
                self.broken = true;
            }
            What::Gap => self.lose(stream),
            What::Data(_) if self.lost.contains(&stream) => {}
            What::Data(data) => {
                self.bytes += data.len() as u64;
                let decoder = self.streams.get_mut(&stream);
                let decoder = decoder.unwrap_or_else(|| panic!("{stream:?} is not open"));
                decoder.push(&data);
                let mut frames = Vec::new();
                while let Some(frame) = decoder.next_frame().expect("frames of the protocol") {
                    frames.push(frame);
                }
                for frame in frames {
                    match frame.opcode {
                        Opcode::Text => {}
                        Opcode::Binary if frame.payload[0] == 1 => {
                            self.data(now, stream, &frame.payload);
                        }
                        Opcode::Binary => pongs.push(number(&frame.payload, 9)),
                    }
                }
            }
        }
    }

    fn data(&mut self, now: u64, stream: StreamId, payload: &[u8]) {
        self.got.push(Got {
            stream,
            channel: number(payload, 1),
            published: number(payload, 9) / 1000,
            seq: number(payload, 17),
            at: now,
        });
    }
}

fn number(payload: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(payload[at..at + 8].try_into().expect("8 bytes"))
}

fn framed(opcode: u8, value: u64) -> Vec<u8> {
    let mut message = vec![opcode];
    message.extend_from_slice(&value.to_le_bytes());
    frame::binary(&message).expect("a short message").to_vec()
}
